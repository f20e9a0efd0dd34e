"""What the WebSockets of one caller share: turns of the event loop, and a maximum of what their clients have not taken.

A message is sent as a whole, and stays in memory until its client has taken it, at whatever speed. A hundred sockets of
one caller could otherwise keep hundreds of megabytes for hours.
"""

import asyncio
from typing import Final, Protocol
from weakref import WeakSet

from graphql_schema.ports.operation_budget import OperationBudget

MAX_UNTAKEN: Final = 64 * 1024 * 1024
"""Bytes that the clients of a caller have not taken, from which on no socket of the caller is sent a message."""

LOOK_SECONDS: Final = 0.1
"""Seconds between two looks at what the clients of a caller with too much have taken."""


class Sending(Protocol):
    """A socket, in a set that does not keep it."""

    @property
    def untaken(self) -> int:
        """Number of bytes that its client has not taken; 0 after its end."""


class CallerSockets:
    """The sockets of one caller.

    ``turns`` is the budget in whose turns all of them are read and written. Of the sockets, those alone are kept whose
    client did not take the last message at once. What they have is asked of their transports, and is counted nowhere.
    """

    def __init__(self) -> None:
        self.turns = OperationBudget()
        self._behind = WeakSet[Sending]()
        self._looking = asyncio.Lock()

    def sent(self, socket: Sending) -> None:
        """Record that a message was sent."""
        if socket.untaken:
            self._behind.add(socket)

    @property
    def are_behind(self) -> bool:
        """Whether the clients have to take some of what was sent, before a socket is sent a message."""
        if not self._behind:
            return False
        untaken = {socket: socket.untaken for socket in self._behind}
        for socket in [socket for socket, size in untaken.items() if not size]:
            self._behind.discard(socket)
        return sum(untaken.values()) >= MAX_UNTAKEN

    async def wait(self) -> None:
        """Return when the clients have taken enough; others may be sent a message before the caller of this is."""
        async with self._looking:
            while self.are_behind:  # noqa: ASYNC110 - no event is set when a client takes a part
                await asyncio.sleep(LOOK_SECONDS)
