"""Counts the open connections, refuses those over the limits, and ends those whose client takes too long."""

import asyncio
import socket
import struct
from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from time import perf_counter
from typing import Final, Protocol

import structlog

from app.errors import RETRY_AFTER_SECONDS
from app.http.connections.client_address import counted_address
from app.http.connections.connection_limits import ConnectionLimits
from app.http.errors import HttpError
from policies.errors import Code

PROGRESS_BYTES: Final = 16 * 1024
"""Bytes that a client must take of what waits for it within ``reader_seconds``, or the rest if that is less."""

LOG_SECONDS: Final = 10.0
"""Seconds between two lines about refused and ended connections; each line counts those since the last one."""

READ_SECONDS: Final = 0.0002
"""Seconds of one iteration of the event loop in which connections read what was delivered, however many there are.

Those that are behind have as many.
"""

_log = structlog.get_logger(__name__)


class Owed(StrEnum):
    """A part of a request that the client has begun to send, or that is expected first on a new connection."""

    HEAD = "head"
    BODY = "body"


class Owing(Protocol):
    """The protocol of a connection whose client may owe a part of a request."""

    def end_overdue(self, owed: Owed) -> bool:
        """End the connection whose client owes ``owed``; return False if the application waits for that part."""


class Behind(Protocol):
    """The protocol of a connection of which a part of what was delivered is not read yet."""

    def read_on(self) -> None:
        """Read on for a short time."""

    def read_rest_later(self) -> None:
        """Let what was delivered be read by `read_on` in a later iteration of the event loop."""


@dataclass(slots=True)
class OpenConnection:
    """One admitted connection, until its socket is closed.

    ``address`` is that by which its client is counted, None for a trusted proxy.

    ``owed`` is the part that the client must send, since the time ``owed_since``; None if it owes nothing. ``unsent``
    and ``taken_at`` are the bytes that waited for the client, and the time, when it last made progress. Times are those
    of `OpenConnections.clock`.
    """

    address: str | None
    transport: asyncio.Transport
    owing: Owing
    owed: Owed | None
    owed_since: float
    taken_at: float
    unsent: int = 0

    def owe(self, owed: Owed | None, now: float) -> None:
        """Set what the client owes; the time starts when that is another part than before."""
        if owed is not self.owed:
            self.owed, self.owed_since = owed, now

    def make_progress(self, now: float) -> None:
        """Record that the client takes what is sent."""
        self.unsent, self.taken_at = self.transport.get_write_buffer_size(), now

    def is_stalled(self, now: float, seconds: float) -> bool:
        """Return whether the client has made no progress for ``seconds``; record the progress that it made."""
        waiting = self.transport.get_write_buffer_size()
        if waiting == 0 or self.unsent == 0 or waiting <= self.unsent - PROGRESS_BYTES:
            self.make_progress(now)
        return waiting > 0 and now - self.taken_at >= seconds


class OpenConnections:
    """The connections of one server, HTTP and WebSocket, checked at least once a second.

    ``clock`` counts seconds by these checks, so that a pause of the process is not held against its clients.
    ``lingering`` is the number of refused connections that are kept open for a moment, so that the response is read.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.clock = 0.0
        self.lingering = 0
        self._interval = min(1.0, min(limits.request_seconds, limits.reader_seconds) / 4)
        self._open: dict[asyncio.Transport, OpenConnection] = {}
        self._of_address: Counter[str | None] = Counter()
        self._ended: Counter[str] = Counter()
        self._logged_at = -LOG_SECONDS
        self._next_check: asyncio.TimerHandle | None = None
        self._behind: deque[Behind] = deque()
        self._next_read: asyncio.Handle | None = None
        self._read_seconds: float | None = None

    def read_now(self, connection: Behind) -> None:
        """Let a connection read what was delivered, or later if others took READ_SECONDS of this iteration for that."""
        if self._read_seconds is None:
            self._read_seconds = 0.0
            asyncio.get_running_loop().call_soon(self._begin_iteration)  # runs before what is delivered then
        elif self._read_seconds > READ_SECONDS:
            connection.read_rest_later()
            return
        began = perf_counter()
        connection.read_on()
        self._read_seconds += perf_counter() - began

    def _begin_iteration(self) -> None:
        self._read_seconds = None

    def read_later(self, connection: Behind) -> None:
        """Let a connection read on in a later iteration of the event loop; those that are behind take turns."""
        self._behind.append(connection)
        if self._next_read is None:
            self._next_read = asyncio.get_running_loop().call_soon(self._read_on)

    def _read_on(self) -> None:
        """Let the connections that are behind read on for READ_SECONDS, and the others after them in later turns."""
        waiting, ends = len(self._behind), perf_counter() + READ_SECONDS
        self._next_read = asyncio.get_running_loop().call_soon(self._read_on) if waiting else None
        for _ in range(waiting):
            self._behind.popleft().read_on()
            if perf_counter() >= ends:
                return

    def admit(self, transport: asyncio.Transport, owing: Owing) -> OpenConnection:
        """Count a new connection until `release`; raises HttpError if there are too many.

        The status is 503 for too many in all, and 429 for too many of one address.
        """
        self._check_later()
        peer = transport.get_extra_info("peername")
        address = counted_address(str(peer[0]) if peer else "", self.limits.proxies)
        if len(self._open) >= self.limits.total:
            self._ended["refused_in_all"] += 1
            raise _too_many_error(HTTPStatus.SERVICE_UNAVAILABLE, "The server", self.limits.total)
        if address is not None and self._of_address[address] >= self.limits.per_address:
            self._ended["refused_of_address"] += 1
            raise _too_many_error(HTTPStatus.TOO_MANY_REQUESTS, "Your address", self.limits.per_address)
        self._of_address[address] += 1
        opened = OpenConnection(address, transport, owing, Owed.HEAD, self.clock, self.clock)
        self._open[transport] = opened
        return opened

    def find(self, transport: asyncio.Transport) -> OpenConnection | None:
        """Return the admitted connection on ``transport``; None if it was refused or released."""
        return self._open.get(transport)

    def release(self, transport: asyncio.Transport) -> None:
        """Remove a connection whose socket is closed; one that was refused is unknown here."""
        closed = self._open.pop(transport, None)
        if closed is None:
            return
        self._of_address[closed.address] -= 1
        if not self._of_address[closed.address]:
            del self._of_address[closed.address]

    def _check_later(self) -> None:
        if self._next_check is None:
            self._next_check = asyncio.get_running_loop().call_later(self._interval, self._check)

    def _check(self) -> None:
        """End what is overdue, and check again while there is anything to check or to log."""
        self._next_check = None
        self.clock += self._interval
        for connection in list(self._open.values()):
            self._end_if_overdue(connection)
        if self._ended and self.clock - self._logged_at >= LOG_SECONDS:
            _log.warning("connections_ended", open=len(self._open), **self._ended)
            self._ended.clear()
            self._logged_at = self.clock
        if self._open or self._ended:
            self._check_later()

    def _end_if_overdue(self, connection: OpenConnection) -> None:
        if connection.is_stalled(self.clock, self.limits.reader_seconds):
            self._ended["slow_reader"] += 1
            _reset(connection.transport)
            return
        owed = connection.owed
        overdue = self.clock - connection.owed_since >= self.limits.request_seconds
        if owed is not None and overdue and connection.owing.end_overdue(owed):
            self._ended[f"late_{owed}"] += 1
            connection.owed = None


def _reset(transport: asyncio.Transport) -> None:
    """End a connection whose client does not read; a close would wait for it, as would the system."""
    opened = transport.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _too_many_error(status: HTTPStatus, who: str, maximum: int) -> HttpError:
    return HttpError(
        status,
        f"{who} has {maximum} open connections, the maximum. Close some, or try again later.",
        Code.LIMIT_EXCEEDED,
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
