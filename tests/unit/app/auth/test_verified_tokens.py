"""Verified tokens are remembered for exactly as long as a new verification would accept them."""

import pytest
from joserfc.jwk import KeySet
from support.servers.issuer import AUDIENCE, EC, STRANGER, URL, Clock, LiveIssuer

from app.auth import verified_tokens
from app.auth.issuers import Issuer
from app.auth.token import LEEWAY_SECONDS, AccessTokenValidator, TokenRejectedError
from app.auth.verified_tokens import VerifiedTokens

KEYS = KeySet([EC])


def test_a_token_is_refused_once_it_has_expired() -> None:
    """A remembered token is accepted until its expiry with the leeway, and refused one second later."""
    issuer = LiveIssuer(Clock(), keys=[EC])
    clock = issuer.clock
    validator = AccessTokenValidator(Issuer(url=URL, audience=AUDIENCE, tenant="acme"), lambda: clock.epoch)
    token = issuer.mint()
    claims = validator.check(token, KEYS)
    clock.epoch = claims["exp"] + LEEWAY_SECONDS
    assert validator.check(token, KEYS) is claims
    clock.epoch += 1
    with pytest.raises(TokenRejectedError, match="expired"):
        validator.check(token, KEYS)


def test_a_token_is_verified_again_with_other_keys() -> None:
    """After the issuer has withdrawn the key, a remembered token is refused."""
    issuer = LiveIssuer(Clock(), keys=[EC])
    clock = issuer.clock
    validator = AccessTokenValidator(Issuer(url=URL, audience=AUDIENCE, tenant="acme"), lambda: clock.epoch)
    token = issuer.mint()
    validator.check(token, KEYS)
    with pytest.raises(TokenRejectedError):
        validator.check(token, KeySet([STRANGER]))


@pytest.mark.parametrize(
    ("token", "now", "keys", "known"),
    [
        ("a", 10, KEYS, True),
        ("a", 20, KEYS, True),
        ("a", 9, KEYS, False),
        ("a", 21, KEYS, False),
        ("a", 10, KeySet([EC]), False),
        ("b", 10, KEYS, False),
    ],
    ids=["at first", "at last", "before its verification", "expired", "other keys", "another token"],
)
def test_claims_are_known_for_the_token_its_keys_and_its_time(
    token: str, now: int, keys: KeySet, *, known: bool
) -> None:
    """A clock that was set back does not extend a token: nothing is known before the verification."""
    verified = VerifiedTokens[str]()
    verified.add("a", KEYS, "claims", since=10, until=20)
    assert verified.get(token, keys, now) == ("claims" if known else None)


def test_the_number_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit, the token that was used longest ago is forgotten."""
    monkeypatch.setattr(verified_tokens, "MAX_TOKENS", 2)
    verified = VerifiedTokens[str]()
    for token in "ab":
        verified.add(token, KEYS, token, since=0, until=9)
    assert verified.get("a", KEYS, 5) == "a"
    verified.add("c", KEYS, "c", since=0, until=9)
    assert [verified.get(token, KEYS, 5) for token in "abc"] == ["a", None, "c"]
