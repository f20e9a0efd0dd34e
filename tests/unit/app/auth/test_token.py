"""The parts of a token before its signature is verified, and the checks that Authlib does not make."""

import json
from base64 import urlsafe_b64encode

import pytest
from joserfc.jwk import ECKey, KeySet
from support.servers.issuer import AUDIENCE, EC, STRANGER, URL, Clock, LiveIssuer

from app.auth.issuers import Issuer
from app.auth.token import (
    MAX_TOKEN_LENGTH,
    AccessTokenValidator,
    TokenRejectedError,
    UnverifiedToken,
    bearer_token,
    read_unverified,
)

NOW = 1_800_000_000


def unsigned(header: object, claims: object) -> str:
    """Return the segments of a token with a signature that nothing verifies."""
    segments = (urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
    return ".".join((*segments, "c2ln"))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  a.b-c_d~e+f/1==", "a.b-c_d~e+f/1=="),
        (" BEARER abc ", "abc"),
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearerabc", None),
        ("Basic abc", None),
        ("Bearer a b", None),
        ("Bearer a=b", None),
        ("Bearer abc\n", None),
        ("Bearer\tabc", None),
        ("Bearer abc, Bearer def", None),
        ("Bearer \u00e4bc", None),
    ],
)
def test_a_bearer_token_is_read_from_its_header(header: str | None, token: str | None) -> None:
    """The scheme has any case and spaces around; every other form is no token (RFC 6750 section 2.1)."""
    assert bearer_token(header) == token


def test_issuer_and_key_id_are_read_without_the_signature() -> None:
    """A token without a key id is accepted here, because the issuer may have a single key."""
    issuer = LiveIssuer(Clock())
    assert read_unverified(issuer.mint()) == UnverifiedToken(URL, "ec")
    assert read_unverified(issuer.mint(EC, {"kid": ...})) == UnverifiedToken(URL, None)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("a.b", "the token is not a signed JWT"),
        ("a.b.c.d.e", "the token is not a signed JWT"),
        ("@.@.@", "the token is not a signed JWT"),
        (unsigned({}, []), "the token is not a signed JWT"),
        (unsigned("none", {}), "the token is not a signed JWT"),
        (unsigned({}, {"iss": float("nan")}), "the token is not a signed JWT"),
        (unsigned({}, {}), "the issuer or the key id of the token is not a string"),
        (unsigned({}, {"iss": 1}), "the issuer or the key id of the token is not a string"),
        (unsigned({"kid": 7}, {"iss": "x"}), "the issuer or the key id of the token is not a string"),
        (
            unsigned({"crit": ["x"]}, {"iss": "x"}),
            "the header of the token requires an extension that is not supported",
        ),
        (
            unsigned({"b64": False}, {"iss": "x"}),
            "the header of the token requires an extension that is not supported",
        ),
        ("a" * (MAX_TOKEN_LENGTH + 1), "the token is longer than 16384 characters"),
    ],
)
def test_what_is_no_signed_jwt_is_refused(token: str, reason: str) -> None:
    """The reason quotes nothing from the token, because a response header contains it."""
    with pytest.raises(TokenRejectedError) as error:
        read_unverified(token)
    assert str(error.value) == reason


def checked(token: str, key: ECKey = EC) -> dict[str, object]:
    """Return the claims of a token that is checked at NOW with one key."""
    validator = AccessTokenValidator(Issuer(url=URL, audience=AUDIENCE, tenant="acme"), lambda: NOW)
    return dict(validator.check(token, KeySet([key])))


def minted(header: dict[str, object] | None = None, /, **changes: object) -> str:
    """Return a token of the issuer with other claims."""
    return LiveIssuer(Clock()).mint(EC, header, **changes)


def reason(token: str, key: ECKey = EC) -> str:
    """Return the reason for which a token is refused."""
    with pytest.raises(TokenRejectedError) as error:
        checked(token, key)
    return str(error.value)


def test_a_good_token_is_returned_with_its_claims() -> None:
    """Subject, client and scopes are those of the token."""
    claims = checked(minted())
    assert (claims["sub"], claims["client_id"], claims["scope"]) == ("ada", "portal", "graph:read graph:write")


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": NOW - 600, "exp": NOW - 29},
        {"iat": NOW, "exp": NOW + 86_400},
        {"iat": NOW + 30, "exp": NOW + 60},
        {"sub": "x" * 255},
        {"aud": [AUDIENCE, "https://other.example"]},
    ],
)
def test_bounds_of_times_and_lengths_are_accepted(claims: dict[str, object]) -> None:
    """30 seconds between the clocks, a lifetime of one day and a subject of 255 characters are the bounds."""
    assert checked(minted(**claims))["iss"] == URL


@pytest.mark.parametrize(
    ("claims", "because"),
    [
        ({"iat": NOW - 600, "exp": NOW - 31}, "expired token, exp"),
        ({"iat": NOW, "exp": NOW + 86_401}, "invalid claim, exp"),
        ({"iat": NOW, "exp": NOW}, "invalid claim, exp"),
        ({"sub": "x" * 256}, "invalid claim, sub"),
        ({"sub": "a\nb"}, "invalid claim, sub"),
        ({"sub": 7}, "invalid claim, sub"),
        ({"scope": ["graph:read"]}, "invalid claim, scope"),
        ({"cnf": {"jkt": "x"}}, "invalid claim, cnf"),
        ({"aud": "https://other.example"}, "invalid claim, aud"),
        ({"iss": "https://other.example"}, "invalid claim, iss"),
        ({"jti": ...}, "missing claim, jti"),
        ({"client_id": ...}, "missing claim, client_id"),
    ],
)
def test_a_wrong_claim_is_named(claims: dict[str, object], because: str) -> None:
    """The reason names the claim and never its value."""
    assert reason(minted(**claims)) == because


@pytest.mark.parametrize("kind", ["JWT", "id+jwt", "", ...])
def test_only_access_tokens_are_accepted(kind: object) -> None:
    """An id token has a valid signature of the same issuer, and only its type differs."""
    assert reason(minted({"typ": kind})) == "invalid claim, typ"
    assert checked(minted({"typ": "Application/AT+JWT"}))["sub"] == "ada"


def test_the_key_of_a_stranger_verifies_nothing() -> None:
    """A key with the same id but another content is a wrong signature."""
    assert reason(minted(), STRANGER) == "bad signature"
