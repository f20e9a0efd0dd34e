"""The caller of a WebSocket connection, and the remaining lifetime of the caller's token."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack

from starlette.websockets import WebSocket

from app.http.graphql.graphql_request import OperationParams
from app.http.middleware import request_id_of
from policies.errors import Code, CodedError
from policies.principal import Principal

Authenticate = Callable[[str], Awaitable[Principal]]
"""Returns the caller for the value of an ``Authorization`` header; raises `CodedError`."""

CookieAuthorization = Callable[[WebSocket, str | None], str | None]
"""Returns the ``Authorization`` value for the cookie of a handshake and the CSRF value; None without a cookie.

Raises `CodedError` if the cookie is refused.
"""


def no_cookies(_request: WebSocket, _csrf: str | None) -> None:
    """Return None: handshakes have no cookies that count."""


class SocketSession:
    """One WebSocket connection with the token from the payload of its ``connection_init``, else from a cookie.

    ``request`` is the handshake. ``authenticate`` validates the token each time `principal` is called.
    ``cookie_authorization`` reads the cookie then. ``requested`` has the parameters of subscriptions that are about to
    start, by their id, each with the slot of its message.
    """

    def __init__(
        self, request: WebSocket, authenticate: Authenticate, cookie_authorization: CookieAuthorization = no_cookies
    ) -> None:
        self.request = request
        self.request_id = request_id_of(request.scope)
        self._values: dict[str, list[str]] = {}
        self.requested: dict[str, tuple[OperationParams, ExitStack]] = {}
        self._authenticate = authenticate
        self._cookie_authorization = cookie_authorization

    @property
    def connection_params(self) -> Mapping[str, Sequence[str]]:
        """The values of the payload of `connection_init` that count, by lower-case name."""
        return self._values

    @connection_params.setter
    def connection_params(self, payload: Mapping[str, object]) -> None:
        """Keep what counts of a payload: Strawberry's handler sets it, and it is read before each event."""
        names = ("authorization", "x-csrf-token")
        self._values = {name: [str(value) for key, value in payload.items() if key.lower() == name] for name in names}

    async def principal(self) -> Principal:
        """Return the caller after validating the token again; the teams are as recent as those of a new HTTP request.

        Raises `CodedError` if there is no token, the token is expired or refused, or the cookie is refused.
        """
        values = self._values.get("authorization")
        if not values:
            # Several values match no session, as several tokens match none.
            csrf = ", ".join(self._values.get("x-csrf-token", ()))
            values = [each for each in (self._cookie_authorization(self.request, csrf),) if each is not None]
        if not values:
            raise CodedError(
                "connection_init has no token. Connect again and send the payload "
                '{"Authorization": "Bearer <token>"} in it.',
                Code.UNAUTHENTICATED,
            )
        # Several values could name different callers. Joined they match no bearer token, which is refused.
        principal = await self._authenticate(", ".join(values))
        if seconds_left(principal) <= 0:
            raise token_expired_error()
        return principal


def seconds_left(principal: Principal) -> float:
    """Return the seconds until the caller's token expires, infinity for a token without expiry.

    Unlike authentication, the function allows no leeway for differing clocks: with one, a connection would outlive its
    token.
    """
    return float("inf") if principal.expires_at is None else principal.expires_at - time.time()


def token_expired_error() -> CodedError:
    """Return the error that closes a connection when its token expires."""
    return CodedError("The access token has expired. Connect again with a new token.", Code.UNAUTHENTICATED)
