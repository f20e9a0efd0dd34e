"""Results that several readers share: each is made once, for the first reader that needs it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

from graphql_schema.ports.record import Position

ResultT = TypeVar("ResultT")


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _made(make: Callable[[], Awaitable[object]], pause: Callable[[], Awaitable[None]] | None) -> object:
    if pause is not None:
        await pause()
    return await make()


class ReadRange(NamedTuple):
    """The part of a feed in a batch of at most ``size`` records: after position ``after``, to ``until`` inclusive.

    ``until`` is None if the batch has no records, because ``after`` is at the end of the feed.
    """

    after: Position
    until: Position | None
    size: int

    def covers(self, position: Position) -> bool:
        """Return whether the batch has the record that directly follows a position.

        A batch without records covers each position from ``after`` on.
        """
        return self.after <= position and (self.until is None or position < self.until)


@dataclass(slots=True)
class SharedResults:
    """Results by key; ``since`` is when this object was made, in seconds of the event loop.

    A key names everything that its result depends on. An error is raised to all callers that wait, and is not kept.
    What no caller waits for any more is cancelled: a client that leaves again and again would leave work behind.
    ``pause`` is awaited before each result is made, in its task: hundreds of results may begin in one iteration.
    ``ranges`` are the parts of feeds that were read, by the condition of the feed.
    """

    pause: Callable[[], Awaitable[None]] | None = None
    since: float = field(default_factory=_now)
    ranges: dict[Hashable, list[ReadRange]] = field(default_factory=dict)
    _made: dict[Hashable, asyncio.Future[object]] = field(default_factory=dict)
    _waiting: Counter[asyncio.Future[object]] = field(default_factory=Counter)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return the result of ``make``, which is called once for equal keys unless it fails; raises what it raises."""
        task = self._made.get(key)
        if task is None:
            task = self._made[key] = asyncio.ensure_future(_made(make, self.pause))
            task.add_done_callback(lambda done: self._drop_failed(key, done))
        self._waiting[task] += 1
        try:
            # Without the shield, the cancellation of one reader would cancel the result of all.
            return cast("ResultT", await asyncio.shield(task))
        finally:
            self._leave(key, task)

    def _leave(self, key: Hashable, task: asyncio.Future[object]) -> None:
        """Wait no more for a result; cancel it if no caller does, and let the next call of :meth:`get` make it anew."""
        self._waiting[task] -= 1
        if not self._waiting[task]:
            del self._waiting[task]
            if not task.done():
                self._drop(key, task)
                task.cancel()

    def cancel(self) -> None:
        """Cancel the results that are being made, whose readers have left; asyncio logs a pending task that is lost."""
        for task in [*self._made.values()]:
            task.cancel()

    def _drop_failed(self, key: Hashable, task: asyncio.Future[object]) -> None:
        """Remove a result that failed or was cancelled, so that the next call of :meth:`get` makes it again."""
        if task.cancelled() or task.exception() is not None:
            self._drop(key, task)

    def _drop(self, key: Hashable, task: asyncio.Future[object]) -> None:
        if self._made.get(key) is task:
            del self._made[key]
