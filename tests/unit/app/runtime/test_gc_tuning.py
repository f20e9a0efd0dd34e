"""The garbage collector of a server: short collections under load, full ones while it is idle or when there is much."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from app.runtime import gc_tuning

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
        (0.01, [0], 1, 1),
        (0.01, [0], 0, 0),
        (0.8, [gc_tuning.OLD_OBJECTS], 1, 0),
        (0.8, [gc_tuning.OLD_OBJECTS + 1, 0], 1, 1),
        (0.8, [gc_tuning.OLD_OBJECTS + 1, 5, gc_tuning.OLD_OBJECTS + 10], 1, 1),
        (0.8, [gc_tuning.OLD_OBJECTS + 1, 5, gc_tuning.OLD_OBJECTS + 11, 0], 1, 2),
    ],
    ids=["idle", "nothing to collect", "busy", "busy with much", "survivors count twice", "more than twice"],
)
async def test_garbage_is_collected_when_idle_or_much(
    monkeypatch: Monkey, cpu_seconds: float, old: list[int], middle_collections: int, collects: int
) -> None:
    """A full collection waits for an interval with little CPU time, unless the old generation is large."""
    clock, sizes, collected = {"cpu": 0.0}, list(old), list[int]()

    async def sleep(_: float) -> None:
        if not sizes or (clock["cpu"] and len(old) == 1):
            raise asyncio.CancelledError
        clock["cpu"] += cpu_seconds

    monkeypatch.setattr("app.runtime.gc_tuning.asyncio.sleep", sleep)
    monkeypatch.setattr("app.runtime.gc_tuning.time.process_time", lambda: clock["cpu"])
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, middle_collections))
    monkeypatch.setattr("app.runtime.gc_tuning.gc.collect", lambda: collected.append(1))
    monkeypatch.setattr(gc_tuning, "_old_objects", lambda: sizes.pop(0))
    with pytest.raises(asyncio.CancelledError):
        await gc_tuning.collect_regularly()
    assert len(collected) == collects


def test_free_memory_is_returned() -> None:
    """The call has no effect without glibc."""
    gc_tuning.trim()
