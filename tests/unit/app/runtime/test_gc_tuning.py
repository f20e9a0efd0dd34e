"""The garbage collector of a server: short collections under load, full ones while it is idle or when there is much."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from app.runtime import gc_tuning
from graphql_schema.execution.side_thread import run_aside

Monkey = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Restore the collector of the test process."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


async def test_objects_of_the_start_are_excluded() -> None:
    """After the start, the collector counts existing objects as permanent, and runs no full collection by itself."""
    before = gc.get_threshold()
    async with gc_tuning.short_collections():
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold() == (gc_tuning.YOUNG_THRESHOLD, gc_tuning.MIDDLE_THRESHOLD, 2**31 - 1)
    assert (gc.get_freeze_count(), gc.get_threshold()) == (0, before)


@pytest.mark.parametrize(
    ("cpu_seconds", "old", "middle_collections", "collects"),
    [
        (0.01, 0, 1, 2),
        (0.01, 0, 0, 0),
        (0.8, gc_tuning.OLD_OBJECTS, 1, 0),
        (0.8, gc_tuning.OLD_OBJECTS + 1, 1, 2),
    ],
    ids=["idle", "nothing to collect", "busy", "busy with much"],
)
async def test_garbage_is_collected_when_idle_or_much(
    monkeypatch: Monkey, cpu_seconds: float, old: int, middle_collections: int, collects: int
) -> None:
    """A full collection waits for an interval with little CPU time, unless the old generation is large."""
    collected = list[int]()
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, middle_collections))
    monkeypatch.setattr("app.runtime.gc_tuning.gc.collect", lambda: collected.append(1))
    monkeypatch.setattr(gc_tuning, "_old_objects", lambda: old)
    await run_intervals(monkeypatch, 2, cpu_seconds)
    assert len(collected) == collects


async def test_what_outlives_a_collection_is_not_visited_again(monkeypatch: Monkey) -> None:
    """A large cache would otherwise hold the event loop in each collection."""
    cached = [[number] for number in range(100_000)]
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, 1))
    gc.collect()
    assert len(gc.get_objects(generation=2)) > len(cached)
    await run_intervals(monkeypatch, 1, 0.01)
    assert len(gc.get_objects(generation=2)) < len(cached)


@pytest.mark.parametrize("cpu_seconds", [0.01, 0.8], ids=["idle", "busy"])
async def test_frozen_garbage_is_freed_when_there_is_much(monkeypatch: Monkey, cpu_seconds: float) -> None:
    """A cycle that became garbage after it was frozen is freed once the frozen objects have doubled, idle or not."""
    monkeypatch.setattr(gc_tuning, "OLD_OBJECTS", 0)
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, 1))
    monkeypatch.setattr(gc_tuning, "FROZEN_OBJECTS", 0)
    kept: list[object] = [Cycle()]
    garbage = weakref.ref(kept[0])
    gc.collect()
    gc.freeze()
    kept.clear()
    await run_intervals(monkeypatch, 1, cpu_seconds)
    assert garbage() is not None
    kept += ([number] for number in range(gc.get_freeze_count() + 1_000))
    await run_intervals(monkeypatch, 1, cpu_seconds)
    assert garbage() is None


async def test_collections_do_not_wait_for_the_side_thread(monkeypatch: Monkey) -> None:
    """Beside seconds of work in it, garbage would add up, whose collection holds the event loop."""
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, 1))
    until = threading.Event()
    work = asyncio.create_task(run_aside(until.wait))
    try:
        async with asyncio.timeout(10) as limit:
            await run_intervals(monkeypatch, 2, 0.01)
        assert not limit.expired()
    finally:
        until.set()
        await work


class Cycle:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.own = self


async def run_intervals(monkeypatch: Monkey, count: int, cpu_seconds: float) -> None:
    """Run the collections of some intervals with this CPU time each."""
    clock = {"cpu": 0.0, "left": count}

    async def sleep(_: float) -> None:
        clock["left"] -= 1
        if clock["left"] < 0:
            raise asyncio.CancelledError
        clock["cpu"] += cpu_seconds

    monkeypatch.setattr("app.runtime.gc_tuning.asyncio.sleep", sleep)
    monkeypatch.setattr("app.runtime.gc_tuning.time.process_time", lambda: clock["cpu"])
    with pytest.raises(asyncio.CancelledError):
        await gc_tuning.collect_regularly()


def test_free_memory_is_returned() -> None:
    """The call has no effect without glibc."""
    gc_tuning.trim()
