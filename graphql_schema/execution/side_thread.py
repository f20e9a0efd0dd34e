"""The thread for work of many milliseconds on one request, so that the event loop serves others meanwhile."""

import asyncio
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from threading import Condition
from typing import Final, ParamSpec, TypeVar, cast

from graphql_schema.ports.turns.precedence import any_has_precedence, has_precedence

CALLER: Final = ContextVar[Hashable]("caller", default=None)
"""The caller of this task, and of the tasks that it starts; None for the process itself, such as a writer.

It is set where a caller is authenticated. A task that works for several callers starts with an empty context
(docs/adr/0043-turns-of-the-side-thread.md).
"""

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

LONG_PART_SECONDS: Final = 0.05
"""The same for a transaction, which holds the write lock: before each part it waits for one call of others."""

REST_FACTOR: Final = 3
"""How many times as long as a call of a caller took, no caller has a further one while the write lock is held."""

MAX_REST_SECONDS: Final = 1.5
"""The longest such time in seconds."""

_LOOK_SECONDS: Final = 0.005
"""Seconds after which the thread looks again whether the write lock is still held."""


@contextmanager
def short_switches() -> Iterator[None]:
    """Let the event loop run soon after it becomes ready, until exit."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


_Call = tuple[Future[object], Callable[[], object]]
"""The future of a result, and the function that returns it."""


@dataclass(slots=True)
class _Calls:
    """The calls that wait for the side thread: callers take turns of one call each.

    The process, and who has precedence, goes first every second time. While a task has precedence, callers have no call
    for REST_FACTOR times as long as the last one took. The thread waits for calls of the process if one came. So
    hundreds of short calls, one after the other under the write lock, do not each wait for a long one.

    The thread itself takes the next call, so it waits for no turn of a busy event loop between two of them.
    """

    _waiting: OrderedDict[Hashable, deque[_Call]] = field(default_factory=OrderedDict)
    """The calls of each caller, in the order of their turns."""
    _last: Hashable = None
    """The caller of the call that runs, or ran last; None for the process, and before the first call."""
    _rests_until: float = 0.0
    """The end of the time in which no caller has a call while a task has precedence, by ``time.perf_counter``."""
    _has_come: bool = False
    """Whether a call of the process came since the last call of a caller, or in the rest that followed that."""
    _changed: Condition = field(default_factory=Condition)
    """Held while the other values are used; notified of calls of the process."""

    def add(self, caller: Hashable, function: Callable[[], object]) -> Future[object]:
        """Let a call of a function wait after the others of its caller; return the future of its result."""
        future: Future[object] = Future()
        with self._changed:
            self._waiting.setdefault(caller, deque()).append((future, function))
            if caller is None:
                self._changed.notify()
        _SIDE_THREAD.submit(self._run_next)
        return future

    def _run_next(self) -> None:
        """Run the call whose turn it is; none if those for which a turn was requested were cancelled."""
        call = self._taken()
        if call is None:
            return
        future, function = call
        del call
        begun = time.perf_counter()
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)
            del future  # the error has this frame, and the future has the error: a cycle
            raise
        finally:
            if self._last is not None:
                ended = time.perf_counter()
                self._rests_until = ended + min(REST_FACTOR * (ended - begun), MAX_REST_SECONDS)

    def _taken(self) -> _Call | None:
        """Remove the next call that is not cancelled; further calls of the last caller wait after all other callers.

        The first call of the process runs after one of a caller, if such wait.
        """
        with self._changed:
            if self._last in self._waiting:
                self._waiting.move_to_end(self._last)
            while self._waiting:
                rest = self._rests_until - time.perf_counter() if any_has_precedence() else 0.0
                goes_first = None in self._waiting and (self._last is not None or rest > 0)
                caller = None if goes_first else next(iter(self._waiting))
                if rest > 0 and caller is not None and self._has_come:
                    self._changed.wait(min(rest, _LOOK_SECONDS))
                    continue
                self._has_come = caller is None or (self._has_come and rest > 0)
                calls = self._waiting[caller]
                call = calls.popleft()
                if not calls:
                    del self._waiting[caller]
                if call[0].set_running_or_notify_cancel():
                    self._last = caller
                    return call
        return None


_CALLS: Final = _Calls()


async def run_aside(
    function: Callable[ParametersT, ResultT], *arguments: ParametersT.args, **options: ParametersT.kwargs
) -> ResultT:
    """Return the result of a function that runs in the side thread when it is the turn of the caller.

    Callers take turns of one call each. Every second call is one of the process, if such wait. Those of the holder of
    the write lock are among these, also if it works for a caller, and it has most of the time. So between two calls of
    a caller, each other one has one at most, and the process as many as all, or REST_FACTOR times as much time.
    """
    call = partial(function, *arguments, **options)
    caller = None if has_precedence() else CALLER.get()
    return cast("ResultT", await asyncio.wrap_future(_CALLS.add(caller, call)))


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


async def run_in_parts(
    steps: Generator[None, None, ResultT],
    *,
    is_long: bool = True,
    seconds: float = PART_SECONDS,
    between: Callable[[], None] = lambda: None,
) -> ResultT:
    """Return the result of a generator that runs in the side thread, from one ``yield`` to the next.

    Other calls have their turn after so many ``seconds``, so they do not wait for seconds of work. A cancellation ends
    it. So does an error of ``between``, which is called on the event loop before each further part. One that is not
    long runs at once, as in :func:`run_in_turn`.
    """
    if not is_long:
        return run_at_once(steps)
    while not (result := await run_aside(_part, steps, seconds)):
        between()
    return result[0]


def run_at_once(steps: Generator[None, None, ResultT]) -> ResultT:
    """Return the result of a generator that runs here, to its end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast("ResultT", end.value)


def _part(steps: Generator[None, None, ResultT], seconds: float) -> tuple[()] | tuple[ResultT]:
    """Continue a generator for some seconds; return its result, or nothing if it has not ended."""
    ends = time.perf_counter() + seconds
    try:
        while time.perf_counter() < ends:
            next(steps)
    except StopIteration as end:
        return (end.value,)
    return ()
