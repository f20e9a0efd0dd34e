"""The garbage collector of a server: short collections under load, full ones while it is idle or when there is much."""

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Iterator

import pytest
from support.garbage import Cycle, frozen_garbage, run_intervals, run_when_grown
from support.waiting import until

from app.runtime import gc_tuning
from graphql_schema.execution.side_thread import run_aside

Monkey = pytest.MonkeyPatch

MIDDLE_OBJECTS = gc_tuning.YOUNG_THRESHOLD * (gc_tuning.MIDDLE_THRESHOLD + 2)
"""Maximal number of objects that a collection of the middle generation visits and adds to the old one."""


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Restore the collector of the test process, in which the objects of the session are frozen."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.freeze()


async def test_objects_of_the_start_are_excluded() -> None:
    """After the start, the collector counts existing objects as permanent, and runs no full collection by itself."""
    before = gc.get_threshold()
    async with gc_tuning.short_collections():
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold() == (gc_tuning.YOUNG_THRESHOLD, gc_tuning.MIDDLE_THRESHOLD, 2**31 - 1)
    assert (gc.get_freeze_count(), gc.get_threshold()) == (0, before)


@pytest.mark.parametrize(
    ("cpu_seconds", "young", "middle", "collects"),
    [(0.01, 1, 0, 2), (0.01, 0, 1, 2), (0.01, 0, 0, 0), (0.8, 1, 1, 0)],
    ids=["idle, young", "idle", "nothing to collect", "busy"],
)
async def test_garbage_is_collected_when_idle(
    monkeypatch: Monkey, cpu_seconds: float, young: int, middle: int, collects: int
) -> None:
    """A full collection waits for an interval with little CPU time, and for something to collect."""
    collected = list[int]()
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, young, middle))
    monkeypatch.setattr("app.runtime.gc_tuning.gc.collect", lambda: collected.append(1))
    await run_intervals(monkeypatch, 2, cpu_seconds)
    assert len(collected) == collects


@pytest.mark.parametrize(("phase", "generation", "collects"), [("stop", 1, 1), ("start", 1, 0), ("stop", 0, 0)])
async def test_garbage_is_collected_after_growth(
    monkeypatch: Monkey, phase: str, generation: int, collects: int
) -> None:
    """A busy process collects after each collection of the middle generation, and not at the end of an interval."""
    collected = list[int]()
    monkeypatch.setattr("app.runtime.gc_tuning.gc.collect", lambda: collected.append(1))
    await run_when_grown(gc_tuning.Collector(), phase, generation)
    assert len(collected) == collects


async def test_no_collection_visits_all_that_an_operation_reads() -> None:
    """While one operation reads half a million objects and keeps them, each full collection visits a part of them."""
    visited, kept = list[int](), list[object]()

    def count(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            visited.append(len(gc.get_objects()))

    gc.collect()
    async with gc_tuning.short_collections():
        gc.callbacks.append(count)
        try:
            for _ in range(250):
                kept += ([number] for number in range(2_000))
                await asyncio.sleep(0)
        finally:
            gc.callbacks.remove(count)
    assert sum(visited) >= len(kept) - 2 * MIDDLE_OBJECTS
    assert max(visited) <= 2 * MIDDLE_OBJECTS


async def test_no_collection_visits_what_was_made_while_as_much_was_freed() -> None:
    """CPython counts new objects less those that are freed, so the next collection would visit all that was made."""
    visited, kept, replaced = list[int](), list[object](), [[number] for number in range(300_000)]

    def count(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            visited.append(sum(len(gc.get_objects(generation=each)) for each in range(info["generation"] + 1)))

    gc.collect()
    async with gc_tuning.short_collections():
        gc.callbacks.append(count)
        try:
            while replaced:
                del replaced[-1]
                kept.append([len(replaced)])
                if len(replaced) % 1_000 == 0:
                    await asyncio.sleep(0)
            kept += ([number] for number in range(4 * MIDDLE_OBJECTS))
            await asyncio.sleep(0)
        finally:
            gc.callbacks.remove(count)
    assert 0 < max(visited) <= 3 * gc_tuning.MAX_YOUNG_OBJECTS


async def test_the_end_of_a_middle_collection_in_another_thread_counts() -> None:
    """A walk in the side thread makes as many objects as one in the event loop."""
    collector = gc_tuning.Collector()
    growing = asyncio.create_task(collector.collect_what_grows())
    gc.callbacks.append(collector.observe)
    try:
        garbage = weakref.ref(Cycle())
        kept = [[number] for number in range(MIDDLE_OBJECTS)]
        await asyncio.to_thread(gc.collect, 1)
        await until(lambda: len(gc.get_objects(generation=2)) < len(kept))
        assert garbage() is None
    finally:
        gc.callbacks.remove(collector.observe)
        growing.cancel()


async def test_a_thread_that_makes_tuples_is_not_disturbed() -> None:
    """A tuple that is made from an iterator is a young object before it is complete. Nothing may refer to it then."""
    failed, ends = list[BaseException](), threading.Event()

    def make_tuples() -> None:
        while not ends.is_set():
            try:
                tuple(number for number in range(20_000))
            except SystemError as error:
                failed.append(error)

    interval = sys.getswitchinterval()
    making = threading.Thread(target=make_tuples)
    sys.setswitchinterval(1e-6)
    collector = gc_tuning.Collector()
    making.start()
    try:
        for _ in range(3_000):
            collector.observe("start", {"generation": 0})
    finally:
        ends.set()
        making.join()
        sys.setswitchinterval(interval)
    assert failed == []


async def test_what_outlives_a_collection_is_not_visited_again(monkeypatch: Monkey) -> None:
    """A large cache would otherwise hold the event loop in each collection."""
    cached = [[number] for number in range(100_000)]
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, 1))
    gc.collect()
    assert len(gc.get_objects(generation=2)) > len(cached)
    await run_intervals(monkeypatch, 1, 0.01)
    assert len(gc.get_objects(generation=2)) < len(cached)


@pytest.mark.parametrize(
    ("steps", "visits"),
    [
        ([(10, 4, 0), (11, 4, 0), (11.01, 4, 0), (11.01, 4, 0)], [0, 1, 0]),
        ([(10, 4, 0), (12, 6, 0)], [0]),
        ([(10, 0, 0), (8, 0, 0), (9.01, 0, 0)], [0, 1]),
        ([(10, 0, 0), (14.99, 0, 0.01), (16, 0, 6), (16, 0, 0.01)], [0, 0, 1]),
        ([(10, 0, 0), (12, 3, 2), (12, 0, 0)], [0, 1]),
        ([(10, 0, 0), (15, 0, 0.01), (15.02, 0, 0.01)], [0, 1]),
    ],
    ids=["grown once", "cached", "freed before", "while an operation runs", "left by an operation", "much"],
)
async def test_few_frozen_objects_with_much_memory_are_visited(
    monkeypatch: Monkey, steps: list[tuple[float, float, float]], visits: list[int]
) -> None:
    """A cycle of a few objects may have megabytes of text; what the cache and operations have read explains its own.

    A step is the memory of the process, of the cache and of operations, each as a multiple of FROZEN_BYTES. Each one
    after the first is followed by an interval that uses no CPU.
    """
    now, collected, found = [*steps[0]], list[int](), list[int]()
    monkeypatch.setattr(gc_tuning, "resident_bytes", lambda: int(now[0] * gc_tuning.FROZEN_BYTES))
    cached_bytes, operation_bytes = (lambda at=at: int(now[at] * gc_tuning.FROZEN_BYTES) for at in (1, 2))
    collector = gc_tuning.Collector(cached_bytes, operation_bytes)
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, 0))
    monkeypatch.setattr("app.runtime.gc_tuning.gc.collect", lambda: collected.append(1))
    for step in steps[1:]:
        now[:] = step
        collected.clear()
        with monkeypatch.context() as interval:
            await run_intervals(interval, 1, 0.01, collector)
        found.append(len(collected))
    assert found == visits


@pytest.mark.parametrize("estimate", ["operation", "cache", "freed"])
async def test_estimates_beyond_the_memory_let_nothing_be_visited(monkeypatch: Monkey, estimate: str) -> None:
    """What operations have read, and the cache, is estimated at up to ten times its memory; freed memory is trimmed."""
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, 1))
    read, cached, resident = 0, 0, 10**9

    def trim() -> None:
        nonlocal resident
        resident = 10**9

    monkeypatch.setattr(gc_tuning, "resident_bytes", lambda: resident)
    monkeypatch.setattr(gc_tuning, "trim", trim)
    kept: list[object] = [Cycle()]
    garbage = weakref.ref(kept[0])
    gc.collect()
    gc.freeze()
    collector = gc_tuning.Collector(lambda: cached, lambda: read)
    kept.clear()
    for factor in (2, 0):
        read = factor * gc_tuning.FROZEN_BYTES if estimate == "operation" else 0
        cached = factor * gc_tuning.FROZEN_BYTES if estimate == "cache" else 0
        resident += factor * gc_tuning.FROZEN_BYTES if estimate == "freed" else 0
        with monkeypatch.context() as interval:
            await run_intervals(interval, 2, 0.01, collector)
    assert garbage() is not None
    resident += gc_tuning.FROZEN_BYTES + 1
    monkeypatch.setattr(gc_tuning, "trim", lambda: None)
    await run_intervals(monkeypatch, 1, 0.01, collector)
    assert garbage() is None


async def test_a_visit_releases_what_it_has_freed(monkeypatch: Monkey) -> None:
    """Growth counts from what is left then; otherwise the next visit would come only after twice the growth."""
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, 0))
    resident, log = 10**9, list[str]()
    monkeypatch.setattr("app.runtime.gc_tuning.gc.collect", lambda: log.append("visit"))
    monkeypatch.setattr(gc_tuning, "VISIT_SECONDS", 0)

    def trim() -> None:
        nonlocal resident
        resident = 10**9 if log[-1:] == ["visit"] else resident
        log.append("trim")

    monkeypatch.setattr(gc_tuning, "resident_bytes", lambda: resident)
    monkeypatch.setattr(gc_tuning, "trim", trim)
    collector = gc_tuning.Collector()
    for _ in range(3):
        resident += gc_tuning.FROZEN_BYTES + 1
        log.clear()
        with monkeypatch.context() as interval:
            await run_intervals(interval, 1, 0.01, collector)
        assert log == ["trim", "visit", "trim"]


async def test_callers_who_let_the_process_grow_cause_no_visit(monkeypatch: Monkey) -> None:
    """Their memory is free afterwards: it is released first. Of what is not, one visit follows in ten minutes."""
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, 0))
    resident, held, visits = 10**9, 0, list[int]()
    monkeypatch.setattr("app.runtime.gc_tuning.gc.collect", lambda: visits.append(1))

    def trim() -> None:
        nonlocal resident
        resident = 10**9 + held

    monkeypatch.setattr(gc_tuning, "resident_bytes", lambda: resident)
    monkeypatch.setattr(gc_tuning, "trim", trim)
    collector = gc_tuning.Collector()
    for held in (0, 0, 2 * gc_tuning.FROZEN_BYTES, 4 * gc_tuning.FROZEN_BYTES):  # noqa: B007 - trim reads it
        resident += 5 * gc_tuning.FROZEN_BYTES
        with monkeypatch.context() as interval:
            await run_intervals(interval, 1, 0.01, collector)
    assert visits == [1]


async def test_a_large_young_generation_lets_no_visit_of_frozen_objects_be_empty(monkeypatch: Monkey) -> None:
    """What is frozen at the start of the visit would stay, and growth counts from then on."""
    resident = 0
    monkeypatch.setattr(gc_tuning, "resident_bytes", lambda: resident)
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (1, 0, 0))
    collector, garbage, kept = frozen_garbage()
    resident = gc_tuning.FROZEN_BYTES + 1
    gc.freeze()
    gc.callbacks.append(collector.observe)
    gc.disable()
    try:
        kept += ([number] for number in range(2 * gc_tuning.MAX_YOUNG_OBJECTS))
        await run_intervals(monkeypatch, 1, 0.01, collector)
    finally:
        gc.enable()
        gc.callbacks.remove(collector.observe)
    assert garbage() is None


def test_the_memory_of_the_process_is_measured() -> None:
    """By the system, which knows what libraries have as well."""
    before = gc_tuning.resident_bytes()
    text = "x" * (64 << 20)
    assert 32 << 20 < gc_tuning.resident_bytes() - before < 128 << 20
    assert text


async def test_collections_do_not_wait_for_the_side_thread(monkeypatch: Monkey) -> None:
    """Beside seconds of work in it, garbage would add up, whose collection holds the event loop."""
    collected = list[int]()
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (0, 0, 1))
    monkeypatch.setattr("app.runtime.gc_tuning.gc.collect", lambda: collected.append(1))
    until = threading.Event()
    work = asyncio.create_task(run_aside(until.wait))
    try:
        async with asyncio.timeout(60):
            await run_intervals(monkeypatch, 2, 0.01)
        assert len(collected) == 2
        assert not work.done()
    finally:
        until.set()
        await work


def test_free_memory_is_returned() -> None:
    """The call has no effect without glibc."""
    gc_tuning.trim()


async def test_no_collection_visits_long_records(monkeypatch: Monkey) -> None:
    """A few may have lists with millions of values, which are no allocations; the next collection is as before."""
    total, frozen = 0, list[int]()
    collector = gc_tuning.Collector(decoded_characters=lambda: total)
    monkeypatch.setattr("app.runtime.gc_tuning.gc.freeze", lambda: frozen.append(total))
    monkeypatch.setattr(gc_tuning, "_young_objects", lambda: 0)
    for characters in (0, gc_tuning.MAX_DECODED, gc_tuning.MAX_DECODED + 1, 0):
        total += characters
        collector.observe("start", {"generation": 0})
    assert frozen == [total]


async def test_long_records_let_no_visit_of_frozen_objects_be_empty(monkeypatch: Monkey) -> None:
    """They may be decoded just before the visit."""
    resident = total = 0
    monkeypatch.setattr(gc_tuning, "resident_bytes", lambda: resident)
    monkeypatch.setattr("app.runtime.gc_tuning.gc.get_count", lambda: (1, 0, 0))
    collector, garbage, _ = frozen_garbage()
    monkeypatch.setattr(collector, "_decoded_characters", lambda: total)
    resident, total = gc_tuning.FROZEN_BYTES + 1, 2 * gc_tuning.MAX_DECODED
    gc.freeze()
    gc.callbacks.append(collector.observe)
    try:
        await run_intervals(monkeypatch, 1, 0.01, collector)
    finally:
        gc.callbacks.remove(collector.observe)
    assert garbage() is None
