"""The garbage collector of a server: short collections under load, full ones while it is idle."""

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
    ("cpu_seconds", "elapsed_seconds", "middle_collections", "collects"),
    [
        (0.1, 5.0, 1, True),
        (0.1, 5.0, 0, False),
        (4.0, 5.0, 1, False),
        (4.0, gc_tuning.MAX_POSTPONED_SECONDS + 1, 1, True),
    ],
    ids=["idle", "nothing to collect", "busy", "busy for long"],
)
async def test_garbage_is_collected_when_idle(
    monkeypatch: Monkey, cpu_seconds: float, elapsed_seconds: float, middle_collections: int, *, collects: bool
) -> None:
    """A full collection waits for an interval with little CPU time, but not for ever."""
    clock = {"cpu": 0.0, "monotonic": 0.0, "sleeps": 0}
    collected: list[int] = []

    async def sleep(_: float) -> None:
        clock["cpu"] += cpu_seconds
        clock["monotonic"] += elapsed_seconds
        clock["sleeps"] += 1
        if clock["sleeps"] == 2:
            raise asyncio.CancelledError

    monkeypatch.setattr("app.runtime.gc_tuning.asyncio.sleep", sleep)
    monkeypatch.setattr("app.runtime.gc_tuning.time.process_time", lambda: clock["cpu"])
    monkeypatch.setattr("app.runtime.gc_tuning.time.monotonic", lambda: clock["monotonic"])
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, middle_collections))
    monkeypatch.setattr(gc_tuning, "collect", lambda: collected.append(1))
    with pytest.raises(asyncio.CancelledError):
        await gc_tuning.collect_while_idle()
    assert bool(collected) == collects


def test_a_collection_frees_cycles() -> None:
    """Objects that refer to each other are freed."""

    class Knot:
        """An object that refers to itself."""

        def __init__(self) -> None:
            self.itself = self

    gc.disable()
    try:
        Knot()
        gc_tuning.collect()
        assert not [each for each in gc.get_objects() if type(each).__name__ == "Knot"]
    finally:
        gc.enable()
