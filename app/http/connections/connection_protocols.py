"""uvicorn's protocols for HTTP/1.1 and WebSockets, with the limits of connections and with errors in JSON."""

import asyncio
from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState
from websockets.exceptions import HeaderLineTooLong, RequestLineTooLong

from app.http.connections.listener import ACCEPTS_PER_TURN
from app.http.connections.open_connections import OpenConnection, OpenConnections, Owed
from app.http.connections.unambiguous_requests import UnambiguousRequests
from app.http.connections.websocket_messages import WebSocketMessages, has_ended
from app.http.errors import HttpError
from app.http.json_response import error_response
from policies.errors import Code

LINGER_SECONDS: Final = 1.0
"""Seconds in which a refused client can send its request, so that it reads the response before the end."""

MAX_LINGERING: Final = 32
"""Refused clients that are waited for at the same time; others may lose the response."""

FIRST_PART: Final = 128
"""Bytes of the first part of what a client sent; as many frames or chunks of the smallest size take up to 0.5 ms."""

MAX_PART: Final = 2_048
"""Bytes of the longest part; as many frames or chunks of the smallest size take about a millisecond."""

PART_SECONDS: Final = 0.0005
"""Seconds after which the rest of what a client sent is read in a later iteration of the event loop."""

MAX_UNREAD: Final = 1024 * 1024
"""Bytes of what the system delivered and is not read yet, from which on a connection is ended."""

WRITABLE: Final = "mlg.writable"
"""Extension in the scope of a WebSocket. ``wait`` returns when the client has taken most of what was sent, or has left.

``untaken`` returns the number of bytes that it has not taken, 0 if it has left. ``is_closing`` returns whether the
connection ends or has ended, also while nothing is read of it.
"""

_PARTS: Final = {h11.IDLE: Owed.HEAD, h11.SEND_BODY: Owed.BODY}
_HANDSHAKE_STATUS: Final[dict[type[Exception], HTTPStatus]] = {
    RequestLineTooLong: HTTPStatus.REQUEST_URI_TOO_LONG,
    HeaderLineTooLong: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
}


class ConnectionConfig(uvicorn.Config):
    """uvicorn's configuration with the protocols of this module, which read the open connections from it."""

    def __init__(self, app: ASGIApp, connections: OpenConnections, **options: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(
            app,
            http=HttpConnection,
            ws=WebSocketConnection,
            backlog=ACCEPTS_PER_TURN,
            timeout_keep_alive=connections.limits.idle_seconds,
            proxy_headers=False,  # a client is counted by the address of its connection, which no header replaces
            **options,
        )
        self.connections = connections


class _Counted(asyncio.Protocol):
    """The part that both protocols share: the connection is counted until its socket is closed, and read in parts.

    The system delivers up to 256 KiB at once. These may be 40,000 frames or chunks of a client without a token, which
    would hold the event loop for seconds. ``_unread`` is what was delivered, read up to ``_read_to``.
    """

    config: ConnectionConfig
    transport: asyncio.Transport
    _unread: bytes = b""
    _read_to: int = 0
    _is_behind: bool = False

    @property
    def is_reading(self) -> bool:
        """Whether the application is not behind with what was read."""
        raise NotImplementedError

    @property
    def plain_bytes(self) -> int:
        """How many of the next bytes are known to have no frames and no chunks, and are read at once."""
        return 0

    def read_part(self, data: bytes) -> None:
        """Read a part of what the client sent."""
        super().data_received(data)

    def shutdown(self) -> None:
        """End the connection when the server stops, unless that has begun: its protocol may have no further state."""
        if not self.transport.is_closing():
            super().shutdown()  # type: ignore[misc]

    def data_received(self, data: bytes) -> None:
        """Read what the client sent, in parts; between them, the event loop runs other callbacks."""
        if self._unread:
            self.transport.pause_reading()
            if len(self._unread) > MAX_UNREAD:
                self.transport.abort()
            self._unread += data
            return
        self._unread, self._read_to = data, 0
        self.config.connections.read_now(self)

    def read_again(self) -> None:
        """Read on, because the application is no longer behind: first the rest of what was delivered."""
        if not self._unread:
            self.transport.resume_reading()
        elif not self._is_behind:
            self._is_behind = True
            self.config.connections.read_later(self)

    def read_on(self) -> None:
        """Read parts for PART_SECONDS; what remains is read later, and nothing of the socket before.

        A part is twice as long as the one before it, up to MAX_PART, because few frames and chunks are of the smallest
        size.
        """
        self._is_behind = False
        size, ends = FIRST_PART, perf_counter() + PART_SECONDS
        while self._unread and self.is_reading and not self.transport.is_closing():
            length = max(size, self.plain_bytes)
            part = self._unread[self._read_to : self._read_to + length]
            self._read_to += length
            if self._read_to >= len(self._unread):
                self._unread = b""
            try:
                self.read_part(part)
            except BaseException:
                self.transport.abort()  # nothing else would read on, or end the connection
                raise
            if perf_counter() >= ends:
                break
            size = min(2 * size, MAX_PART)
        self.read_rest_later()

    def read_rest_later(self) -> None:
        """Let what remains be read in a later iteration of the event loop, and nothing of the socket before."""
        if self._unread:
            self.transport.pause_reading()
        if self.is_reading and not self.transport.is_closing():
            self.read_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection."""
        self.config.connections.release(self.transport)
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Record that the client has taken most of what was sent."""
        super().resume_writing()
        connections = self.config.connections
        if found := connections.find(self.transport):
            found.make_progress(connections.clock)


class _FlowOfParts(FlowControl):
    """The flow control of a connection that is read in parts."""

    connection: _Counted | None
    """The connection, None after its end."""

    def __init__(self, transport: asyncio.Transport, connection: _Counted) -> None:
        super().__init__(transport)
        self.connection = connection

    def resume_reading(self) -> None:
        """Let the connection read on, if it was paused."""
        if self.read_paused and self.connection:
            self.read_paused = False
            self.connection.read_again()


class HttpConnection(_Counted, H11Protocol):
    """A connection before a possible upgrade to a WebSocket."""

    config: ConnectionConfig
    transport: asyncio.Transport
    flow: _FlowOfParts

    def __init__(
        self,
        config: ConnectionConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = self._requests = UnambiguousRequests(h11.SERVER)
        self._admitted: OpenConnection | None = None
        self._lingering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, or refuse it at once."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a socket can be read and written
        super().connection_made(transport)
        self.flow = _FlowOfParts(transport, self)
        try:
            self._admitted = self.config.connections.admit(transport, self)
        except HttpError as error:
            self._respond(error)
            self._linger()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection, and the wait for a refused one; leave no cycle of references."""
        if self._lingering is not None:
            self._lingering.cancel()
            self.config.connections.lingering -= 1
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn does so only if the client ended the connection in order
        self.flow.connection = self._admitted = None

    @property
    def is_reading(self) -> bool:
        """See `_Counted`: the application has read enough of the body."""
        return not self.flow.read_paused

    @property
    def plain_bytes(self) -> int:
        """See `_Counted`: the rest of a body with ``Content-Length``."""
        return self._requests.body_left

    def read_part(self, data: bytes) -> None:
        """Pass on what the client sent, and record which part of a request is missing; close a refused connection."""
        if self._admitted is None:
            self.transport.close()
            return
        super().read_part(data)
        self._update_owed()

    def on_response_complete(self) -> None:
        """Record what the client owes after a response: nothing, or the rest of a request that it has begun."""
        super().on_response_complete()
        self._update_owed()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Give the connection to `WebSocketConnection`, or refuse a request that cannot open a WebSocket.

        uvicorn does not call `connection_lost` of this object after an upgrade, so it must leave its cycles now: those
        of ``flow`` and of the counted connection.
        """
        assert self._admitted is not None  # noqa: S101 - a refused connection reads no request
        super().handle_websocket_upgrade(event)
        self._unread = b""  # before the response, a client sends no frames
        upgraded = self.transport.get_protocol()
        assert isinstance(upgraded, WebSocketConnection)  # noqa: S101 - see ConnectionConfig
        if upgraded.handshake_initiated:  # no part of a request is owed any more
            self._admitted.owe(None, self.config.connections.clock)
        else:
            self._respond(upgraded.handshake_error)
            self.transport.close()
        self.flow.connection = self._admitted = None

    def end_overdue(self, owed: Owed) -> bool:
        """End the connection and return True; return False if the application reads the body and sends 408 itself."""
        if owed is Owed.BODY and not (self.cycle and self.cycle.response_complete):
            return False
        if owed is Owed.HEAD and self.conn.trailing_data[0] and self.conn.our_state is h11.IDLE:
            seconds = self.config.connections.limits.request_seconds
            message = f"The head of the request did not arrive within {seconds:g} s. Send the request again."
            self._respond(HttpError(HTTPStatus.REQUEST_TIMEOUT, message))
        self.transport.close()
        return True

    def send_400_response(self, _message: str) -> None:
        """Send the error of a malformed request, and close the connection."""
        refused = self._requests.refused
        status = refused.error_status_hint if refused else HTTPStatus.BAD_REQUEST
        is_long = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        problem = "is not valid HTTP/1.1" if status == HTTPStatus.BAD_REQUEST else "is refused"
        message = f"The request {problem}: {refused}. Correct the client, or a proxy before this server."
        self._respond(HttpError(status, message, Code.LIMIT_EXCEEDED if is_long else Code.BAD_REQUEST))
        self.transport.close()
        self._requests.refused = None  # its traceback refers to this object

    def _update_owed(self) -> None:
        """Set what the client owes by the state of its request; nothing between two requests."""
        if self._admitted is None or self.transport.get_protocol() is not self:
            return
        owed = _PARTS.get(self.conn.their_state)
        if owed is Owed.HEAD and not self.conn.trailing_data[0]:
            owed = None
        self._admitted.owe(owed, self.config.connections.clock)

    def _respond(self, error: HttpError) -> None:
        """Send ``error`` in place of the application, unless a response has begun; the caller closes the connection."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        response = error_response(error, uuid4().hex)
        headers = [*response.raw_headers, (b"connection", b"close")]
        reason = HTTPStatus(response.status_code).phrase.encode()
        head = h11.Response(status_code=response.status_code, headers=headers, reason=reason)
        body = () if self._requests.is_head else (h11.Data(data=bytes(response.body)),)
        for event in (head, *body, h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")

    def _linger(self) -> None:
        """Close a refused connection at its first bytes or after some time, or at once if too many are waited for.

        If bytes of the client were unread at the close, the system would discard the response.
        """
        if self.config.connections.lingering >= MAX_LINGERING:
            self.transport.close()
            return
        self.config.connections.lingering += 1
        self._lingering = self.loop.call_later(LINGER_SECONDS, self.transport.close)


class WebSocketConnection(_Counted, WebSocketMessages):
    """A connection after its upgrade to a WebSocket.

    Nothing is read between a message and the moment when the application receives the next one. So while a message
    waits for its slot, no other one of its connection is in memory.
    """

    config: ConnectionConfig
    transport: asyncio.Transport

    @property
    def is_reading(self) -> bool:
        """See `_Counted`: the application has read the last message, and the client takes what is sent."""
        return not self.read_paused and self.writable.is_set()

    @property
    def handshake_error(self) -> HttpError:
        """The response to a request that the parser of WebSockets could not read."""
        error = self.conn.handshake_exc or ValueError("its end is missing")
        status = _HANDSHAKE_STATUS.get(type(error), HTTPStatus.BAD_REQUEST)
        return HttpError(status, f"The request opens no WebSocket: {error.__cause__ or error}. Correct the client.")

    def data_received(self, data: bytes) -> None:
        """Read the handshake at once, which is first and complete, and all else in parts."""
        if self.handshake_initiated:
            super().data_received(data)
        else:
            self.read_part(data)

    async def run_asgi(self) -> None:
        """Serve the connection; its scope has the extension `WRITABLE`."""
        transport = self.transport  # methods of this leave no cycle of references
        self.scope["extensions"][WRITABLE] = {
            "wait": self.writable.wait,
            "untaken": transport.get_write_buffer_size,
            "is_closing": partial(has_ended, transport),
        }
        await super().run_asgi()

    def pause_writing(self) -> None:
        """Read nothing from a client that takes nothing: each ping would add to what is sent."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again, unless the application has not read the last message yet."""
        super().resume_writing()
        if self.is_reading:
            self.read_again()

    async def receive(self) -> Any:  # noqa: ANN401 - the union of uvicorn's messages
        """Read on, first the rest of what was delivered, and return the next message of the client."""
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            if self.is_reading:
                self.read_again()
        return await self.queue.get()

    async def send(self, message: Any) -> None:  # noqa: ANN401 - the union of uvicorn's messages
        """Send a message; after the last one, read on for the end of the client, and drop its messages."""
        await super().send(message)
        if message["type"] == "websocket.close" and self._unread:
            self.read_rest_later()
