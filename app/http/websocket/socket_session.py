"""Who is at the other end of a WebSocket, and for how long."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.websockets import WebSocket

from app.http.middleware import request_id_of
from policies.errors import Code, CodedError
from policies.principal import Principal

Authenticate = Callable[[str], Awaitable[Principal]]
"""From the value of an ``Authorization`` to its caller; raises CodedError."""


class SocketSession:
    """Whoever the payload of ``connection_init`` names, asked for again whenever it matters."""

    def __init__(self, request: WebSocket, authenticate: Authenticate) -> None:
        self.request = request
        self.request_id = request_id_of(request.scope)
        self.connection_params: Mapping[str, Any] = {}  # where Strawberry's handler puts the payload
        self._authenticate = authenticate

    async def principal(self) -> Principal:
        """The caller as of now: the token still holds, and the teams are those of the moment; raises CodedError."""
        given = [str(value) for key, value in self.connection_params.items() if key.lower() == "authorization"]
        if not given:
            raise CodedError('Send {"Authorization": "Bearer <token>"} with connection_init.', Code.UNAUTHENTICATED)
        # Two values are two answers to the question who is calling; joined they are no bearer token.
        principal = await self._authenticate(", ".join(given))
        if seconds_left(principal) <= 0:
            raise expired()
        return principal


def seconds_left(principal: Principal) -> float:
    """How long the token of a caller holds; clocks that differ get no leeway from a connection that lasts."""
    return float("inf") if principal.expires_at is None else principal.expires_at - time.time()


def expired() -> CodedError:
    """What ends a connection whose token has had its time."""
    return CodedError("The access token has expired. Connect again with a new one.", Code.UNAUTHENTICATED)
