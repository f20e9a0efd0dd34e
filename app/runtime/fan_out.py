"""Fan-out: what all subscriptions of a process share, so that their number does not slow the other operations.

Each transaction wakes every subscription. Callers with equal rights share what they read and execute until the next
transaction, for :data:`graphql_schema.subscription.FRESH_SECONDS` at most. Subscriptions take turns, in which they read
and execute but do not send: a few have their turn at once, at most one of each caller.
"""

import asyncio
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from app.fair_queue import FairQueue
from graphql_schema.fields.context import Context
from graphql_schema.ports.shared_results import SharedResults
from graphql_schema.subscription import FRESH_SECONDS
from policies.principal import Principal


def _turns() -> FairQueue:
    """Return the queue of the turns; the number of subscriptions is limited where they begin."""
    return FairQueue(slots=4, per_caller=1, waiting_per_caller=sys.maxsize)


@dataclass(slots=True)
class FanOut:
    """The shared results and the queue of turns of all subscriptions of a process.

    ``count`` returns the counter of the commit log; when it changes, the results are dropped.
    """

    count: Callable[[], int]
    turns: FairQueue = field(default_factory=_turns)
    _counted: int = -1
    _results: dict[Hashable, SharedResults] = field(default_factory=dict)

    def results(self, rights: Hashable) -> SharedResults:
        """Return the results for some rights; new ones after a transaction, or if they are FRESH_SECONDS old."""
        count = self.count()
        if count != self._counted:
            self._counted, self._results = count, {}
        found = self._results.get(rights)
        if found is None or asyncio.get_running_loop().time() > found.since + FRESH_SECONDS:
            found = self._results[rights] = SharedResults()
        return found


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
    _has_turn: bool = False

    def results(self, principal: Principal) -> SharedResults:
        """Return the current results, shared by callers with these rights whose ``strict`` is equal."""
        return self.shared.results((principal.fingerprint, self.strict))

    def open(self, principal: Principal) -> Context:
        """Return a context of ``principal`` in which a shared result is made."""
        return self.open_context(principal)

    async def begin_turn(self) -> None:
        """Wait until it is the turn of this subscription; return at once if it has the turn."""
        if not self._has_turn:
            await self.shared.turns.acquire(self.caller)
            self._has_turn = True

    def end_turn(self) -> None:
        """End the turn, so that other subscriptions can begin theirs; no effect without a turn."""
        if self._has_turn:
            self._has_turn = False
            self.shared.turns.release(self.caller)
