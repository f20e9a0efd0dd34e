"""What the WebSockets of one caller share: turns of the event loop, and a maximum of what their clients have not taken.

A message is sent as a whole, and may stay in memory as a whole until its client has taken the last byte, at whatever
speed. A hundred sockets of one caller could otherwise keep hundreds of megabytes for hours.
"""

import asyncio
from collections import deque
from collections.abc import Sized
from typing import Final, Protocol
from weakref import WeakKeyDictionary, WeakSet

import structlog

from graphql_schema.ports.operation_budget import OperationBudget

MAX_UNTAKEN: Final = 64 * 1024 * 1024
"""Bytes of the messages that the clients of a caller have not taken, from which on the caller is sent no event."""

LOOK_SECONDS: Final = 0.1
"""Seconds between two looks at what the clients of a caller with too much have taken."""

_log = structlog.get_logger(__name__)


class Sending(Protocol):
    """A socket, in a mapping that does not keep it."""

    @property
    def untaken(self) -> int:
        """Number of bytes that its client has not taken; 0 after its end."""

    @property
    def is_gone(self) -> bool:
        """Whether it is closed, or its connection ends."""


class Subscribed(Protocol):
    """A connection of the caller, in a set that does not keep it."""

    @property
    def operations(self) -> Sized:
        """Its subscriptions, also those that have not started yet."""


class CallerSockets:
    """The sockets of one caller.

    ``turns`` is the budget in whose turns all of them are read and written. Of the sockets, those alone are kept whose
    client did not take the last message at once. How many bytes these have not taken is asked of their transports.
    ``tenant`` and ``subject`` are of the caller; ``names`` has both. ``connections`` are those that may subscribe.
    """

    def __init__(self, tenant: str = "", subject: str = "") -> None:
        self.turns = OperationBudget()
        self.names = tenant, subject
        self.connections = WeakSet[Subscribed]()
        self._is_logged = False
        self._behind = WeakKeyDictionary[Sending, _Untaken]()
        self._looking = asyncio.Lock()

    @property
    def subscriptions(self) -> int:
        """The number of subscriptions over all connections of the caller."""
        return sum(len(each.operations) for each in self.connections)

    def sent(self, socket: Sending, size: int) -> None:
        """Record that a message of ``size`` bytes was sent."""
        if not socket.untaken:
            self._behind.pop(socket, None)
            return
        found = self._behind.setdefault(socket, _Untaken())
        found.add(size)
        found.drop_taken(socket.untaken)

    @property
    def are_behind(self) -> bool:
        """Whether the clients have to take some of what was sent, before a socket is sent a message."""
        if not self._behind:
            return False
        for socket, found in [*self._behind.items()]:
            found.drop_taken(socket.untaken)
            if not found.size:
                del self._behind[socket]
        return sum(found.size for found in self._behind.values()) >= MAX_UNTAKEN

    async def wait(self, socket: Sending) -> None:
        """Return when the clients have taken enough, or the client of ``socket`` has left.

        Of those that wait, one looks. Others may be sent a message before the socket is. The first wait is logged.
        """
        while not socket.is_gone:
            if self._looking.locked():
                await asyncio.sleep(LOOK_SECONDS)
                continue
            async with self._looking:
                if not self.are_behind:
                    return
                self._log_once()
                await asyncio.sleep(LOOK_SECONDS)

    def _log_once(self) -> None:
        if not self._is_logged:
            self._is_logged = True
            tenant, caller = self.names
            _log.warning("events_wait_for_clients", tenant=tenant, caller=caller)


class _Untaken:
    """The last messages to a socket whose client has not taken all of their bytes; ``size`` is that of all of them."""

    def __init__(self) -> None:
        self.size = 0
        self._sizes = deque[int]()

    def add(self, size: int) -> None:
        """Add the next message."""
        self._sizes.append(size)
        self.size += size

    def drop_taken(self, untaken: int) -> None:
        """Drop the first messages, if the others are not shorter than the bytes that were not taken."""
        while self._sizes and self.size - self._sizes[0] >= untaken:
            self.size -= self._sizes.popleft()
