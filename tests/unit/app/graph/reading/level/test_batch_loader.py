"""Loaders: they batch as a DataLoader does, and live no longer than their owner."""

import asyncio
import gc
from weakref import ref

from app.graph.reading.level.batch_loader import batch_loader
from policies.errors import LimitError


class Owner:
    """An owner of a loader; its method returns products."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.loader = batch_loader(self.times, 10, get_cache_key=abs)

    async def times(self, factor: int, keys: list[int]) -> list[int]:
        """Return the products of keys."""
        self.batches.append(keys)
        return [factor * key for key in keys]


async def test_keys_are_loaded_in_one_batch() -> None:
    """The method gets the arguments and the keys of one iteration, each once."""
    owner = Owner()
    assert await owner.loader.load_many([1, 2, -1]) == [10, 20, 10]
    assert owner.batches == [[1, 2]]


async def test_an_owner_is_freed_without_a_garbage_collection() -> None:
    """The last reference to the owner frees it with all results; a batch that is still due has no results."""
    gc.disable()
    try:
        owner = Owner()
        await owner.loader.load(1)
        due, known = owner.loader.load(2), ref(owner)
        del owner
        assert known() is None
        assert await due is None
    finally:
        gc.enable()


async def test_an_error_is_that_of_each_key_and_keeps_nothing_alive() -> None:
    """It has no frame of the loader, which has all results; the keys are read again when they are loaded again."""

    class Failing(Owner):
        """An owner whose first batch fails."""

        async def times(self, factor: int, keys: list[int]) -> list[int]:
            """Return the products of keys, but not the first time."""
            if not self.batches:
                self.batches.append(keys)
                raise LimitError("Too many.")
            return await super().times(factor, keys)

    gc.disable()
    try:
        owner = Failing()
        results = [owner.loader.load(key) for key in (1, 2)]
        await asyncio.wait(results)  # as if their readers had left
        assert {type(each.exception()) for each in results} == {LimitError}
        assert await owner.loader.load(1) == 10
        known = ref(owner)
        del owner, results
        assert known() is None
    finally:
        gc.enable()


async def test_what_is_cancelled_keeps_no_task_waiting() -> None:
    """A task that waits for a key when its operation ends would never end, and keep all rows in memory."""

    class Cancelled(Owner):
        """An owner whose batches are cancelled."""

        async def times(self, factor: int, keys: list[int]) -> list[int]:  # noqa: ARG002 - as of the owner
            """Return nothing."""
            raise asyncio.CancelledError

    async def waits(owner: Owner) -> int:
        return await owner.loader.load(1)

    gc.disable()
    try:
        owner = Cancelled()
        known, waiting = ref(owner), asyncio.create_task(waits(owner))
        del owner
        await asyncio.wait([waiting], timeout=60)
        assert waiting.done()
        assert isinstance(waiting.exception(), LimitError)
        del waiting
        assert known() is None
    finally:
        gc.enable()
