"""Fan-out: what all subscriptions of a process share, so that their number does not slow the other operations.

Each transaction wakes every subscription. Callers with equal rights share what they read and execute until the next
transaction, for :data:`graphql_schema.subscription.FRESH_SECONDS` at most. Subscriptions take turns, in which they read
and execute but do not send: a few have their turn at once, at most one of each caller. A turn that becomes long leaves
its place to others. A caller whose events read much counts as slow for ten minutes, and slow callers leave one place to
others.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from app.fair_queue import FairQueue
from graphql_schema.fields.context import Context
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.shared_results import SharedResults
from graphql_schema.ports.turns.gradual_release import RELEASE
from graphql_schema.subscription import FRESH_SECONDS
from policies.principal import Principal

TURNS: Final = 4
"""Number of turns at once, without those that have become long."""

LONG_TURNS: Final = 4
"""Number of turns that have become long and go on beside TURNS: each may have read all that an operation may."""

LONG_SECONDS: Final = 1.0
"""Seconds from which on a turn is long; those of ordinary events take some milliseconds."""

LARGE_ROWS: Final = 2_000
LARGE_BYTES: Final = 8 * 1024 * 1024
"""Number of edges and assets, and bytes of memory by estimate, beyond which what a turn has read is much.

How long a turn takes decides about no caller, because the turns of others make it longer.
"""

REMEMBERED_SECONDS: Final = 600.0
"""Seconds for which a caller counts as slow after a turn that read much."""


def _queue(slots: int) -> FairQueue:
    """Return a queue of turns; the number of subscriptions is limited where they begin."""
    return FairQueue(slots, per_caller=1, waiting_per_caller=sys.maxsize)


@dataclass(slots=True)
class SubscriptionTurns:
    """The turns of all subscriptions. ``clock`` returns monotonic seconds.

    A slow caller also needs one of the ``slow`` turns, which are one fewer. The turn of another caller leaves its place
    after LONG_SECONDS, if there are not LONG_TURNS without a place, and goes on; until it ends, its caller counts as
    slow. So callers with large events do not let all others wait for these, but for the first ones of many callers.
    """

    clock: Callable[[], float] = time.monotonic
    all: FairQueue = field(default_factory=lambda: _queue(TURNS))
    slow: FairQueue = field(default_factory=lambda: _queue(TURNS - 1))
    _slow_until: dict[Hashable, float] = field(default_factory=dict)
    _long: Counter[Hashable] = field(default_factory=Counter)
    """The number of turns of each caller that have left their place and go on."""

    async def begin(self, caller: Hashable) -> "Turn":
        """Return a turn of a caller, as soon as there is one.

        A caller who became slow while this turn waited needs a slow turn as well, and waits again.
        """
        with ExitStack() as if_it_leaves:
            is_slow = self._is_slow(caller)
            if is_slow:
                await self._begin_slow(caller, if_it_leaves)
            await self.all.acquire(caller)
            if not is_slow and self._is_slow(caller):
                self.all.release(caller)
                is_slow = True
                await self._begin_slow(caller, if_it_leaves)
                await self.all.acquire(caller)
            if_it_leaves.pop_all()
        turn = Turn(self, caller, is_slow)
        if not is_slow:
            turn.becomes_long = asyncio.get_running_loop().call_later(LONG_SECONDS, self._leave_place, turn)
        return turn

    async def _begin_slow(self, caller: Hashable, if_it_leaves: ExitStack) -> None:
        await self.slow.acquire(caller)
        if_it_leaves.callback(self.slow.release, caller)

    def _is_slow(self, caller: Hashable) -> bool:
        return caller in self._long or self._slow_until.get(caller, 0.0) > self.clock()

    def _leave_place(self, turn: "Turn") -> None:
        """Let others begin a turn in place of one that has become long, now or later."""
        if self._long.total() >= LONG_TURNS:
            turn.becomes_long = asyncio.get_running_loop().call_later(LONG_SECONDS, self._leave_place, turn)
            return
        turn.has_place = False
        self._long[turn.caller] += 1
        self.all.release(turn.caller)

    def _remember_slow(self, caller: Hashable) -> None:
        now = self.clock()
        self._slow_until = {each: until for each, until in self._slow_until.items() if until > now}
        self._slow_until[caller] = now + REMEMBERED_SECONDS

    def end(self, turn: "Turn", *, is_large: bool) -> None:
        """End a turn that has read much or not, so that others can begin theirs."""
        if turn.becomes_long is not None:
            turn.becomes_long.cancel()
        if is_large:
            self._remember_slow(turn.caller)
        if turn.has_place:
            self.all.release(turn.caller)
        else:
            self._long -= Counter([turn.caller])  # keeps no 0
        if turn.is_slow:
            self.slow.release(turn.caller)


@dataclass(slots=True)
class Turn:
    """A turn of a caller, which is one of those for slow callers, or not.

    ``becomes_long`` is when it leaves its place, None if it keeps it; ``has_place`` is whether it counts as one of
    TURNS.
    """

    turns: SubscriptionTurns
    caller: Hashable
    is_slow: bool
    becomes_long: asyncio.TimerHandle | None = None
    has_place: bool = True

    def end(self, *, is_large: bool = False) -> None:
        """End the turn, which has read much or not; call it once."""
        self.turns.end(self, is_large=is_large)


@dataclass(slots=True)
class FanOut:
    """The shared results and the queue of turns of all subscriptions of a process.

    ``count`` returns the counter of the commit log; when it changes, the results are dropped.
    """

    count: Callable[[], int]
    turns: SubscriptionTurns = field(default_factory=SubscriptionTurns)
    _counted: int = -1
    _results: dict[Hashable, SharedResults] = field(default_factory=dict)

    def results(self, rights: Hashable) -> SharedResults:
        """Return the results for some rights; new ones after a transaction, or if they are FRESH_SECONDS old."""
        count = self.count()
        if count != self._counted:
            if self._results:
                RELEASE.free([self._results])
            self._counted, self._results = count, {}
        found = self._results.get(rights)
        if found is None or asyncio.get_running_loop().time() > found.since + FRESH_SECONDS:
            if found is not None:
                self._drop(rights, found.since)
            found = self._results[rights] = SharedResults()
            asyncio.get_running_loop().call_later(FRESH_SECONDS, self._drop, rights, found.since)
        return found

    def _drop(self, rights: Hashable, since: float) -> None:
        """Drop results that are no longer fresh, and free them in turns.

        They may have megabytes, and no subscription may follow.
        """
        results = self._results.get(rights)
        if results is not None and results.since == since:
            RELEASE.free([self._results.pop(rights)])


@dataclass(slots=True)
class SubscriptionFanOut:
    """Implements :class:`graphql_schema.fields.context.SharedWork` for one subscription of ``caller``.

    ``caller`` is a tenant and a subject in it. ``strict`` is whether hidden fields are errors for it, ``open_context``
    opens a context for a shared result.
    """

    shared: FanOut
    caller: tuple[str, str]
    strict: bool
    open_context: Callable[[Principal], Context]
    _turn: Turn | None = None
    _budgets: list[OperationBudget] = field(default_factory=list)
    """Those of the contexts in which events of this turn were executed.

    What else a turn reads, changes, is not for the caller to choose.
    """

    def results(self, principal: Principal) -> SharedResults:
        """Return the current results, shared by callers with these rights whose ``strict`` is equal."""
        return self.shared.results((principal.fingerprint, self.strict))

    def open(self, principal: Principal, *, of_event: bool = False) -> Context:
        """Return a context of ``principal`` in which a shared result is made."""
        context = self.open_context(principal)
        if of_event:
            self._budgets.append(context.budget)
        return context

    async def begin_turn(self) -> None:
        """Wait until it is the turn of this subscription; return at once if it has the turn."""
        if self._turn is None:
            self._turn = await self.shared.turns.begin(self.caller)

    def end_turn(self) -> None:
        """End the turn, so that other subscriptions can begin theirs; no effect without a turn."""
        if self._turn is not None:
            self._turn.end(is_large=any(map(_has_read_much, self._budgets)))
            self._turn = None
        self._budgets.clear()


def _has_read_much(budget: OperationBudget) -> bool:
    return budget.rows > LARGE_ROWS or budget.stored > LARGE_BYTES
