"""Garbage for the collector of a process, and the intervals and growth in which it collects."""

import asyncio
import gc
import weakref

import pytest

from app.runtime import gc_tuning


class Cycle:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.own = self


def frozen_garbage() -> tuple[gc_tuning.Collector, weakref.ReferenceType[Cycle], list[list[int]]]:
    """Return a collector, a reference to a frozen cycle that is garbage, and 100,000 objects made after both."""
    kept: list[Cycle] = [Cycle()]
    garbage = weakref.ref(kept[0])
    gc.collect()
    gc.freeze()
    collector = gc_tuning.Collector()
    kept.clear()
    return collector, garbage, [[number] for number in range(100_000)]


async def run_when_grown(collector: gc_tuning.Collector, phase: str = "stop", generation: int = 1) -> None:
    """Run the collections of a process that has begun or ended a collection of a generation."""
    growing = asyncio.create_task(collector.collect_what_grows())
    collector.observe(phase, {"generation": generation})
    for _ in range(5):
        await asyncio.sleep(0)
    growing.cancel()


async def run_intervals(
    monkeypatch: pytest.MonkeyPatch, count: int, cpu_seconds: float, collector: gc_tuning.Collector | None = None
) -> None:
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
        await (collector or gc_tuning.Collector()).collect_when_idle()
