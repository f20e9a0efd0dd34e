"""The side thread: its results and errors, and that the event loop is not kept waiting for it."""

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Generator, Iterator
from contextvars import Context
from itertools import count
from types import SimpleNamespace

import pytest

from graphql_schema.execution import side_thread
from graphql_schema.execution.side_thread import CALLER, run_aside, run_in_parts, run_in_turn, short_switches
from graphql_schema.ports.turns.precedence import Precedence


async def test_a_function_runs_in_one_other_thread() -> None:
    """Arguments, the result and the error are those of a call; all calls run in the same thread."""
    assert await run_aside(int, "11", base=2) == 3
    with pytest.raises(ValueError, match="invalid literal"):
        await run_aside(int, "x")
    threads = {await run_aside(threading.get_ident) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_only_long_work_leaves_the_event_loop() -> None:
    """The result is that of a call in both cases."""
    assert [await run_in_turn(int, each, "11", base=2) for each in (False, True)] == [3, 3]
    threads = [await run_in_turn(threading.get_ident, each) for each in (False, True)]
    assert threads == [threading.get_ident(), await run_aside(threading.get_ident)]


def steps_of(threads: list[int], numbers: Iterator[int]) -> Generator[None, None, int]:
    """Note the thread of each step; return the number of steps."""
    for _ in numbers:
        threads.append(threading.get_ident())
        yield
    return len(threads)


async def test_others_run_between_the_parts_of_long_work() -> None:
    """The result is that of the generator, whose steps run in the side thread; an endless one lets others run."""
    threads: list[int] = []
    assert await run_in_parts(steps_of(threads, iter(range(3)))) == 3
    endless = asyncio.create_task(run_in_parts(steps_of(threads, count())))
    for _ in range(3):
        assert await run_in_parts(steps_of([], iter(range(3)))) == 3
    endless.cancel()
    assert set(threads) == {await run_aside(threading.get_ident)}


async def test_what_is_called_between_the_parts_ends_the_work() -> None:
    """It runs on the event loop, such as to count what the work needs; its error is raised, and no step follows."""
    threads: list[int] = []
    calls: list[int] = []

    def between() -> None:
        calls.append(threading.get_ident())
        if len(calls) == 3:
            raise ValueError("too much")

    with pytest.raises(ValueError, match="too much"):
        await run_in_parts(steps_of(threads, count()), between=between)
    assert calls == [threading.get_ident()] * 3
    steps = len(threads)
    assert await run_aside(lambda: len(threads)) == steps


async def test_short_work_in_parts_runs_at_once() -> None:
    """The result is the same, and no step leaves the event loop."""
    threads: list[int] = []
    assert await run_in_parts(steps_of(threads, iter(range(3))), is_long=False) == 3
    assert {*threads} == {threading.get_ident()}


async def test_a_cancellation_ends_the_work() -> None:
    """No caller waits for a result then, so no step follows the part that runs."""
    threads: list[int] = []
    task = asyncio.create_task(run_in_parts(steps_of(threads, count())))
    while not threads:
        await run_aside(int)
    task.cancel()
    numbers = [await run_aside(lambda: len(threads)) for _ in range(5)]
    assert numbers == [numbers[0]] * 5


def test_threads_switch_soon_until_the_end() -> None:
    """The interval is a tenth of the default of CPython, which is restored."""
    before = sys.getswitchinterval()
    with short_switches():
        assert sys.getswitchinterval() == pytest.approx(before / 10)
    assert sys.getswitchinterval() == pytest.approx(before)


async def noted(order: list[str], caller: str | None, name: str) -> None:
    """Note the name in the side thread, in a turn of a caller; None is the process."""
    CALLER.set(caller)
    await run_aside(order.append, name)


async def held(group: asyncio.TaskGroup, caller: str | None) -> threading.Event:
    """Occupy the side thread by a call of a caller, until the event is set."""
    begun, ended = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        ended.wait()

    CALLER.set(caller)
    group.create_task(run_aside(hold))
    await asyncio.to_thread(begun.wait)
    return ended


async def test_callers_take_turns_of_one_call_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller with many calls lets each other one have its call after the one that runs.

    Every second call is one of the process, if all are long.
    """
    monkeypatch.setattr(side_thread, "time", SimpleNamespace(perf_counter=count().__next__))
    monkeypatch.setattr(side_thread._CALLS, "_rests_until", 0.0)  # is restored, as the clock is  # noqa: SLF001
    order: list[str] = []
    async with asyncio.TaskGroup() as group:
        ended = await held(group, "ada")
        for name in ("a1", "a2", "a3", "a4"):
            group.create_task(noted(order, "ada", name))
        for caller, name in (("bo", "b1"), ("bo", "b2"), ("cy", "c1"), (None, "p1"), (None, "p2")):
            group.create_task(noted(order, caller, name))
        await asyncio.sleep(0)
        ended.set()
    assert order == ["p1", "b1", "p2", "c1", "a1", "b2", "a2", "a3", "a4"]


async def test_short_calls_under_the_write_lock_do_not_wait_for_as_many_long_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A plan makes hundreds of them one after the other; documents of a reader have a quarter of the time beside it."""
    seconds, long = 0.0, list[None]()
    monkeypatch.setattr(side_thread, "time", SimpleNamespace(perf_counter=lambda: seconds))
    monkeypatch.setattr(side_thread, "MAX_REST_SECONDS", 30.0)
    monkeypatch.setattr(side_thread._CALLS, "_rests_until", 0.0)  # is restored, as the clock is  # noqa: SLF001

    def take(length: float) -> None:
        nonlocal seconds
        seconds += length
        long.extend([None] * (length > 1))

    async def call_again() -> None:
        CALLER.set("ada")
        while True:
            await run_aside(take, 10.0)

    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(call_again()) for _ in range(2)]
        await asyncio.sleep(0)
        precedence = Precedence.begin()
        for _ in range(100):
            await run_aside(take, 1.0)
        precedence.end()
        assert 4 <= len(long) <= 9
        for reader in readers:
            reader.cancel()


async def test_callers_rest_only_while_the_write_lock_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that waits because of a long one goes on when the lock is released, at the latest."""
    seconds, order = 0.0, list[str]()
    monkeypatch.setattr(side_thread, "time", SimpleNamespace(perf_counter=lambda: seconds))
    monkeypatch.setattr(side_thread._CALLS, "_rests_until", 0.0)  # is restored, as the clock is  # noqa: SLF001

    def take() -> None:
        nonlocal seconds
        seconds += 1
        order.append("long")

    async def call_long() -> None:
        CALLER.set("ada")
        await run_aside(take)

    def of_ada(name: str) -> asyncio.Task[None]:
        return asyncio.create_task(noted(order, "ada", name), context=Context())

    async with asyncio.timeout(30):
        await asyncio.create_task(call_long(), context=Context())
        await of_ada("no lock")
        await asyncio.create_task(call_long(), context=Context())
        precedence = Precedence.begin()
        await of_ada("no call of the holder")
        await asyncio.create_task(call_long(), context=Context())
        await run_aside(order.append, "holder")
        waiting = of_ada("waited")
        await asyncio.sleep(0)
        await run_aside(order.append, "again")
        assert not waiting.done()
        precedence.end()
        await waiting
    assert order == ["long", "no lock", "long", "no call of the holder", "long", "holder", "again", "waited"]


async def test_a_cancelled_call_takes_no_turn() -> None:
    """It never runs, the next call of its caller has the turn, and all others have theirs."""
    order: list[str] = []
    async with asyncio.TaskGroup() as group:
        ended = await held(group, None)
        calls = [("ada", "a1"), ("bo", "b1"), ("cy", "c1"), ("ada", "a2"), ("bo", "b2")]
        first, _, only, *_ = [group.create_task(noted(order, *each)) for each in calls]
        await asyncio.sleep(0)
        first.cancel()
        only.cancel()
        await asyncio.sleep(0)
        ended.set()
    assert order == ["a2", "b1", "b2"]


async def test_an_error_is_freed_without_a_garbage_collection() -> None:
    """It is in no cycle of references with the call that raised it."""

    class RaisedError(Exception):
        pass

    def fail() -> None:
        raise RaisedError

    async def caught() -> weakref.ref[RaisedError]:
        try:
            await run_aside(fail)
        except RaisedError as error:
            return weakref.ref(error)
        raise AssertionError

    gc.disable()
    try:
        error = await caught()
        await run_aside(int)  # the side thread forgets its last call
        assert error() is None
    finally:
        gc.enable()
