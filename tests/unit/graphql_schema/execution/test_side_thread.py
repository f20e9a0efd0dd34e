"""The side thread: its results and errors, and that the event loop is not kept waiting for it."""

import asyncio
import sys
import threading
from collections.abc import Generator, Iterator
from itertools import count

import pytest

from graphql_schema.execution.side_thread import run_aside, run_in_parts, run_in_turn, short_switches


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
