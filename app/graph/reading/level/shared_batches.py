"""Reads for many keys at once: what one call of an operation reads, later calls do not read again.

Like a data loader, without a future for each key: a level has thousands of keys, and they arrive together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Generic, TypeVar

from graphql_schema.execution.failed_frames import forget_failed
from graphql_schema.ports.turns.gradual_release import RELEASE

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


MANY_ITEMS: Final = 1_000
"""Number of items beyond which a call begins in a turn: those of a team take some milliseconds."""


@dataclass(slots=True)
class SharedBatches(Generic[ItemT, ResultT]):
    """Results by the key of an item, which ``key`` returns.

    ``pause`` returns in a turn of the event loop: hundreds of calls that share a batch would continue at once. A batch
    that failed or was cancelled is dropped, so that later calls read its items again. With ``joins``, calls of the same
    moment share one batch for what all of them miss. What was read elsewhere is in ``known``, by the key of its item.
    """

    key: Callable[[ItemT], Hashable]
    pause: Callable[[], Awaitable[object]]
    joins: bool = False
    known: dict[Hashable, ResultT] = field(default_factory=dict)
    _open: tuple[dict[Hashable, ItemT], asyncio.Task[dict[Hashable, ResultT]]] | None = None
    _batches: dict[Hashable, asyncio.Task[dict[Hashable, ResultT]]] = field(default_factory=dict)

    async def get(
        self, items: Sequence[ItemT], load: Callable[[list[ItemT]], Awaitable[Sequence[ResultT]]]
    ) -> list[ResultT]:
        """Return the results of items, in their order; raises the error of ``load``, which reads items in their order.

        ``load`` is no attribute: as a method of the owner it would be a cycle of references, which keeps what was read
        until a garbage collection.
        """
        are_many = len(items) > MANY_ITEMS
        if are_many:
            await self.pause()  # aliases of a field continue together, each with as many
        keyed = {self.key(item): item for item in items}
        if are_many:
            await self.pause()  # 100,000 items take 15 ms at each of these places
        unknown = [key for key in keyed if key not in self.known]
        if are_many:
            await self.pause()
        missing = {key: keyed[key] for key in unknown if key not in self._batches}
        if missing:
            self._batches |= dict.fromkeys(missing, self._batch_of(missing, load))
        batches = {key: self._batches[key] for key in unknown}
        # The end of one call is not that of the others, who may share its batch.
        results = {batch: await asyncio.shield(batch) for batch in set(batches.values())}
        await self.pause()
        found = {key: results[batch][key] for key, batch in batches.items()}
        if are_many:
            await self.pause()
        return [found[key] if key in found else self.known[key] for key in map(self.key, items)]

    def _batch_of(
        self, missing: dict[Hashable, ItemT], load: Callable[[list[ItemT]], Awaitable[Sequence[ResultT]]]
    ) -> asyncio.Task[dict[Hashable, ResultT]]:
        """Return the task that reads missing items, with those of the batch that is open if there is one."""
        if self._open is None:
            batch = asyncio.create_task(self._read(missing, load))
            batch.add_done_callback(partial(self._forget_failed, missing))
            self._open = (missing, batch) if self.joins else None
            return batch
        items, batch = self._open
        items |= missing
        return batch

    async def _read(
        self, items: dict[Hashable, ItemT], load: Callable[[list[ItemT]], Awaitable[Sequence[ResultT]]]
    ) -> dict[Hashable, ResultT]:
        if self.joins:
            try:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            finally:
                self._open = None
        return dict(zip(items, await load(list(items.values())), strict=True))

    def _forget_failed(self, items: dict[Hashable, ItemT], batch: asyncio.Task[dict[Hashable, ResultT]]) -> None:
        if batch.cancelled() or batch.exception() is not None:
            if frames := forget_failed([batch]):
                RELEASE.free([*frames])  # they have what was read, and lead back to the error
            for key in items:
                self._batches.pop(key, None)
