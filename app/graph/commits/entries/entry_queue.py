"""The outbox entries of a process: those that wait for an instant, and those that are due, by kind and caller.

Any number of entries may become due at the same instant. No call examines more than MAX_TAKEN of them, and callers take
turns, so that many entries of one caller delay none of another.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Final

from app.graph.commits.entries.backlogs import Backlogs
from app.graph.commits.outbox_entry import Caller, OutboxEntry

MAX_TAKEN: Final = 1_000
"""Maximal number of entries that become due in one call, and that a step of a job gets."""

_Awaited = tuple[str, tuple[int, int] | None]
"""The kind of an entry, and what it awaits."""


class KindQueue:
    """The entries of one kind. An entry that became due stays so, unless the clock is set back.

    What is due is also in ``backlogs``: at once, or from the first call after its instant.
    """

    def __init__(self, backlogs: Backlogs) -> None:
        self._backlogs = backlogs
        self._waiting: dict[int, OutboxEntry] = {}
        self._instants: list[tuple[int, int, int]] = []
        self._due: dict[Caller, dict[int, OutboxEntry]] = {}

    def add(self, entry: OutboxEntry) -> None:
        """Add an entry."""
        self._waiting[entry.x] = entry
        heappush(self._instants, (entry.due, entry.order, entry.x))
        if not entry.due:
            self._backlogs.add(entry)

    def remove(self, entry: OutboxEntry) -> None:
        """Remove an entry of the queue. If it was due, it is the turn of the other callers."""
        self._backlogs.remove(entry.x)
        if self._waiting.pop(entry.x, None) is None:
            own = self._due.pop(entry.caller)
            del own[entry.x]
            if own:
                self._due[entry.caller] = own
        elif len(self._instants) > 2 * len(self._waiting) + 100:  # removed ones may else stay until their instant
            self._instants = [row for row in self._instants if row[2] in self._waiting]
            heapify(self._instants)

    def due(self, now: int) -> list[OutboxEntry]:
        """Return at most MAX_TAKEN of the entries that are due: the first of each caller, then the second, and so on.

        Those of one caller are in the order in which they became due.
        """
        self._take(now)
        while True:
            found = list(islice(_in_turns(self._due.values()), MAX_TAKEN))
            early = [entry for entry in found if entry.due > now]
            for entry in early:  # the clock was set back
                self.remove(entry)
                self.add(entry)
            if not early:
                return found

    def next_due(self) -> int | None:
        """Return the next instant at which an entry becomes due, None without one."""
        return self._instants[0][0] if self._instants else None

    def waiting(self, x: int) -> OutboxEntry | None:
        """Return the entry with a vertex id, if it has not become due."""
        return self._waiting.get(x)

    def counts(self, now: int) -> tuple[int, int, int]:
        """Return how many entries there are, how many are due, and since when the oldest of these is due.

        The last is ``now`` without one. Of many that became due at once, MAX_TAKEN more count in each call.
        """
        self._take(now)
        due = sum(map(len, self._due.values()))
        oldest = min((_due_since(next(iter(own.values()))) for own in self._due.values()), default=now)
        return len(self._waiting) + due, due, oldest

    def _take(self, now: int) -> None:
        """Let at most MAX_TAKEN entries become due."""
        taken: list[OutboxEntry] = []
        while self._instants and self._instants[0][0] <= now and len(taken) < MAX_TAKEN:
            entry = self._waiting.pop(heappop(self._instants)[2], None)
            if entry is not None:
                taken.append(entry)
        for entry in sorted(taken, key=_due_since):
            self._due.setdefault(entry.caller, {})[entry.x] = entry
            self._backlogs.add(entry)


class EntryQueue:
    """Entries by vertex id. ``with_floor`` are those that have a sensitivity floor, ``backlogs`` the work by caller."""

    def __init__(self) -> None:
        self.by_id: dict[int, OutboxEntry] = {}
        self.with_floor: dict[int, OutboxEntry] = {}
        self.backlogs = Backlogs()
        self.kinds: dict[str, KindQueue] = defaultdict(lambda: KindQueue(self.backlogs))
        self._alike: dict[_Awaited, dict[int, OutboxEntry]] = defaultdict(dict)
        self._of_parents: dict[int, dict[int, OutboxEntry]] = defaultdict(dict)

    def add(self, entry: OutboxEntry) -> None:
        """Add an entry, or replace the one with its id."""
        self.pop(entry.x)
        self.by_id[entry.x] = entry
        if entry.floor is not None:
            self.with_floor[entry.x] = entry
        self.kinds[entry.kind].add(entry)
        if entry.awaits is not None:
            self._alike[entry.kind, entry.awaits][entry.x] = entry
        for parent in entry.frontier if entry.owners else ():
            self._of_parents[parent][entry.x] = entry

    def pop(self, x: int) -> OutboxEntry | None:
        """Remove and return an entry; None if there is none."""
        entry = self.by_id.pop(x, None)
        if entry is None:
            return None
        self.with_floor.pop(x, None)
        self.kinds[entry.kind].remove(entry)
        if entry.awaits is not None:
            alike = self._alike[entry.kind, entry.awaits]
            del alike[x]
            if not alike:
                del self._alike[entry.kind, entry.awaits]
        for parent in entry.frontier if entry.owners else ():
            del self._of_parents[parent][x]
            if not self._of_parents[parent]:
                del self._of_parents[parent]
        return entry

    def alike(self, entry: OutboxEntry) -> list[OutboxEntry]:
        """Return the entries that wait for edges to end at the same assets."""
        return list(self._alike.get((entry.kind, entry.awaits), {}).values())

    def of_parent(self, parent: int) -> list[OutboxEntry]:
        """Return the entries for the owner team of a parent, the oldest first."""
        return sorted(self._of_parents.get(parent, {}).values(), key=lambda entry: entry.order)

    def waiting(self, x: int, after: int) -> OutboxEntry | None:
        """Return the entry with a vertex id, if it has not become due and is due after the instant ``after``."""
        entry = self.by_id.get(x)
        if entry is None or entry.due <= after:
            return None
        return self.kinds[entry.kind].waiting(x)


def _due_since(entry: OutboxEntry) -> int:
    """Return the instant since which an entry has been due, in epoch milliseconds."""
    return max(entry.order, entry.due)


def _in_turns(callers: Iterable[dict[int, OutboxEntry]]) -> Iterator[OutboxEntry]:
    """Yield the first entry of each caller, then the second of each, and so on."""
    turns = deque(iter(own.values()) for own in callers)
    while turns:
        for entry in islice(turns[0], 1):
            yield entry
            turns.append(turns[0])
        turns.popleft()
