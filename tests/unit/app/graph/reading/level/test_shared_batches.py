"""Reads for many keys at once, shared by the calls of one operation."""

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest
from support.waiting import until

from app.graph.reading.level import shared_batches
from app.graph.reading.level.shared_batches import SharedBatches
from graphql_schema.ports.operation_budget import OperationBudget
from policies.errors import CodedError


class Store:
    """Reads the squares of numbers when it is released; keeps what was read."""

    def __init__(self) -> None:
        self.read: list[list[int]] = []
        self.released = asyncio.Event()
        self.error: Exception | None = None

    async def squares(self, numbers: list[int]) -> list[int]:
        """Return the squares, or raise the error."""
        self.read.append(numbers)
        await self.released.wait()
        if self.error is not None:
            raise self.error
        return [number * number for number in numbers]


def same(number: int) -> int:
    """Return the key of a number: itself."""
    return number


@pytest.fixture
def batches() -> Callable[[], SharedBatches[int, int]]:
    """Return a function that makes batches of numbers."""
    return lambda: SharedBatches(same, OperationBudget().pause)


async def test_a_key_is_read_once(batches: Callable[[], SharedBatches[int, int]]) -> None:
    """Calls at the same time and later ones share what was read; each gets its results in its own order."""
    store = Store()
    shared = batches()
    first = asyncio.create_task(shared.get([3, 1, 3], store.squares))
    second = asyncio.create_task(shared.get([2, 3], store.squares))
    await asyncio.sleep(0)
    store.released.set()
    assert (await first, await second) == ([9, 1, 9], [4, 9])
    assert await shared.get([1, 2, 3], store.squares) == [1, 4, 9]
    assert store.read == [[3, 1], [2]]


async def test_the_callers_of_a_batch_continue_in_turns() -> None:
    """Hundreds of calls that share what was read would otherwise look up their results in one iteration of the loop."""
    store, turns = Store(), asyncio.Semaphore(0)
    shared = SharedBatches[int, int](same, turns.acquire)
    calls = [asyncio.create_task(shared.get([1, 2], store.squares)) for _ in range(3)]
    store.released.set()
    for ended in range(1, 4):
        turns.release()
        await until(lambda: sum(call.done() for call in calls) >= ended)  # noqa: B023 - called at once
        for _ in range(5):
            await asyncio.sleep(0)
        assert sum(call.done() for call in calls) == ended
    assert [call.result() for call in calls] == [[1, 4]] * 3
    assert store.read == [[1, 2]]


async def test_without_items_nothing_is_read(batches: Callable[[], SharedBatches[int, int]]) -> None:
    """No request is sent for an empty level."""
    store = Store()
    assert await batches().get([], store.squares) == []
    assert store.read == []


async def test_a_failed_batch_is_read_again(batches: Callable[[], SharedBatches[int, int]]) -> None:
    """All who wait get the error; a later call reads anew, and what succeeded before is kept."""
    store = Store()
    shared = batches()
    store.released.set()
    assert await shared.get([1], store.squares) == [1]
    store.error = ValueError("no squares today")
    found = await asyncio.gather(
        shared.get([1, 2], store.squares), shared.get([2], store.squares), return_exceptions=True
    )
    assert [type(each) for each in found] == [ValueError, ValueError]
    await asyncio.sleep(0)
    store.error = None
    assert await shared.get([2, 1], store.squares) == [4, 1]
    assert store.read == [[1], [2], [2]]


async def test_calls_of_the_same_moment_join_one_batch() -> None:
    """What several calls miss is read together, as by a data loader; later calls begin a batch of their own."""
    store = Store()
    store.released.set()
    shared = SharedBatches[int, int](same, OperationBudget().pause, joins=True)
    found = await asyncio.gather(shared.get([3, 1], store.squares), shared.get([2, 3], store.squares))
    assert [*found] == [[9, 1], [4, 9]]
    assert await shared.get([1, 4], store.squares) == [1, 16]
    assert store.read == [[3, 1, 2], [4]]


@pytest.mark.parametrize("joins", [False, True])
async def test_a_call_that_is_cancelled_ends_no_other(*, joins: bool) -> None:
    """Others may have joined its batch, or wait for the same items."""
    store = Store()
    shared = SharedBatches[int, int](same, OperationBudget().pause, joins=joins)
    first, second = (asyncio.create_task(shared.get([1, 2], store.squares)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    store.released.set()
    assert await second == [1, 4]
    assert first.cancelled()
    assert await shared.get([3], store.squares) == [9]


async def test_a_failed_batch_forgets_its_own_items_alone(batches: Callable[[], SharedBatches[int, int]]) -> None:
    """To go through all items of an operation for each of hundreds of batches that fail together takes seconds."""
    store, shared = Store(), batches()
    store.released.set()
    await shared.get([*range(10)], store.squares)
    known = shared._batches  # noqa: SLF001 - it is not copied
    store.error = ValueError("no squares today")
    with pytest.raises(ValueError, match="today"):
        await shared.get([11, 12], store.squares)
    await asyncio.sleep(0)
    assert shared._batches is known  # noqa: SLF001 - as above
    assert known.keys() == {*range(10)}


async def test_what_a_failed_batch_has_read_waits_for_no_collection(
    batches: Callable[[], SharedBatches[int, int]],
) -> None:
    """The error of an operation that has ended leads to the frames of the batch, and these to the error.

    A collection visits all objects of the process, so it is rare.
    """
    shared, read, end = batches(), list[weakref.ref[Store]](), CodedError("The client has left.")

    async def load(_: list[int]) -> list[int]:
        rows = Store()
        read.append(weakref.ref(rows))
        raise end

    gc.disable()
    try:
        await asyncio.gather(shared.get([1, 2], load), return_exceptions=True)
        async with asyncio.timeout(5):
            while read[0]() is not None:  # noqa: ASYNC110 - until it is freed, in turns of the event loop
                await asyncio.sleep(0)
    finally:
        gc.enable()
    assert shared._batches == {}  # noqa: SLF001 - the failed batch


async def test_others_run_while_very_many_items_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pass over 100,000 items takes 15 ms, and a call has several."""
    monkeypatch.setattr(shared_batches, "MANY_ITEMS", 10)
    store, pauses = Store(), list[int]()

    async def pause() -> None:
        pauses.append(len(store.read))

    store.released.set()
    shared = SharedBatches[int, int](same, pause)
    for count, expected in ((10, [1]), (11, [1, 1, 1, 2, 2])):
        pauses.clear()
        assert await shared.get([*range(count)], store.squares) == [number**2 for number in range(count)]
        assert pauses == expected
