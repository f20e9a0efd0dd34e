"""What a browser keeps for the server, encrypted: the session of a person, and a sign-in that is not complete yet."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

SESSION_SECONDS: Final = 12 * 3_600
"""Seconds from a sign-in until a person has to sign in again, whatever the issuer refreshes."""
ATTEMPT_SECONDS: Final = 600
"""Seconds within which a person has to complete a sign-in at the issuer."""


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """The tokens of one response of the token endpoint; the access token is not validated yet."""

    access: str
    refresh: str | None
    identity: str | None


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """The session of a person who signed in.

    ``id`` stays the same when tokens are refreshed. ``csrf`` is the value that a page sends in `X-CSRF-Token`.
    ``expires_at`` is the expiry of the access token, ``ends_at`` the end of the session, both in epoch seconds.
    """

    id: str
    csrf: str
    name: str
    access_token: str
    refresh_token: str | None
    id_token: str | None
    expires_at: int
    ends_at: int

    @classmethod
    def start(cls, tokens: IssuedTokens, *, name: str, expires_at: int, now: float) -> Self:
        """Return a new session, with an id and a CSRF value that no earlier session has."""
        return cls(
            id=secrets.token_urlsafe(16),
            csrf=secrets.token_urlsafe(32),
            name=name,
            access_token=tokens.access,
            refresh_token=tokens.refresh,
            id_token=tokens.identity,
            expires_at=expires_at,
            ends_at=int(now) + SESSION_SECONDS,
        )

    def renewed(self, tokens: IssuedTokens, *, expires_at: int) -> Self:
        """Return the session with a new access token, and the new refresh token if there is one; its ID token stays."""
        refresh = tokens.refresh or self.refresh_token
        return replace(self, access_token=tokens.access, refresh_token=refresh, expires_at=expires_at)

    def without_id_token(self) -> Self:
        """Return the session without its ID token, which the issuer needs only to name the session at sign-out."""
        return replace(self, id_token=None)


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """A sign-in between the redirect to the issuer and the return of the browser.

    ``verifier`` is the secret of PKCE. ``return_to`` is the local path that the browser is led to. ``ends_at`` is in
    epoch seconds.
    """

    state: str
    nonce: str
    verifier: str
    return_to: str
    ends_at: int

    @classmethod
    def start(cls, return_to: str, now: float) -> Self:
        """Return a new attempt with random values."""
        return cls(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            return_to=return_to,
            ends_at=int(now) + ATTEMPT_SECONDS,
        )


def content_of(value: BrowserSession | SignInAttempt) -> Mapping[str, Any]:
    """Return the JSON values that are sealed."""
    return asdict(value)


def session_of(content: Mapping[str, Any]) -> BrowserSession | None:
    """Return the session in sealed values; None if another release sealed values of other names."""
    try:
        return BrowserSession(**content)
    except TypeError:
        return None


def attempt_of(content: Mapping[str, Any]) -> SignInAttempt | None:
    """Return the attempt in sealed values; None if another release sealed values of other names."""
    try:
        return SignInAttempt(**content)
    except TypeError:
        return None
