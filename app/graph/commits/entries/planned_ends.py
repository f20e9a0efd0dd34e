"""Ends of edges in the future, as callers declare them: at how many assets a caller may, until the ends have passed.

For each such asset, outbox entries wait in the memory of all processes. An end counts as it is declared, whether it has
an effect or is taken back: the number of entries would disclose whether hidden assets exist. Each process counts what
it writes, and begins with the entries that wait when it starts.
"""

from typing import Final

import structlog

from graphql_schema.catalog.instants import FOREVER

MAX_PLANNED: Final = 10_000
"""Maximal number of assets at which one caller declares ends in the future; two entries wait for each."""

_log = structlog.get_logger(__name__)


Affected = tuple[int, int]
"""The vertex ids of an asset at which an edge ends, and of its parent if the edge leads there, else 0."""


class PlannedEnds:
    """The assets at which a caller declared ends in the future, each with the last one in epoch milliseconds."""

    def __init__(self, tenant: str = "", subject: str = "") -> None:
        self._caller = {"tenant": tenant, "caller": subject}
        self._ends: dict[Affected, int] = {}
        self._first = 0
        self._is_logged = False

    def add(self, affected: Affected, end: int) -> None:
        """Add an end at an asset."""
        self._ends[affected] = max(end, self._ends.get(affected, 0))
        self._first = min(self._first, end)

    def may_add(self, affected: Affected, now: int) -> bool:
        """Return whether the caller may declare an end at an asset; log the first time that it may not."""
        if len(self._ends) >= MAX_PLANNED and self._first <= now:
            self._ends = {each: end for each, end in self._ends.items() if end > now}
            self._first = min(self._ends.values(), default=FOREVER)
        if affected in self._ends or len(self._ends) < MAX_PLANNED:
            return True
        if not self._is_logged:
            self._is_logged = True
            _log.warning("planned_ends_exhausted", **self._caller, assets=len(self._ends))
        return False
