"""Responses that clients have not taken yet: a caller with too many bytes of them waits before the next operation.

A response is made as a whole, and stays in memory until its client has taken it, at whatever speed. The connections of
one address can otherwise hold gigabytes of responses for hours.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from app.fair_queue import FairQueue
from policies.errors import LimitError

MAX_UNTAKEN: Final = 16 * 1024 * 1024
"""Bytes of responses that a caller has not taken, from which on no further operation of the caller is executed."""


UNTAKEN: Final = "untaken"
"""The limit in the error of an operation with a long body that cannot wait for the client of its caller."""


@dataclass(slots=True)
class HeldSlots:
    """The slots of a request: of its ``operation``, until the response counts, and of a long ``body`` if it has one.

    ``response`` is closed when the response was sent.
    """

    operation: ExitStack = field(default_factory=ExitStack)
    response: ExitStack = field(default_factory=ExitStack)
    body: AsyncExitStack = field(default_factory=AsyncExitStack)
    has_long_body: bool = False

    def claim(self, queue: FairQueue, caller: Hashable) -> Callable[[], Awaitable[None]]:
        """Return a function that takes a slot of a queue for a long body, until ``body`` is closed."""

        async def take() -> None:
            self.has_long_body = True
            await self.body.enter_async_context(queue.slot(caller))

        return take


def _parking() -> FairQueue:
    return FairQueue(waiting_per_caller=0, spare=16)


@dataclass(slots=True)
class UntakenResponses:
    """Counts the bytes of responses that are being sent, by caller; ``maximum`` is as MAX_UNTAKEN.

    Long bodies whose callers have too many have slots of ``parked`` in place of those of all callers, who would wait
    for clients of others.
    """

    maximum: int = MAX_UNTAKEN
    parked: FairQueue = field(default_factory=_parking)
    _bytes: Counter[Hashable] = field(default_factory=Counter)
    _taken: dict[Hashable, asyncio.Event] = field(default_factory=dict)

    async def acquire(self, queue: FairQueue, caller: Hashable, held: HeldSlots) -> None:
        """Take a slot of a queue when the caller has taken enough of earlier responses; raises as the queue does.

        A caller with too many bytes holds no slot of it. They are compared again with the slot, because responses are
        made while operations of the caller wait for it. Raises LimitError if its body is long and none can be parked.
        """
        while True:
            await queue.acquire(caller)
            if self._bytes[caller] < self.maximum:
                return
            queue.release(caller)
            taken = self._taken.setdefault(caller, asyncio.Event())
            if held.has_long_body:
                await self._park(caller, held)
            await taken.wait()

    async def _park(self, caller: Hashable, held: HeldSlots) -> None:
        try:
            await self.parked.acquire(caller)
        except LimitError:
            raise LimitError(
                f"You have not received {self._bytes[caller]} bytes of earlier responses, and too many bodies of more "
                "than 64 KiB wait for their clients. Receive the responses, then send it again.",
                limit=UNTAKEN,
                maximum=self.maximum,
            ) from None
        await held.body.aclose()
        held.body.callback(self.parked.release, caller)
        held.has_long_body = False

    @contextmanager
    def counted(self, caller: Hashable, size: int) -> Iterator[None]:
        """Count a response of ``size`` bytes while the body runs, which sends it."""
        self._bytes[caller] += size
        try:
            yield
        finally:
            self._bytes[caller] -= size
            if not self._bytes[caller]:
                del self._bytes[caller]
            taken = self._taken.pop(caller, None)
            if taken is not None:
                taken.set()
