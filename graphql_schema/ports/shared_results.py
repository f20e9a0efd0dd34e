"""Results that several readers share: each is made once, by the first who needs it."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

from graphql_schema.ports.record import Position

ResultT = TypeVar("ResultT")


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _made(make: Callable[[], Awaitable[object]]) -> object:
    return await make()


class ReadRange(NamedTuple):
    """The part of a feed in a batch of at most ``size`` records: from behind ``after`` up to and including ``until``.

    ``until`` is None if the batch ends at the end of the feed.
    """

    after: Position
    until: Position | None
    size: int

    def covers(self, position: Position) -> bool:
        """Return whether the batch has all records after a position up to its end.

        There is at least one such record, unless the batch ends at the end of the feed.
        """
        return self.after <= position and (self.until is None or position < self.until)


@dataclass(slots=True)
class SharedResults:
    """Results by key; ``since`` is when this object was made, in seconds of the event loop.

    A key names everything that its result depends on. An error is raised to all who wait for it, and is not kept.
    ``ranges`` are the parts of feeds that were read, by the condition of the feed.
    """

    since: float = field(default_factory=_now)
    ranges: dict[Hashable, list[ReadRange]] = field(default_factory=dict)
    _made: dict[Hashable, asyncio.Future[object]] = field(default_factory=dict)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return the result of ``make``, which is called once for equal keys unless it fails; raises what it raises."""
        task = self._made.get(key)
        if task is None:
            task = self._made[key] = asyncio.ensure_future(_made(make))
            task.add_done_callback(lambda done: self._drop_failed(key, done))
        # Without the shield, the cancellation of one reader would cancel the result of all.
        return cast("ResultT", await asyncio.shield(task))

    def cancel(self) -> None:
        """Cancel what is being made, because its readers have left; asyncio would log each that is then forgotten."""
        for task in [*self._made.values()]:
            task.cancel()

    def _drop_failed(self, key: Hashable, task: asyncio.Future[object]) -> None:
        """Forget a result that could not be made, so that it is tried again when it is needed next."""
        if task.cancelled() or task.exception() is not None:
            del self._made[key]
