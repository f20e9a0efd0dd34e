"""Sign-ins from their begin to their end, apart from HTTP: attempts, sessions in sealed texts, renewal and sign-out."""

import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from app.auth.errors import Challenge, InsufficientScopeError, UnauthenticatedError, UnavailableError
from app.auth.sign_in.browser_session import (
    BrowserSession,
    IssuedTokens,
    SignInAttempt,
    attempt_of,
    content_of,
    session_of,
)
from app.auth.sign_in.errors import SignInRefusedError
from app.auth.sign_in.id_token import check_id_token
from app.auth.sign_in.issuer_client import IssuerClient, refused_by_issuer
from app.auth.sign_in.renewals import Renewals
from app.auth.sign_in.sealed_text import Sealer
from policies.principal import Principal

REFRESH_BEFORE: Final = 60
"""Seconds before the expiry of an access token, from which it is refreshed."""
MAX_ENDED: Final = 10_000
"""Maximum number of signed-out sessions, and of used attempts, that a process remembers; the oldest are dropped."""

AuthenticateToken = Callable[[str], Awaitable[Principal]]
"""Returns the caller for the value of an ``Authorization`` header; raises `AuthError`."""

log = structlog.get_logger(__name__)


class Sessions:
    """The sign-ins of one process.

    ``secrets`` encrypt what browsers keep, ``authenticate`` validates access tokens as the API does, ``challenge``
    builds the error of an ended session, and ``now`` returns epoch seconds.
    """

    def __init__(
        self,
        issuer: IssuerClient,
        secrets: Sequence[bytes],
        authenticate: AuthenticateToken,
        challenge: Challenge,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._sessions = Sealer(secrets, "session")
        self._attempts = Sealer(secrets, "attempt")
        self._authenticate = authenticate
        self._challenge = challenge
        self._now = now
        self._renewals = Renewals(self._renew, now)
        self._ended: OrderedDict[str, int] = OrderedDict()
        self._completed: OrderedDict[str, int] = OrderedDict()

    async def begin(self, return_to: str) -> tuple[str, str]:
        """Return the URL at the issuer, and the sealed attempt that the browser keeps; raises `UnavailableError`."""
        attempt = SignInAttempt.start(return_to, self._now())
        return await self._issuer.authorization_url(attempt), self._attempts.seal(content_of(attempt))

    async def complete(self, sealed: str | None, callback: Mapping[str, str]) -> tuple[BrowserSession, str]:
        """Return a new session and the local path to return to, for the sealed attempt and the callback's parameters.

        Raises `SignInRefusedError` unless attempt, state, code and tokens belong together and the API accepts the
        access token. Raises it for a second callback of one attempt in this process, even if the first failed. Raises
        `UnavailableError` if the issuer or the caller's teams cannot be read.
        """
        attempt = self._attempt(sealed)
        if attempt is None or not hmac.compare_digest(callback.get("state", "").encode(), attempt.state.encode()):
            raise SignInRefusedError(
                "This sign-in was not begun in this browser, took too long, or another one was begun after it. "
                "Sign in again."
            )
        if attempt.state in self._completed:
            raise SignInRefusedError("This sign-in was used already. Sign in again.")
        _remember(self._completed, attempt.state, attempt.ends_at)
        if refused := refused_by_issuer(callback):
            raise refused
        tokens = await self._issuer.redeem(attempt, callback)
        await check_id_token(
            self._issuer.trusted,
            tokens,
            client=self._issuer.client.client_id,
            nonce=attempt.nonce,
            now=self._now(),
        )
        principal = await self._principal(tokens)
        name = principal.display_name or principal.subject
        session = BrowserSession.start(tokens, name=name, expires_at=self._expiry(principal), now=self._now())
        return session, attempt.return_to

    def seal(self, session: BrowserSession) -> str:
        """Return a session as the text that a browser keeps."""
        return self._sessions.seal(content_of(session))

    def open(self, sealed: str) -> BrowserSession:
        """Return the session of a text; raises `UnauthenticatedError` if it is invalid or the session has ended."""
        content = self._sessions.open(sealed)
        session = None if content is None else session_of(content)
        if session is None or session.ends_at <= self._now() or self.has_ended(session.id):
            raise self._challenge.session_ended()
        return session

    def has_ended(self, session_id: str) -> bool:
        """Return whether this process remembers the sign-out of a session."""
        return session_id in self._ended

    async def current(self, session: BrowserSession) -> BrowserSession:
        """Return the session, with new tokens if its access token expires within REFRESH_BEFORE and can be refreshed.

        Raises `UnauthenticatedError` if the token has expired and cannot be refreshed, or the person signs out
        meanwhile. Raises `UnavailableError` if the token has expired and the issuer cannot be reached.
        """
        if session.expires_at - self._now() > REFRESH_BEFORE:
            return session
        renewed = None
        if session.refresh_token is not None:
            try:
                renewed = await self._renewals.renewed(session)
            except UnavailableError:
                if session.expires_at <= self._now():
                    raise
        if self.has_ended(session.id):
            raise self._challenge.session_ended()
        if renewed is not None:
            return renewed
        return self.unexpired(session)

    def unexpired(self, session: BrowserSession) -> BrowserSession:
        """Return the session as it is; raises `UnauthenticatedError` if its access token has expired."""
        if session.expires_at <= self._now():
            raise self._challenge.session_ended()
        return session

    async def end(self, session: BrowserSession, return_to: str) -> str | None:
        """End a session in this process, and revoke its refresh token at the issuer, if possible.

        Returns the URL at which the issuer ends its own session and leads to ``return_to``. None if the issuer has none
        or cannot be reached.
        """
        _remember(self._ended, session.id, session.ends_at)
        newest = await self._renewals.newest(session)
        if newest.refresh_token is not None:
            await self._issuer.revoke(newest.refresh_token)
        return await self._issuer.sign_out_url(session.id_token, return_to)

    def _attempt(self, sealed: str | None) -> SignInAttempt | None:
        content = None if sealed is None else self._attempts.open(sealed)
        attempt = None if content is None else attempt_of(content)
        return None if attempt is None or attempt.ends_at <= self._now() else attempt

    async def _principal(self, tokens: IssuedTokens) -> Principal:
        try:
            return await self._authenticate(f"Bearer {tokens.access}")
        except (UnauthenticatedError, InsufficientScopeError) as error:
            # An operator has to read the reason: the person did nothing wrong.
            log.warning("sign_in_token_refused", reason=error.message)
            raise SignInRefusedError(
                "The issuer sent an access token that this API does not accept. An operator has to check the client at "
                "the issuer; the log of the server has the reason."
            ) from error

    async def _renew(self, session: BrowserSession) -> BrowserSession | None:
        assert session.refresh_token is not None  # noqa: S101 - `current` renews no other session
        try:
            tokens = await self._issuer.refresh(session.refresh_token)
            principal = await self._principal(tokens)
        except SignInRefusedError as error:
            log.info("session_not_renewed", reason=error.message)
            return None
        return session.renewed(tokens, expires_at=self._expiry(principal))

    def _expiry(self, principal: Principal) -> int:
        assert principal.expires_at is not None  # noqa: S101 - every validated token has an expiry
        return principal.expires_at


def _remember(memory: OrderedDict[str, int], key: str, ends_at: int) -> None:
    memory[key] = ends_at
    if len(memory) > MAX_ENDED:
        memory.popitem(last=False)
