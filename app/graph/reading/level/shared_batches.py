"""Reads for many keys at once: what one call of an operation reads, the others do not read again.

Like a data loader, without a future for each key: a level has thousands of keys, and they arrive together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


@dataclass(slots=True)
class SharedBatches(Generic[ItemT, ResultT]):
    """Results by the key of an item. ``load`` returns the results of items in their order, ``key`` the key of an item.

    A failed batch is forgotten after its error was raised to all who wait for it.
    """

    load: Callable[[list[ItemT]], Awaitable[Sequence[ResultT]]]
    key: Callable[[ItemT], Hashable]
    _batches: dict[Hashable, asyncio.Future[dict[Hashable, ResultT]]] = field(default_factory=dict)

    async def get(self, items: Sequence[ItemT]) -> list[ResultT]:
        """Return the results of items, in their order; raises the error of ``load``."""
        keys = [self.key(item) for item in items]
        missing = {key: item for key, item in zip(keys, items, strict=True) if key not in self._batches}
        if missing:
            await self._load(missing)
        results = {batch: await batch for batch in {self._batches[key] for key in keys}}
        return [results[self._batches[key]][key] for key in keys]

    async def _load(self, missing: dict[Hashable, ItemT]) -> None:
        batch: asyncio.Future[dict[Hashable, ResultT]] = asyncio.get_running_loop().create_future()
        self._batches |= dict.fromkeys(missing, batch)
        try:
            found = await self.load(list(missing.values()))
            batch.set_result(dict(zip(missing, found, strict=True)))
        except Exception as error:
            batch.set_exception(error)
            batch.exception()  # raised here; without another waiter it would be logged as never retrieved
            raise
        finally:
            batch.cancel()  # without effect on a completed batch
            if batch.cancelled() or batch.exception() is not None:
                for key in missing:
                    del self._batches[key]
