"""uvicorn's protocol for WebSockets, which keeps no message that was received: neither once more, nor after the end."""

import asyncio
import socket
from contextlib import suppress
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

MAX_FRAGMENTS: Final = 4_096
"""Frames of one message of a WebSocket; each takes memory, also without content."""

_TCP_INFO: Final[int | None] = getattr(socket, "TCP_INFO", None)
_ENDED: Final = {7, 8}
"""Linux's TCP_CLOSE, after a reset, and TCP_CLOSE_WAIT, after the last byte of the client."""


class WebSocketMessages(WebSocketsSansIOProtocol):
    """The messages of one WebSocket.

    The parser of WebSockets keeps its last frame until the next one, and is in a cycle of references. So each frame is
    emptied when its message is passed on, and the parser is closed with the connection.
    """

    def handle_text(self, event: Frame) -> None:
        """Begin a message of text."""
        super().handle_text(event)
        event.data = b""

    def handle_bytes(self, event: Frame) -> None:
        """Begin a message of bytes."""
        super().handle_bytes(event)
        event.data = b""

    def handle_cont(self, event: Frame) -> None:
        """Add a frame to a message; end the connection of a message with too many."""
        if self.close_sent:
            return
        super().handle_cont(event)
        event.data = b""
        if len(self.frames) >= MAX_FRAGMENTS:
            self.frames = []
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"{MAX_FRAGMENTS} frames without an end")
            self.handle_parser_exception()

    def keepalive_timeout(self) -> None:
        """End the connection of a client that sent no pong, unless its pong may be unread behind a message."""
        if self.read_paused:
            self.pong_timer = self.pending_ping_payload = None
            self.schedule_ping()
        else:
            super().keepalive_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection; leave no cycle of references by its parser or the error of a handshake."""
        super().connection_lost(exc)
        self.frames = []
        self.conn.parser.close()
        error: BaseException | None = self.conn.handshake_exc
        while error:
            error.__traceback__ = None
            error = error.__cause__ or error.__context__


def has_ended(transport: asyncio.Transport) -> bool:
    """Return whether a connection ends, or its client has ended it; the event loop sees no end while it reads nothing.

    Without the information of Linux about a socket, only the end that the event loop has seen counts.
    """
    if transport.is_closing():
        return True
    connection = transport.get_extra_info("socket")
    if connection is None or _TCP_INFO is None:
        return False
    with suppress(OSError):
        return connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0] in _ENDED
    return False
