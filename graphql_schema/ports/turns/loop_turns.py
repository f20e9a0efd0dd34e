"""Turns of the event loop, which serves all callers: long work pauses after :data:`TURN_SECONDS`, and others run."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, Protocol

from graphql_schema.ports.turns.precedence import has_precedence

TURN_SECONDS: Final = 0.003
"""Length of a turn of the event loop in seconds; an operation that pauses after that waits for a later turn."""

_MANY_PAUSES: Final = 8
"""Number of pauses beyond which an operation has turns of a third of the length: others wait for many of them."""

LONG_TURN_SECONDS: Final = 0.025
"""Seconds of CPU time of a turn after which also the first resolvers of an operation wait for a later turn."""

_REST: Final = 50
"""Iterations of the event loop between two releases of waiting tasks: about what an operation on a page needs."""

_RELEASED: Final = 8
"""Maximal number of waiting tasks that are released when a turn of the event loop ends."""


class Waiter(Protocol):
    """An operation, as far as its turns depend on it; ``pauses`` is the number of its pauses so far.

    ``continued`` is the place, in the order of all waits, at which one of its tasks continued last; 0 at first.
    """

    pauses: int
    continued: int


@dataclass(slots=True)
class Turns:
    """Turns of the event loop; each ends with the iteration of the loop.

    A turn begins with the first call of :meth:`is_over` in an iteration of the loop. A task for which it is true waits
    in :meth:`wait`. The end of a turn releases waiting tasks if `_REST` turns or TURN_SECONDS have passed since the
    last release. Tasks of operations that have had the fewest pauses come first. In every second release, a task comes
    first whose operation has not continued for longest.

    Tasks with precedence come before all these, in every second release while others wait: those in between are as if
    there were no such tasks. The first of them has a turn of its own.
    """

    _waiting: list[tuple[int, int, asyncio.Future[bool]]] = field(default_factory=list)
    """The tasks without precedence. The result of a future states whether the task begins a turn of its own."""
    _by_operation: dict[int, tuple[Waiter, deque[asyncio.Future[bool]]]] = field(default_factory=dict)
    """The same tasks of each operation, in the order in which they began to wait."""
    _preceding: deque[asyncio.Future[bool]] = field(default_factory=deque)
    """The tasks with precedence, in the order in which they began to wait."""
    _has_preceded: bool = False
    """Whether tasks with precedence were in the last release."""
    _count: int = 0
    _releases: int = 0
    _rests: int = 0
    _resting_since: float = 0.0
    _began: float | None = None
    _used: float = 0.0
    _is_short: bool = False
    _loop: asyncio.AbstractEventLoop | None = None

    def is_over(self) -> bool:
        """Return whether the turn has lasted longer than TURN_SECONDS; begins a turn if there is none."""
        now = time.perf_counter()
        if self._began is None or self._loop is not asyncio.get_running_loop():
            self._begin(now)
            return False
        if now < self._began:  # it has not been used, so the first of the released tasks goes on in any case
            self._began, self._used = now, time.thread_time()
            return False
        return now - self._began > TURN_SECONDS / (3 if self._is_short else 1)

    def is_long(self) -> bool:
        """Return whether the turn is over and has used more CPU time than LONG_TURN_SECONDS."""
        return self.is_over() and time.thread_time() - self._used > LONG_TURN_SECONDS

    async def wait(self, waiter: Waiter) -> None:
        """Return when a turn of the event loop is not over, for a task of an operation."""
        self._count += 1
        waiter.continued = waiter.continued or self._count
        while self.is_over():
            if has_precedence():
                turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
                self._preceding.append(turn)
            else:
                turn = self._queued(waiter)
            if await turn:
                self._began, self._is_short = float("inf"), False
        self._continues(waiter)
        self._is_short |= waiter.pauses > _MANY_PAUSES and not has_precedence()

    def call_later(self, waiter: Waiter, call: Callable[[], None]) -> None:
        """Call a function in a later turn of the event loop, as the task of an operation would continue.

        The turn may be over by then. The function runs without the context of the task that calls this.
        """
        self.is_over()  # begins a turn if there is none: its end lets others continue

        def continues(_turn: asyncio.Future[bool]) -> None:
            self._continues(waiter)
            call()

        self._queued(waiter).add_done_callback(continues, context=Context())

    def _queued(self, waiter: Waiter) -> asyncio.Future[bool]:
        """Return a future that the end of a turn completes, for a task without precedence."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._count += 1
        heappush(self._waiting, (waiter.pauses, self._count, turn))
        self._by_operation.setdefault(id(waiter), (waiter, deque()))[1].append(turn)
        return turn

    def _continues(self, waiter: Waiter) -> None:
        """Record that a task of an operation continues now."""
        self._count += 1
        waiter.continued = self._count

    def _begin(self, now: float) -> None:
        """Begin a turn, which the next iteration of the loop ends; if ``now`` is infinite, at its first use."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._waiting, self._by_operation = loop, [], {}  # the former loop was closed
            self._preceding = deque()
        self._began, self._used, self._is_short = now, time.thread_time(), False
        loop.call_soon(self._end)

    def _end(self) -> None:
        """End the turn; if tasks wait, release some if the rest is over, and begin the next turn."""
        self._began = None
        if not (self._waiting or self._preceding):
            self._rests = 0
            self._by_operation.clear()
            return
        now = time.perf_counter()
        self._resting_since = self._resting_since if self._rests else now
        self._rests += 1
        if self._rests > _REST or now - self._resting_since > TURN_SECONDS:
            self._release()
        self._begin(float("inf"))

    def _release(self) -> None:
        """Let ``_RELEASED`` waiting tasks continue."""
        self._rests = 0
        released = 0 if self._has_preceded and self._waiting else self._release_preceding()
        self._has_preceded = released > 0
        if not self._has_preceded:
            self._releases += 1
            if self._releases % 2 == 0:
                self._release_by_order()
        while self._waiting and released < _RELEASED:
            *_, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_result(False)
                released += 1

    def _release_preceding(self) -> int:
        """Let tasks with precedence continue, the first of them in a turn of its own; return how many."""
        released = 0
        while self._preceding and released < _RELEASED:
            turn = self._preceding.popleft()
            if not turn.done():
                turn.set_result(not released)
                released += 1
        return released

    def _release_by_order(self) -> None:
        """Let the first task continue of the operation that has not continued for longest."""
        for key, (_, turns) in [*self._by_operation.items()]:
            while turns and turns[0].done():
                turns.popleft()
            if not turns:
                del self._by_operation[key]
        if self._by_operation:
            _, turns = min(self._by_operation.values(), key=lambda each: each[0].continued)
            turns[0].set_result(False)


TURNS: Final = Turns()
"""The turns of the event loop of this process."""
