"""The thread for work of many milliseconds on one request, so that the event loop serves others meanwhile."""

import asyncio
import sys
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

ParametersT = ParamSpec("ParametersT")
ResultT = TypeVar("ResultT")

_SIDE_THREAD: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="side")
"""A single thread, because threads take turns with the event loop: the loop keeps half of the time."""

_SWITCH_SECONDS: Final = 0.0005
"""Seconds for which the side thread runs while the event loop waits for its turn; the default of CPython is 0.005.

An operation needs some 50 iterations of the loop, and waits in each of them.
"""

PART_SECONDS: Final = 0.005
"""Seconds for which one function of :func:`run_in_parts` has the side thread."""


@contextmanager
def short_switches() -> Iterator[None]:
    """Let the event loop run soon after it becomes ready, until exit."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


async def run_aside(
    function: Callable[ParametersT, ResultT], *arguments: ParametersT.args, **options: ParametersT.kwargs
) -> ResultT:
    """Return the result of a function that runs in the side thread, after the calls that came before."""
    return await asyncio.get_running_loop().run_in_executor(_SIDE_THREAD, lambda: function(*arguments, **options))


async def run_in_turn(
    function: Callable[ParametersT, ResultT],
    is_long: bool,  # noqa: FBT001 - keyword arguments are those of the function
    *arguments: ParametersT.args,
    **options: ParametersT.kwargs,
) -> ResultT:
    """Return the result of a function: one that ``is_long`` runs in the side thread, any other one at once.

    A field that many aliases may select first waits for a turn by the budget of its operation
    (:meth:`graphql_schema.ports.operation_budget.OperationBudget.pause`). The batches of the operation wait with it.
    """
    if is_long:
        return await run_aside(function, *arguments, **options)
    return function(*arguments, **options)


async def run_in_parts(steps: Generator[None, None, ResultT], *, is_long: bool = True) -> ResultT:
    """Return the result of a generator that runs in the side thread, from one ``yield`` to the next.

    Other calls have their turn after PART_SECONDS, so they do not wait for seconds of work. A cancellation ends it.
    A generator that is not ``is_long`` runs at once, as in :func:`run_in_turn`.
    """
    while not (result := await run_in_turn(_part, is_long, steps)):
        pass
    return result[0]


def _part(steps: Generator[None, None, ResultT]) -> tuple[()] | tuple[ResultT]:
    """Continue a generator for PART_SECONDS; return its result, or nothing if it has not ended."""
    ends = time.perf_counter() + PART_SECONDS
    try:
        while time.perf_counter() < ends:
            next(steps)
    except StopIteration as end:
        return (end.value,)
    return ()
