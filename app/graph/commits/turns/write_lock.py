"""The lock of the writers of a process."""

import asyncio
from typing import Literal

from graphql_schema.ports.turns.precedence import Precedence


class WriteLock(asyncio.Lock):
    """A lock whose holder has precedence, because all writers wait for it: the queries of readers delay it by half.

    The task that acquires it is to release it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._precedence = Precedence(has_ended=True)

    async def acquire(self) -> Literal[True]:
        """Acquire the lock, with precedence until :meth:`release`."""
        await super().acquire()
        self._precedence = Precedence.begin()
        return True

    def release(self) -> None:
        """Release the lock, and end the precedence of its holder and of all tasks that this has started."""
        super().release()
        self._precedence.end()
