"""No bad token comes in: a table of attacks and mistakes, each with the answer it must get."""

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from harness.issuing import (
    AUDIENCE,
    EC,
    ED,
    ENCRYPTION,
    METADATA,
    RSA,
    STRANGER,
    SYMMETRIC,
    URL,
    Clock,
    LiveIssuer,
    authenticator,
    sign,
    trusting,
)
from joserfc.jwk import RSAKey

from app.auth.errors import AuthError
from policies.errors import Code
from policies.principal import Scope

Bad = Callable[[LiveIssuer], str]
DAY = 24 * 3_600
MUTATIONS = 20_000


def b64(raw: bytes | str) -> str:
    """Encode a JWT segment."""
    data = raw.encode() if isinstance(raw, str) else raw
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header: object, claims: object, signature: bytes = b"x" * 64) -> str:
    """Put a token together without any key."""
    return f"{b64(json.dumps(header))}.{b64(json.dumps(claims))}.{b64(signature)}"


def hmac_signed(issuer: LiveIssuer, secret: bytes, kid: str) -> str:
    """Sign with HS256 by hand, as an attacker who knows a public key would."""
    text = f"{b64(json.dumps({'alg': 'HS256', 'typ': 'at+jwt', 'kid': kid}))}.{b64(json.dumps(issuer.claims()))}"
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def without_use(key: RSAKey) -> RSAKey:
    """Return the same key, allowed to sign."""
    return RSAKey.import_key({name: value for name, value in key.as_dict(private=True).items() if name != "use"})


def tampered(issuer: LiveIssuer) -> str:
    """Raise the scope of a good token after it was signed."""
    header, _, signature = issuer.mint().split(".")
    return f"{header}.{b64(json.dumps(issuer.claims(scope='graph:admin')))}.{signature}"


def changed(**changes: object) -> Bad:
    """Change claims of a good token before it is signed."""
    return lambda issuer: issuer.mint(**changes)


def later(**seconds: float) -> Bad:
    """Set times relative to now."""
    return lambda issuer: issuer.mint(**{name: int(issuer.clock.epoch) + value for name, value in seconds.items()})


def headed(**header: object) -> Bad:
    """Change the header of a good token before it is signed."""
    return lambda issuer: issuer.mint(header=header)


def payload(text: str | bytes) -> Bad:
    """Sign a payload that is no claim set."""
    return lambda _issuer: sign(text)


TOKENS: dict[str, Bad] = {
    # what is no token
    "garbage": lambda _: "abc",
    "three words": lambda _: "a.b.c",
    "empty segments": lambda _: "..",
    "five segments (JWE)": lambda _: "a.b.c.d.e",
    "two segments": lambda i: i.mint().rpartition(".")[0],
    "no signature": lambda i: i.mint().rpartition(".")[0] + ".",
    "trailing dot": lambda i: i.mint() + ".",
    "padded": lambda i: i.mint() + "=",
    "too long": lambda i: i.mint(filler="x" * 20_000),
    "header is a list": lambda i: forge(["alg", "typ", "kid"], i.claims()),
    "header is a text": lambda i: forge("alg", i.claims()),
    "payload is a list": payload("[1,2]"),
    "payload is not JSON": payload("hello"),
    "payload is not UTF-8": payload(b"\xff\xfe"),
    "payload is 5,000 levels deep": payload('{"iss":' + "[" * 5_000 + "]" * 5_000 + "}"),
    "payload is 1,000 levels deep": lambda i: sign(
        json.dumps(i.claims())[:-1] + ',"x":' + "[" * 1000 + "]" * 1000 + "}"
    ),
    # the signature
    "alg none": lambda i: forge({"alg": "none", "typ": "at+jwt"}, i.claims(), b""),
    "alg NONE": lambda i: forge({"alg": "NONE", "typ": "at+jwt", "kid": "ec"}, i.claims(), b""),
    "alg missing": lambda i: forge({"typ": "at+jwt", "kid": "ec"}, i.claims()),
    "alg is a list": lambda i: forge({"alg": ["ES256"], "typ": "at+jwt", "kid": "ec"}, i.claims()),
    "HS256 with the public RSA key": lambda i: hmac_signed(i, RSA.as_pem(private=False), "rsa"),
    "HS256 with the public EC key": lambda i: hmac_signed(i, EC.as_pem(private=False), "ec"),
    "HS256 with a published symmetric key": lambda i: i.mint(SYMMETRIC),
    "RS512, not on the list": lambda i: i.mint(RSA, {"alg": "RS512"}),
    "ES256 header, RSA key": lambda i: forge({"alg": "ES256", "typ": "at+jwt", "kid": "rsa"}, i.claims()),
    "key for encryption": lambda i: i.mint(without_use(ENCRYPTION)),
    "somebody else's key, same key id": lambda i: i.mint(STRANGER),
    "unknown key id": headed(kid="nobody"),
    "key id is a number": lambda i: forge({"alg": "ES256", "typ": "at+jwt", "kid": 5}, i.claims()),
    "key id is a list": lambda i: forge({"alg": "ES256", "typ": "at+jwt", "kid": ["ec"]}, i.claims()),
    "no key id among several keys": headed(kid=...),
    "key in the header": lambda i: i.mint(STRANGER, {"jwk": STRANGER.as_dict(private=False)}),
    "key set by URL": lambda i: i.mint(STRANGER, {"jku": "https://evil.example/jwks"}),
    "critical extension, unknown": lambda i: forge(
        {"alg": "ES256", "typ": "at+jwt", "kid": "ec", "crit": ["bork"], "bork": 1}, i.claims()
    ),
    "critical extension, no list": lambda i: forge(
        {"alg": "ES256", "typ": "at+jwt", "kid": "ec", "crit": 5}, i.claims()
    ),
    "unencoded payload": lambda i: forge(
        {"alg": "ES256", "typ": "at+jwt", "kid": "ec", "b64": False, "crit": ["b64"]}, i.claims()
    ),
    "claims changed after signing": tampered,
    # what kind of token
    "no typ": headed(typ=...),
    "typ JWT (an ID token)": headed(typ="JWT"),
    "typ logout": headed(typ="logout+jwt"),
    "typ is empty": headed(typ=""),
    "bound to a DPoP key": changed(cnf={"jkt": "abc"}),
    "bound to a certificate": changed(cnf={"x5t#S256": "abc"}),
    "cnf is null": changed(cnf=None),
    # whose, for whom
    "issuer unknown": changed(iss="https://evil.example"),
    "issuer with a slash": changed(iss=URL + "/"),
    "issuer in capitals": changed(iss=URL.upper()),
    "issuer is a list": changed(iss=[URL]),
    "issuer missing": changed(iss=...),
    "audience of another API": changed(aud="https://other.example"),
    "audience with our prefix": changed(aud=AUDIENCE + ".evil"),
    "audience missing": changed(aud=...),
    "audience is empty": changed(aud=[]),
    "audience is a number": changed(aud=5),
    "audience is an object": changed(aud={AUDIENCE: True}),
    "audience list with a number": changed(aud=[AUDIENCE, 5]),
    "subject missing": changed(sub=...),
    "subject is empty": changed(sub=""),
    "subject is a number": changed(sub=5),
    "subject has a line break": changed(sub="ada\nroot"),
    "subject is very long": changed(sub="a" * 256),
    "subject is half a character": lambda i: sign(json.dumps(i.claims(sub="\ud800"))),
    "client missing": changed(client_id=...),
    "client is a list": changed(client_id=["portal"]),
    "id missing": changed(jti=...),
    "id is a number": changed(jti=7),
    # when
    "expired": later(iat=-900, exp=-31),
    "expiry missing": changed(exp=...),
    "expiry is a text": changed(exp="9999999999"),
    "expiry is true": changed(exp=True),
    "expiry is null": changed(exp=None),
    "expiry is not a number": lambda i: sign(json.dumps(i.claims(exp=float("nan")))),
    "expiry is infinite": lambda i: sign(json.dumps(i.claims(exp=float("inf")))),
    "expiry in ten years": later(exp=DAY * 3_650),
    "expiry has 400 digits": changed(exp=10**400),
    "lives a second longer than 24 h": later(exp=DAY + 1),
    "expires before it was issued": later(iat=20, exp=10),
    "issued in the future": later(iat=31, exp=600),
    "issue time missing": changed(iat=...),
    "issue time is a text": changed(iat="now"),
    "not yet valid": later(nbf=31),
    "not before is a text": changed(nbf="soon"),
    # what it carries
    "scope is a number": changed(scope=5),
    "scope is a list": changed(scope=["graph:read"]),
    "scope is null": changed(scope=None),
    "groups is a text": changed(groups="ranking"),
    "groups holds a number": changed(groups=[1]),
    "groups holds nothing": changed(groups=[""]),
    "groups is an object": changed(groups={"ranking": True}),
    "groups is null": changed(groups=None),
    "roles is a text": changed(roles="admin"),
    "roles holds objects": changed(roles=[{"value": "admin"}]),
    "kind unknown": changed(principal_kind="GOD"),
    "kind is a list": changed(principal_kind=["PERSON"]),
    "tenant of somebody else": changed(tenant="other"),
    "tenant is a list": changed(tenant=["acme"]),
    "tenant is empty": changed(tenant=""),
    "tenant with a slash": changed(tenant="acme/other"),
    "auth_time is a text": changed(auth_time="yesterday"),
    "amr is a text": changed(amr="pwd"),
    "acr is a number": changed(acr=1),
}

HEADERS: dict[str, str | None] = {
    "nothing": None,
    "empty": "",
    "scheme alone": "Bearer",
    "scheme and space": "Bearer ",
    "Basic": "Basic YWRhOmFkYQ==",
    "DPoP": "DPoP {token}",
    "no scheme": "{token}",
    "two tokens": "Bearer {token} {token}",
    "two headers": "Bearer {token}, Bearer {token}",
    "tab": "Bearer\t{token}",
    "line break": "Bearer {token}\n",
    "no ASCII": "Bearer é.é.é",
    "look-alike scheme": "Bearer\u00a0{token}",
}


@pytest.fixture
def issuer() -> LiveIssuer:
    """Return an issuer whose clock stands still."""
    return LiveIssuer(Clock())


async def refusal(issuer: LiveIssuer, authorization: str | None, **config: Any) -> AuthError:  # noqa: ANN401
    """Return the error that a header meets after a good one; fails where it is let in."""
    async with authenticator([trusting(issuer, **config)]) as door:
        assert (await door.authenticate(f"Bearer {issuer.mint()}")).subject == "ada"
        with pytest.raises(AuthError) as caught:
            await door.authenticate(authorization)
    return caught.value


async def accepted(issuer: LiveIssuer, token: str) -> bool:
    """Whether a token is let in; raises where it is neither let in nor refused."""
    async with authenticator([trusting(issuer)]) as door:
        return (await door.authenticate(f"Bearer {token}")).subject == "ada"


@pytest.mark.parametrize("name", TOKENS)
async def test_a_bad_token_is_refused(issuer: LiveIssuer, name: str) -> None:
    """Every token of the table gets 401, a coded error and the challenge of RFC 6750 with the metadata of RFC 9728."""
    error = await refusal(issuer, f"Bearer {TOKENS[name](issuer)}")
    assert (error.status, error.code) == (401, Code.UNAUTHENTICATED)
    challenge = error.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer error="invalid_token", error_description="')
    assert challenge.endswith(f'", resource_metadata="{METADATA}"')


def test_the_table_is_long_enough() -> None:
    """The promise is at least 45 bad tokens."""
    assert len(TOKENS) >= 45


@pytest.mark.parametrize("name", HEADERS)
async def test_a_header_without_a_bearer_token_is_refused(issuer: LiveIssuer, name: str) -> None:
    """Nothing but one bearer token is a token, and who sent none is not told that it was invalid."""
    template = HEADERS[name]
    error = await refusal(issuer, template.replace("{token}", issuer.mint()) if template else template)
    assert (error.status, error.code) == (401, Code.UNAUTHENTICATED)
    assert error.headers == {"WWW-Authenticate": f'Bearer resource_metadata="{METADATA}"'}


GOOD: dict[str, Bad] = {
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
async def test_a_good_token_comes_in(issuer: LiveIssuer, name: str) -> None:
    """What the table of bad tokens changes is good without the change, up to the last second of the leeway."""
    assert await accepted(issuer, GOOD[name](issuer))


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_ed25519_comes_in(issuer: LiveIssuer) -> None:
    """EdDSA is on the list, whatever the library thinks of its name."""
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


async def test_a_lone_key_needs_no_key_id(issuer: LiveIssuer) -> None:
    """RFC 7515 leaves `kid` optional: with one key that may sign there is no choice to make."""
    issuer.keys = [EC, ENCRYPTION, SYMMETRIC]
    assert await accepted(issuer, issuer.mint(header={"kid": ...}))


async def test_the_wrong_key_is_refused_without_a_key_id(issuer: LiveIssuer) -> None:
    """Without `kid` the lone key still has to fit."""
    issuer.keys = [EC]
    token = issuer.mint(STRANGER, {"kid": ...})
    assert (await refusal(issuer, f"Bearer {token}")).status == 401


async def test_a_missing_scope_is_forbidden_and_named(issuer: LiveIssuer) -> None:
    """A good token without the scope gets 403 and learns which scope to ask for; similar scopes do not help."""
    token = issuer.mint(scope="graph:reader graph graph:write Graph:Read graph:read\u00a0")
    async with authenticator([trusting(issuer)]) as door:
        with pytest.raises(AuthError) as caught:
            await door.authenticate(f"Bearer {token}", Scope.READ)
    assert (caught.value.status, caught.value.code) == (403, Code.FORBIDDEN)
    assert caught.value.headers == {
        "WWW-Authenticate": f'Bearer error="insufficient_scope", scope="graph:read", resource_metadata="{METADATA}"'
    }


async def test_the_answer_quotes_nothing_from_the_token(issuer: LiveIssuer) -> None:
    """Text of a token cannot travel into headers and messages."""
    token = forge({"alg": 'CANARY", x="', "typ": "at+jwt", "kid": "ec"}, issuer.claims(sub="CANARY"))
    error = await refusal(issuer, f"Bearer {token}")
    assert "CANARY" not in error.message + str(error.headers) + str(error.extensions)


def mutant(token: str, rng: random.Random) -> str:
    """Replace, delete, insert, swap or repeat one to six pieces of a token."""
    text = list(token)
    for _ in range(rng.randint(1, 6)):
        at, other = rng.randrange(len(text)), rng.randrange(len(text))
        match rng.randrange(5):
            case 0:
                text[at] = rng.choice("ABCDEFabcdef0123456789-_.=")
            case 1:
                text[at] = chr(rng.choice([rng.randrange(33, 127), rng.randrange(128, 0x2FFF)]))
            case 2 if len(text) > 1:
                del text[at]
            case 3:
                text[at], text[other] = text[other], text[at]
            case _:
                text[at:at] = text[other : other + rng.randint(1, 8)]
    return "".join(text)


async def test_no_mutation_of_a_token_is_accepted(issuer: LiveIssuer) -> None:
    """20,000 random changes of good tokens: none accepted, and none answered with anything but 401."""
    rng = random.Random(20_240_611)  # noqa: S311 - the same mutants in each run
    tokens = [issuer.mint(), issuer.mint(RSA), issuer.mint(header={"kid": "rsa"})]
    tried = 0
    async with authenticator([trusting(issuer)]) as door:
        while tried < MUTATIONS:
            token = rng.choice(tokens)
            text = mutant(token, rng)
            if text in tokens[:2]:
                continue
            tried += 1
            with pytest.raises(AuthError) as caught:
                await door.authenticate(f"Bearer {text}")
            assert caught.value.status == 401, text
    assert issuer.fetches == 1


async def test_no_mutation_of_the_claims_breaks_us(issuer: LiveIssuer) -> None:
    """Signed claims of any JSON type in any place are accepted or refused, never an error of ours."""
    rng = random.Random(7)  # noqa: S311 - the same mutants in each run
    values = [None, True, 0, -1, 1.5, 10**30, "", "x", "\u0000", "😀", [], [None], ["x"], [["x"]], {}, {"x": 1}, [{}]]
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
    async with authenticator([trusting(issuer)]) as door:
        for _ in range(1_500):
            changes = {rng.choice(names): rng.choice(values) for _ in range(rng.randint(1, 2))}
            try:
                await door.authenticate(f"Bearer {issuer.mint(**changes)}")
                outcomes.add(200)
            except AuthError as error:
                outcomes.add(error.status)
    assert outcomes == {200, 401}
