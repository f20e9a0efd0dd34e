"""Keeps the sources and ranks that the sensitivity job has read for a finished entry, for the next one of its caller.

A caller may leave an entry each second, or many that are due at once, about the targets of the same hundreds of large
assets. Writers wait while these are read, so the job does not read them for each entry.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from app.graph.commits.outbox_entry import Caller
from app.graph.jobs.sensitivity_work.known_sources import KnownSources
from app.graph.records.touched import Touched

MAX_CALLERS: Final = 5
"""Maximal number of callers for whom sources are kept: those whose entries ended last."""

MAX_SIZE: Final = 50_000
"""Maximal size of the sources that are kept for one caller, by :attr:`KnownSources.size`: about 10 MB."""

KEPT_SECONDS: Final = 60.0
"""Seconds after the end of the first entry until which its sources are kept, and those that later entries have read."""


@dataclass(slots=True)
class KeptSources:
    """Kept sources by caller; the caller whose entry ended first comes first. ``clock`` returns monotonic seconds."""

    clock: Callable[[], float] = monotonic
    _kept: dict[Caller, KnownSources] = field(default_factory=dict)

    def keep(self, caller: Caller, known: KnownSources) -> None:
        """Keep what was read for an entry of a caller, unless its size exceeds MAX_SIZE."""
        self._kept.pop(caller, None)
        known.end_entry(self.clock() + KEPT_SECONDS)
        if known.size <= MAX_SIZE:
            self._kept[caller] = known
        for first in [*self._kept][:-MAX_CALLERS]:
            del self._kept[first]

    def take(self, caller: Caller) -> KnownSources:
        """Return what is kept for a caller, and keep it no longer; without any, return sources of which none is known.

        The caller then records edges that have ended without a write.
        """
        self._drop_old()
        return self._kept.pop(caller, None) or KnownSources()

    def record(self, touched: Touched) -> None:
        """Record a transaction, or edges that have ended: the next entry reads what it touches again."""
        self._drop_old()
        for known in self._kept.values():
            known.record(touched)

    def _drop_old(self) -> None:
        now = self.clock()
        self._kept = {caller: known for caller, known in self._kept.items() if known.kept_until > now}
