"""The due work that the writes of each caller left for the jobs: a caller with too much of it waits to write more.

The entries are in the memory of all processes until a job has worked them off. Without a bound, one who writes faster
than the jobs work would fill that memory, delay each start, and slow each read by sensitivity floors. An entry that
waits for the end of an edge counts from when it is due; :mod:`app.graph.commits.entries.planned_ends` bounds those that
wait.
"""

from collections import Counter
from typing import Final

from app.graph.commits.outbox_entry import Caller, OutboxEntry

MAX_BACKLOG: Final = 1_000
"""Weight of the entries of a caller from which on writes of the caller wait."""

FLOOR_WEIGHT: Final = 50
"""Weight of a sensitivity floor: each record that is read in the tenant is compared with each floor."""

IDS_PER_WEIGHT: Final = 1_000
"""Number of vertex ids in an entry that weigh as much as an entry without any."""


ENDS_PER_WEIGHT: Final = 100
"""The same for an entry for inferred edges: there may be thousands to each vertex."""


class Backlogs:
    """The sum of the weights of entries by caller.

    A weight is that of the entry when it was added, and of what its job found for it since.
    """

    def __init__(self) -> None:
        self._weights: dict[int, tuple[Caller, int]] = {}
        self._sums: Counter[Caller] = Counter()

    def add(self, entry: OutboxEntry) -> None:
        """Add an entry, unless it was added before, or the server left it."""
        if entry.raised_by is not None and entry.x not in self._weights:
            self._weights[entry.x] = entry.caller, _weight(entry)
            self._sums[entry.caller] += _weight(entry)

    def add_ids(self, x: int, ids: int) -> None:
        """Add the weight of ``ids`` vertices that a job found for an entry, if it was added."""
        if x in self._weights:
            caller, weight = self._weights[x]
            self._weights[x] = caller, weight + ids // ENDS_PER_WEIGHT
            self._sums[caller] += ids // ENDS_PER_WEIGHT

    def remove(self, x: int) -> None:
        """Remove an entry by its vertex id, if it was added."""
        caller, weight = self._weights.pop(x, (None, 0))
        if caller is not None:
            self._sums[caller] -= weight
            if not self._sums[caller]:
                del self._sums[caller]

    def is_full(self, caller: Caller) -> bool:
        """Return whether the caller has left so much work that further writes wait."""
        return self._sums[caller] >= MAX_BACKLOG


def _weight(entry: OutboxEntry) -> int:
    ids = len(entry.frontier) + len(entry.expand)
    if entry.floor is None:
        return 1 + ids // (ENDS_PER_WEIGHT if entry.inference else IDS_PER_WEIGHT)
    return 1 + FLOOR_WEIGHT + (ids + len(entry.floor.covered or ())) // IDS_PER_WEIGHT
