"""Outbox entries of transactions without a response, which the store may still complete.

A load of the outbox before the commit does not find such an entry, and nothing announces the commit. So its sensitivity
floor stays active, and it is looked for, until the store has it or LATE_SECONDS have passed.
"""

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

from app.graph.commits.late_writes import LATE_SECONDS
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.sensitivity_floors import SensitivityFloor

LOOK_SECONDS: Final = 5.0
"""Seconds between two looks for entries in the store."""


class UnansweredEntries:
    """The ids of such entries, with their floors. ``clock`` returns seconds of a clock that is never set."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._floors: dict[int, tuple[float, SensitivityFloor | None]] = {}
        self._looked = 0.0

    def __len__(self) -> int:
        return len(self._floors)

    @property
    def ids(self) -> list[int]:
        """The vertex ids of the entries."""
        return [*self._floors]

    @property
    def floors(self) -> dict[int, SensitivityFloor]:
        """The floors of the entries that have one, by the id of the entry."""
        return {x: floor for x, (_, floor) in self._floors.items() if floor is not None}

    @property
    def is_look_due(self) -> bool:
        """Whether there are entries, and the last look for them was LOOK_SECONDS ago."""
        return bool(self._floors) and self._clock() - self._looked >= LOOK_SECONDS

    def add(self, entries: Iterable[OutboxEntry]) -> None:
        """Add the entries of a transaction that ended without a response."""
        until = self._clock() + LATE_SECONDS
        self._floors |= {entry.x: (until, entry.floor) for entry in entries}

    def discard(self, ids: Iterable[int]) -> None:
        """Remove the entries with these ids, which the store has or has had."""
        for x in ids:
            self._floors.pop(x, None)

    def looked(self) -> None:
        """Record that the store was just searched, and remove the entries whose transaction counts as ended."""
        self._looked = self._clock()
        self._floors = {x: late for x, late in self._floors.items() if self._looked < late[0]}
