"""ID tokens: each fault of OpenID Connect Core 3.1.3.7 refuses the sign-in, with a reason that quotes no token."""

from typing import Any

import pytest
from support.servers.issuer import RSA, STRANGER, SYMMETRIC, Clock, trusting
from support.servers.sign_in_issuer import CLIENT, SignInIssuer

from app.auth.sign_in.browser_session import IssuedTokens
from app.auth.sign_in.errors import SignInRefusedError
from app.auth.sign_in.id_token import check_id_token

NOW = int(Clock().epoch)

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "of another issuer": ({"iss": "https://other.example"}, "`iss`"),
    "for another client": ({"aud": "other"}, "`aud`"),
    "for several clients, and presented by none": ({"aud": [CLIENT, "other"]}, "`azp`"),
    "presented by another client": ({"aud": [CLIENT, "other"], "azp": "other"}, "`azp`"),
    "of another sign-in": ({"nonce": "other"}, "`nonce`"),
    "of no sign-in": ({"nonce": ...}, ""),
    "expired": ({"exp": NOW - 31}, ""),
    "from the future": ({"iat": NOW + 31}, ""),
    "without a subject": ({"sub": ...}, ""),
    "of another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "`at_hash`"),
    "with a number for its expiry that is none": ({"exp": "soon"}, ""),
}


def tokens(issuer: SignInIssuer) -> IssuedTokens:
    """Return the tokens of a sign-in with the nonce `n`."""
    return IssuedTokens("access", None, issuer._id_token("n"))  # noqa: SLF001 - the token of the issuer alone


async def check(issuer: SignInIssuer, issued: IssuedTokens) -> None:
    """Check an ID token on the clock of the issuer."""
    await check_id_token(trusting(issuer), issued, client=CLIENT, nonce="n", now=issuer.clock.epoch)


@pytest.mark.parametrize("key", [RSA, None])
async def test_a_good_token_is_accepted(key: Any) -> None:
    """The tokens of all algorithms of the issuer pass, also for several clients when presented by this one."""
    issuer = SignInIssuer(Clock())
    issuer.identity_key = key or issuer.identity_key
    await check(issuer, tokens(issuer))
    issuer.identity = {"aud": [CLIENT, "other"], "azp": CLIENT}
    await check(issuer, tokens(issuer))


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_faulty_token_is_refused(fault: str) -> None:
    """Each fault is refused."""
    issuer = SignInIssuer(Clock())
    issuer.identity, reason = FAULTS[fault]
    with pytest.raises(SignInRefusedError, match="The ID token of the issuer was refused") as refused:
        await check(issuer, tokens(issuer))
    assert reason in refused.value.message
    assert "other" not in refused.value.message


@pytest.mark.parametrize("key", [STRANGER, SYMMETRIC])
async def test_a_token_of_another_key_is_refused(key: Any) -> None:
    """Neither a key of a stranger with the same id nor a symmetric one of the key set signs ID tokens."""
    issuer = SignInIssuer(Clock())
    issuer.identity_key = key
    with pytest.raises(SignInRefusedError):
        await check(issuer, tokens(issuer))


@pytest.mark.parametrize("text", [None, "", "a.b.c", "é.é.é", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0."])
async def test_what_is_no_token_is_refused(text: str | None) -> None:
    """A missing or malformed token is an error for the person, and no defect."""
    with pytest.raises(SignInRefusedError):
        await check(SignInIssuer(Clock()), IssuedTokens("access", None, text))
