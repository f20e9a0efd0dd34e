"""Every bad token is refused: a table of attacks and mistakes, each with its required response."""

import random
import re
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from security.bad_tokens import DAY, HEADERS, TOKENS, Forger, changed, forge, headed, later
from structlog.testing import capture_logs
from support.servers.app_without_store import AppFactory, Response
from support.servers.issuer import (
    AUDIENCE,
    EC,
    ED,
    ENCRYPTION,
    METADATA,
    RSA,
    STRANGER,
    SYMMETRIC,
    Clock,
    LiveIssuer,
    authenticator,
    trusting,
)

from app.auth.errors import AuthError
from policies.errors import Code
from policies.principal import Scope

CHALLENGE = re.compile(
    r'Bearer error="invalid_token", error_description="[\x20-\x21\x23-\x5b\x5d-\x7e]+", '
    rf'resource_metadata="{re.escape(METADATA)}"'
)
"""RFC 6750 section 3: what a description may consist of; RFC 9728 section 5.1: where to read on."""
UNMISTAKABLE = ("evil", "incident", "other.example", "look-alike", "1'='1", "dev/null", "bork")


@pytest.fixture
def issuer() -> LiveIssuer:
    """Return an issuer with a stopped clock."""
    return LiveIssuer(Clock())


async def refusal(issuer: LiveIssuer, authorization: str | None, **config: Any) -> AuthError:
    """Return the error for a header sent after a good one; fails if the header is accepted."""
    async with authenticator([trusting(issuer, **config)]) as gateway:
        assert (await gateway.authenticate(f"Bearer {issuer.mint()}")).subject == "ada"
        with pytest.raises(AuthError) as caught:
            await gateway.authenticate(authorization)
    return caught.value


async def accepted(issuer: LiveIssuer, token: str) -> bool:
    """Return whether a token is accepted; raises if it is neither accepted nor refused."""
    async with authenticator([trusting(issuer)]) as gateway:
        return (await gateway.authenticate(f"Bearer {token}")).subject == "ada"


@pytest.fixture(scope="module")
def doorway() -> AppFactory:
    """Return the application, for which each test has an issuer of its own."""
    return AppFactory()


def quoted(token: str, response: Response, logged: str) -> list[str]:
    """List the parts of a token, encoded and decoded, that a response or the log repeats."""
    parts = [*UNMISTAKABLE, *(part for part in token.split(".") if len(part) > 8)]
    return [part for part in parts if part in f"{response.headers}{response.text}{logged}"]


@pytest.mark.parametrize("name", TOKENS)
async def test_a_bad_token_is_refused(issuer: LiveIssuer, doorway: AppFactory, name: str) -> None:
    """The application answers every token of the table with a complete 401 that repeats nothing of the token."""
    token = TOKENS[name](issuer)
    gateway = doorway.open(authenticator([trusting(issuer)]))
    assert (await gateway.bearer(issuer.mint())).json == {"data": {"__typename": "Query"}}
    with capture_logs() as logs:
        response = await gateway.bearer(token)
    assert response.status == 401
    assert CHALLENGE.fullmatch(response.headers["www-authenticate"])
    assert response.json.keys() == {"errors"}
    (error,) = response.json["errors"]
    assert error.keys() == {"message", "extensions"}
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "requestId": response.headers["x-request-id"]}
    assert quoted(token, response, str(logs)) == []
    assert [entry["event"] for entry in logs] == ["access_token_refused"]


def test_the_table_is_long_enough() -> None:
    """The table holds at least 45 bad tokens."""
    assert len(TOKENS) >= 45


@pytest.mark.parametrize("name", HEADERS)
async def test_a_header_without_a_bearer_token_is_refused(issuer: LiveIssuer, doorway: AppFactory, name: str) -> None:
    """Only a single bearer token is accepted, and a response to a request without one does not call it invalid."""
    template = HEADERS[name]
    headers = [] if template is None else [template.replace("{token}", issuer.mint())]
    response = await doorway.open(authenticator([trusting(issuer)])).post(*headers)
    assert (response.status, response.json["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == f'Bearer resource_metadata="{METADATA}"'


GOOD: dict[str, Forger] = {
    "as minted": lambda i: i.mint(),
    "RS256": lambda i: i.mint(RSA),
    "PS256": lambda i: i.mint(RSA, {"alg": "PS256"}),
    "long media type": headed(typ="application/AT+JWT"),
    "header we do not know": headed(nonce="1"),
    "audience among others": changed(aud=["https://other.example", AUDIENCE]),
    "expired within the leeway": later(iat=-600, exp=-29),
    "issued within the leeway": later(iat=29, exp=600),
    "not before, within the leeway": later(nbf=29),
    "exactly 24 h": later(exp=DAY),
    "times with fractions": changed(iat=1_799_999_999.5, exp=1_800_000_600.5),
    "no groups": changed(groups=[]),
    "no groups, no roles, no scope": changed(groups=..., roles=..., scope=...),
    "scope is empty": changed(scope=""),
}


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_token_is_accepted(issuer: LiveIssuer, name: str) -> None:
    """The unchanged token behind the table is accepted, up to the last second of the clock leeway."""
    assert await accepted(issuer, GOOD[name](issuer))


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_ed25519_is_accepted(issuer: LiveIssuer) -> None:
    """EdDSA is accepted, although the library has deprecated its name."""
    assert await accepted(issuer, issuer.mint(ED))


async def test_an_algorithm_that_the_issuer_may_not_use_is_refused(issuer: LiveIssuer) -> None:
    """The list of one issuer narrows the list of all."""
    error = await refusal(issuer, f"Bearer {issuer.mint(RSA)}", algorithms=frozenset({"ES256"}))
    assert error.status == 401


async def test_a_short_rsa_key_verifies_nothing(issuer: LiveIssuer) -> None:
    """An RSA key under 2,048 bits is dropped when the key set loads."""
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024, {"kid": "short", "use": "sig"})
    issuer.keys.append(short)
    assert (await refusal(issuer, f"Bearer {issuer.mint(short)}")).status == 401


async def test_a_single_key_needs_no_key_id(issuer: LiveIssuer) -> None:
    """RFC 7515 leaves `kid` optional: a single signing key is used without one."""
    issuer.keys = [EC, ENCRYPTION, SYMMETRIC]
    assert await accepted(issuer, issuer.mint(EC, {"kid": ...}))


async def test_the_wrong_key_is_refused_without_a_key_id(issuer: LiveIssuer) -> None:
    """Without `kid` the single key must still verify the signature."""
    issuer.keys = [EC]
    token = issuer.mint(STRANGER, {"kid": ...})
    assert (await refusal(issuer, f"Bearer {token}")).status == 401


async def test_a_missing_scope_is_forbidden_and_named(issuer: LiveIssuer) -> None:
    """A good token without the scope gets 403 with the name of the scope; similar scope names are not accepted."""
    token = issuer.mint(scope="graph:reader graph graph:write Graph:Read graph:read\u00a0")
    async with authenticator([trusting(issuer)]) as gateway:
        with pytest.raises(AuthError) as caught:
            await gateway.authenticate(f"Bearer {token}", Scope.READ)
    assert (caught.value.status, caught.value.code) == (403, Code.FORBIDDEN)
    assert caught.value.headers == {
        "WWW-Authenticate": f'Bearer error="insufficient_scope", scope="graph:read", resource_metadata="{METADATA}"'
    }


async def test_the_answer_quotes_nothing_from_the_token(issuer: LiveIssuer) -> None:
    """Text of a token never occurs in headers and messages."""
    token = forge({"alg": 'CANARY", x="', "typ": "at+jwt", "kid": "ec"}, issuer.claims(sub="CANARY"))
    error = await refusal(issuer, f"Bearer {token}")
    assert "CANARY" not in error.message + str(error.headers) + str(error.extensions)


async def test_no_mutation_of_the_claims_causes_an_internal_error(issuer: LiveIssuer) -> None:
    """Signed claims of any JSON type in any place are accepted or refused, and never cause an internal error."""
    rng = random.Random(7)
    values: list[object] = [
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        "",
        "x",
        "\u0000",
        "😀",
        [],
        [None],
        ["x"],
        [["x"]],
        {},
        {"x": 1},
        [{}],
    ]
    names = [
        *issuer.claims(),
        "nbf",
        "tenant",
        "principal_kind",
        "name",
        "azp",
        "realm_access",
        "acr",
        "amr",
        "auth_time",
    ]
    outcomes = set()
    async with authenticator([trusting(issuer)]) as gateway:
        for _ in range(1_500):
            changes = {rng.choice(names): rng.choice(values) for _ in range(rng.randint(1, 2))}
            try:
                await gateway.authenticate(f"Bearer {issuer.mint(**changes)}")
                outcomes.add(200)
            except AuthError as error:
                outcomes.add(error.status)
    assert outcomes == {200, 401}
