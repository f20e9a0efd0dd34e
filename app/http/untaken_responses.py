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


@dataclass(slots=True)
class HeldSlots:
    """The slot of the ``operation`` of a request, until the response counts, and whether it has one of a long body.

    That is one of all callers, who would wait as long as this one.
    """

    operation: ExitStack = field(default_factory=ExitStack)
    has_long_body: bool = False

    def claim(self, body: AsyncExitStack, queue: FairQueue, caller: Hashable) -> Callable[[], Awaitable[None]]:
        """Return a function that takes a slot of a queue for a long body, until ``body`` is closed."""

        async def take() -> None:
            self.has_long_body = True
            await body.enter_async_context(queue.slot(caller))

        return take


@dataclass(slots=True)
class UntakenResponses:
    """Counts the bytes of responses that are being sent, by caller; ``maximum`` is as MAX_UNTAKEN."""

    maximum: int = MAX_UNTAKEN
    _bytes: Counter[Hashable] = field(default_factory=Counter)
    _taken: dict[Hashable, asyncio.Event] = field(default_factory=dict)

    async def acquire(self, queue: FairQueue, caller: Hashable, held: HeldSlots) -> None:
        """Take a slot of a queue when the caller has taken enough of earlier responses; raises as the queue does.

        A caller with too many bytes holds no slot of it. They are compared again with the slot, because responses are
        made while operations of the caller wait for it. An operation with a long body does not wait for them: raises
        LimitError.
        """
        while True:
            await queue.acquire(caller)
            if self._bytes[caller] < self.maximum:
                return
            queue.release(caller)
            if held.has_long_body:
                raise LimitError(
                    f"You have not received {self._bytes[caller]} bytes of earlier responses. Receive them before you "
                    "send a body of more than 64 KiB, because other callers wait while it is in memory.",
                    limit="untaken",
                    maximum=self.maximum,
                )
            taken = self._taken.setdefault(caller, asyncio.Event())
            await taken.wait()

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
