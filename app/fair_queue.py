"""A queue that shares slots fairly among callers: those of operations in this process, or of requests to the store.

More of them at once only take longer. Waiting callers take turns, so the first request of one caller does not wait for
all requests of another caller.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from app.received_volumes import ReceivedVolumes
from policies.errors import LimitError

PROCESS: Final[Hashable] = object()
"""The caller of what this process does by itself or for all callers, such as the transactions of writers."""

_LATER_SECONDS: Final = 0.01
"""Seconds that a timer is later than what it waits for, because it may be early by the resolution of its clock."""


@dataclass(slots=True)
class FairQueue:
    """Admits ``slots`` operations at once, at most ``per_caller`` of one caller.

    ``spare`` slots beside these are for callers who have none: a few callers may hold all others for long. At most
    ``waiting_per_caller`` of a caller wait; further ones are refused. PROCESS goes first and may have all slots, of
    which the other callers leave ``reserved`` to it. A caller who has lately received too much, by ``volumes``, has
    ``per_large_caller`` slots at most.
    """

    slots: int = 16
    per_caller: int = 4
    waiting_per_caller: int = 256
    reserved: int = 0
    spare: int = 0
    volumes: ReceivedVolumes | None = None
    per_large_caller: int = 1
    _running: Counter[Hashable] = field(default_factory=Counter)
    _waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)

    @property
    def running(self) -> int:
        """The number of operations that hold a slot."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """The number of operations that wait."""
        return sum(map(len, list(self._waiting.values())))

    @asynccontextmanager
    async def slot(self, caller: Hashable) -> AsyncIterator[None]:
        """Hold a slot; waits until one is free. Raises LimitError if too many operations of the caller wait."""
        await self.acquire(caller)
        try:
            yield
        finally:
            self.release(caller)

    async def acquire(self, caller: Hashable) -> None:
        """Take a slot as :meth:`slot` does, until :meth:`release`."""
        if not self._waiting.get(caller) and self._has_slot(caller):
            self._running[caller] += 1
            return
        waiting = self._waiting.setdefault(caller, deque())
        if len(waiting) >= self.waiting_per_caller:
            raise LimitError(
                f"{len(waiting)} of your requests wait already; send the next one after a response.",
                limit="waiting",
                maximum=self.waiting_per_caller,
            )
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        if self.volumes is not None and (seconds := self.volumes.excess(caller)):
            # Without this it would wait for the next release, and its requests that run may last for minutes.
            turn.get_loop().call_later(seconds + _LATER_SECONDS, self._give)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # a release in the same moment has removed it
                    waiting.remove(turn)
            else:
                self.release(caller)  # the slot was given in the same moment
            raise

    def _has_slot(self, caller: Hashable) -> bool:
        free = self.slots - self._running.total()
        if caller is PROCESS:
            return free > 0
        free -= max(0, self.reserved - self._running[PROCESS])
        if free > 0:
            is_large = self.volumes is not None and self.volumes.excess(caller) > 0
            return self._running[caller] < (self.per_large_caller if is_large else self.per_caller)
        return free + self.spare > 0 and not self._running[caller]

    def release(self, caller: Hashable, received: int = 0) -> None:
        """Free a slot, and give it to a caller that waits; ``received`` is the size of the response in bytes."""
        if self.volumes is not None and received and caller is not PROCESS:
            self.volumes.add(caller, received)
        self._running[caller] -= 1
        if not self._running[caller]:
            del self._running[caller]
        self._give()

    def _give(self) -> None:
        """Give free slots to the callers that wait, one each in turn; PROCESS is the first."""
        for each in sorted(self._waiting, key=lambda caller: caller is not PROCESS):
            waiting = self._waiting[each]
            while waiting and waiting[0].cancelled():
                waiting.popleft()
            if waiting and self._has_slot(each):
                self._running[each] += 1
                waiting.popleft().set_result(None)
                self._waiting.move_to_end(each)
            if not waiting:
                del self._waiting[each]
