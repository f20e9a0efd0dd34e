"""Requests of a sign-in to the issuer, by Authlib's client: code, refresh, revocation and the end of its session.

Sources: OpenID Connect Core 1.0 section 3.1, RFC 7636 (PKCE), RFC 7009 (revocation), RFC 9207 (issuer in the callback),
OpenID Connect RP-Initiated Logout 1.0.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # Authlib ships no types
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]

from app.auth.authenticator import TrustedIssuer
from app.auth.discovery import (
    DEADLINE_SECONDS,
    PLAIN_BODY,
    DiscoveryError,
    endpoint,
    fetch_metadata,
    read_body_of,
)
from app.auth.errors import UnavailableError
from app.auth.sign_in.browser_session import IssuedTokens, SignInAttempt
from app.auth.sign_in.errors import SignInRefusedError

METADATA_SECONDS: Final = 300
"""Seconds for which a discovery document is used before it is fetched again."""
MAX_METADATA_SECONDS: Final = 86_400
"""Seconds for which a discovery document is used if no newer one can be fetched."""
RETRY_SECONDS: Final = 30
"""Seconds after a failed fetch of a newer discovery document in which none is tried."""
RENEWAL_DEADLINE_SECONDS: Final = 5.0
"""Time limit in seconds for fetching a newer discovery document, which leaves time for the request itself."""
MAX_SIGN_INS: Final = 8
"""Maximum number of concurrent requests for sign-ins; more are refused, because anyone can begin a sign-in."""
MAX_SESSION_REQUESTS: Final = 16
"""Maximum number of concurrent requests for sessions; more wait, because they are of people who signed in."""
_ERROR_CODE: Final = re.compile(r"[a-z_]{1,40}", re.ASCII)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SignInClient:
    """The server as a client of its issuer: the registered id, its secret or empty, the scopes, the callback."""

    client_id: str
    secret: str
    scopes: str
    redirect_uri: str


class IssuerClient:
    """Sends the requests of sign-ins to one issuer; ``monotonic`` returns monotonic seconds."""

    def __init__(
        self, trusted: TrustedIssuer, client: SignInClient, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.trusted = trusted
        self.client = client
        self._monotonic = monotonic
        self._metadata: Mapping[str, object] | None = None
        self._fetched_at = self._failed_at = float("-inf")
        self._sign_ins = 0
        self._session_slots = asyncio.Semaphore(MAX_SESSION_REQUESTS)

    async def authorization_url(self, attempt: SignInAttempt) -> str:
        """Return the URL at the issuer that a browser is led to; raises `UnavailableError`."""
        async with self._exchange(self._sign_in()) as oauth:
            address = endpoint(await self._discovered(), "authorization_endpoint", self.trusted.issuer)
            url, _ = oauth.create_authorization_url(
                address,
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
                scope=self.client.scopes,
            )
        return str(url)

    async def redeem(self, attempt: SignInAttempt, callback: Mapping[str, str]) -> IssuedTokens:
        """Return the tokens for the code in the parameters of the callback.

        Raises `SignInRefusedError` if the issuer refuses the code or sends no bearer token, or if another issuer sent
        the browser here. Raises `UnavailableError` if the issuer cannot be reached or its response is unusable.
        """
        async with self._exchange(self._sign_in()) as oauth:
            metadata = await self._discovered()
            # Required only of issuers that announce it (RFC 9207 section 2.4).
            announced = metadata.get("authorization_response_iss_parameter_supported") is True
            if callback.get("iss", None if announced else self.trusted.issuer.url) != self.trusted.issuer.url:
                raise SignInRefusedError("The browser returned from another issuer. Sign in again.")
            return await _issued(
                oauth.fetch_token(
                    endpoint(metadata, "token_endpoint", self.trusted.issuer),
                    grant_type="authorization_code",
                    code=callback.get("code", ""),
                    code_verifier=attempt.verifier,
                )
            )

    async def refresh(self, refresh_token: str) -> IssuedTokens:
        """Return new tokens; raises `SignInRefusedError` and `UnavailableError` as :meth:`redeem`."""
        async with self._exchange(self._session_slots) as oauth:
            address = endpoint(await self._discovered(), "token_endpoint", self.trusted.issuer)
            return await _issued(oauth.refresh_token(address, refresh_token=refresh_token))

    async def revoke(self, refresh_token: str) -> None:
        """Revoke a refresh token; a failure is logged and not raised, also that the issuer has no endpoint for it."""
        try:
            async with self._exchange(self._session_slots) as oauth:
                metadata = await self._discovered()
                if "revocation_endpoint" not in metadata:
                    log.warning("refresh_token_not_revoked", reason="The issuer has no revocation_endpoint.")
                    return
                address = endpoint(metadata, "revocation_endpoint", self.trusted.issuer)
                response = await oauth.revoke_token(
                    address,
                    token=refresh_token,
                    token_type_hint="refresh_token",  # noqa: S106 - a type
                )
                response.raise_for_status()
        except (SignInRefusedError, UnavailableError) as error:
            log.warning("refresh_token_not_revoked", reason=error.message)

    async def sign_out_url(self, id_token: str | None, return_to: str) -> str | None:
        """Return the URL at which the issuer ends its own session; None if it has no such URL or cannot be reached.

        The issuer leads the browser to ``return_to`` afterwards.
        """
        try:
            async with self._exchange(self._session_slots):
                metadata = await self._discovered()
                if "end_session_endpoint" not in metadata:
                    return None
                address = endpoint(metadata, "end_session_endpoint", self.trusted.issuer)
        except UnavailableError:
            return None
        hint = {"id_token_hint": id_token} if id_token else {}
        values = {**hint, "client_id": self.client.client_id, "post_logout_redirect_uri": return_to}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(values)}"

    async def _discovered(self) -> Mapping[str, object]:
        """Return the discovery document, an older one if a newer cannot be fetched; raises `DiscoveryError`."""
        age = self._monotonic() - self._fetched_at
        if self._metadata is None or age > MAX_METADATA_SECONDS:
            return await self._fetched(DEADLINE_SECONDS)
        if age <= METADATA_SECONDS or self._monotonic() - self._failed_at <= RETRY_SECONDS:
            return self._metadata
        try:
            return await self._fetched(RENEWAL_DEADLINE_SECONDS)
        except DiscoveryError as error:
            log.warning("sign_in_discovery_not_renewed", reason=str(error))
            self._failed_at = self._monotonic()
            return self._metadata

    async def _fetched(self, deadline: float) -> Mapping[str, object]:
        metadata = await fetch_metadata(self.trusted.client, self.trusted.issuer, deadline)
        self._metadata, self._fetched_at = metadata, self._monotonic()
        return metadata

    @asynccontextmanager
    async def _exchange(self, slots: AbstractAsyncContextManager[object]) -> AsyncIterator[Any]:
        """Yield a new client of Authlib, which keeps the tokens of one person only; translate the errors.

        A wait for one of the ``slots`` counts towards the deadline.
        """
        try:
            async with (
                asyncio.timeout(DEADLINE_SECONDS),
                slots,
                AsyncOAuth2Client(
                    self.client.client_id,
                    self.client.secret or None,
                    redirect_uri=self.client.redirect_uri,
                    code_challenge_method="S256",
                    transport=_SharedConnections(self.trusted.client),
                    trust_env=False,
                ) as oauth,
            ):
                yield oauth
        except OAuthError as error:
            raise _refused_by_issuer(error.error) from error
        except (TimeoutError, DiscoveryError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            log.warning("sign_in_issuer_unavailable", reason=str(error) or type(error).__name__)
            raise UnavailableError(
                "The issuer of this server cannot be reached, or its response is unusable. Try again later."
            ) from error

    @asynccontextmanager
    async def _sign_in(self) -> AsyncIterator[None]:
        """Take one of the slots of sign-ins; raises `UnavailableError` if all are taken."""
        if self._sign_ins >= MAX_SIGN_INS:
            raise UnavailableError("Too many people sign in at this moment. Try again in a few seconds.", 2)
        self._sign_ins += 1
        try:
            yield
        finally:
            self._sign_ins -= 1


class _SharedConnections(httpx2.AsyncBaseTransport):
    """Sends the requests of short-lived clients over the connections of a long-lived one, with a limit of the body."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the complete response to one request; redirects are not followed."""
        request.headers.update(PLAIN_BODY)
        response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            body = await read_body_of(response, str(request.url))
        finally:
            await response.aclose()
        media = response.headers.get("content-type", "application/octet-stream")
        return httpx2.Response(response.status_code, headers={"content-type": media}, content=body)


async def _issued(response: Awaitable[Mapping[str, object]]) -> IssuedTokens:
    """Return the tokens of a response that Authlib reads; raises `SignInRefusedError` without a bearer token.

    Raises `DiscoveryError` if the response has another form, of which Authlib does not check every part.
    """
    try:
        token = dict(await response)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        raise DiscoveryError(f"the token response cannot be read ({type(error).__name__})") from error
    access, refresh, identity = (token.get(name) for name in ("access_token", "refresh_token", "id_token"))
    if not isinstance(access, str) or str(token.get("token_type")).lower() != "bearer":
        raise SignInRefusedError("The issuer sent no bearer token. An operator has to check the client at the issuer.")
    return IssuedTokens(
        access, refresh if isinstance(refresh, str) else None, identity if isinstance(identity, str) else None
    )


def _refused_by_issuer(code: object) -> SignInRefusedError:
    # The text comes from outside: only the form of a code of RFC 6749 is repeated.
    shown = code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else "without a code"
    return SignInRefusedError(f"The issuer refused the sign-in ({shown}). Sign in again.")


def refused_by_issuer(callback: Mapping[str, str]) -> SignInRefusedError | None:
    """Return the error in the parameters of a callback, None if there is none."""
    return _refused_by_issuer(callback["error"]) if "error" in callback else None
