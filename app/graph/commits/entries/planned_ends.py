"""Ends of edges in the future, as callers declare them: at how many assets a caller may, until the ends have passed.

For each such asset, outbox entries wait in the memory of all processes. An end counts as it is declared, whether it has
an effect or is taken back: the number of entries would disclose whether hidden assets exist. Each process counts what
it writes, and begins with the entries that wait when it starts. Entries that are due count for
:mod:`app.graph.commits.entries.backlogs`.
"""

from collections import defaultdict, deque
from typing import Final

import structlog

from app.graph.commits.outbox_entry import Caller
from graphql_schema.catalog.instants import FOREVER

MAX_PLANNED: Final = 10_000
"""Maximal number of assets at which one caller declares ends in the future; two entries wait for each."""

_log = structlog.get_logger(__name__)


Affected = tuple[int, int]
"""The vertex ids of an asset at which an edge ends, and of its parent if the edge leads there, else 0."""


class PlannedEnds:
    """The assets at which callers declared ends in the future. Callers whose ends have passed are soon forgotten."""

    def __init__(self) -> None:
        self._by_caller: dict[Caller, _EndsOfCaller] = defaultdict(_EndsOfCaller)
        self._turns: deque[Caller] = deque()

    def __len__(self) -> int:
        return len(self._by_caller)

    def add(self, caller: Caller, affected: Affected, end: int) -> None:
        """Add an end at an asset, in epoch milliseconds."""
        if caller not in self._by_caller:
            self._turns.append(caller)
        self._by_caller[caller].add(affected, end)

    def may_add(self, caller: Caller, affected: Affected, now: int) -> bool:
        """Return whether the caller may declare an end at an asset; log the first time that it may not."""
        self._forget_passed(now)
        own = self._by_caller.get(caller)
        if own is None or affected in own.ends or len(own.ends) < MAX_PLANNED:
            return True
        own.drop_passed(now)
        if len(own.ends) < MAX_PLANNED:
            return True
        if not own.is_logged:
            own.is_logged = True
            _log.warning("planned_ends_exhausted", tenant=caller[0], caller=caller[1], assets=len(own.ends))
        return False

    def _forget_passed(self, now: int) -> None:
        """Drop the ends of one caller that have passed; the next call does so for the next caller."""
        if not self._turns:
            return
        caller = self._turns.popleft()
        self._by_caller[caller].drop_passed(now)
        if self._by_caller[caller].ends:
            self._turns.append(caller)
        else:
            del self._by_caller[caller]


class _EndsOfCaller:
    """The assets of one caller, each with the last end in epoch milliseconds; none of them is before ``first``."""

    def __init__(self) -> None:
        self.ends: dict[Affected, int] = {}
        self.first = FOREVER
        self.is_logged = False

    def add(self, affected: Affected, end: int) -> None:
        """Add an end at an asset."""
        self.ends[affected] = max(end, self.ends.get(affected, 0))
        self.first = min(self.first, end)

    def drop_passed(self, now: int) -> None:
        """Drop the assets whose last end has passed."""
        if self.first <= now:
            self.ends = {each: end for each, end in self.ends.items() if end > now}
            self.first = min(self.ends.values(), default=FOREVER)
