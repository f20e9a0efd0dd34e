"""What the sensitivity job has read for an entry that is done, kept for the next entry of its caller.

A caller may leave an entry each second, or many that are due at once, about the targets of the same hundreds of large
sources. Writers wait while these are read, so they are not read for each entry.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from app.graph.commits.outbox_entry import Caller
from app.graph.jobs.known_sources import KnownSources
from app.graph.records.touched import Touched

MAX_CALLERS: Final = 5
"""Maximal number of callers for whom something is kept: those whose entries were done last."""

MAX_SIZE: Final = 50_000
"""Maximal size of what is kept for one caller, by :attr:`KnownSources.size`: about 10 MB."""

KEPT_SECONDS: Final = 60.0
"""For how many seconds it is kept."""


@dataclass(slots=True)
class KeptSources:
    """What is kept, by caller, with the instant of ``clock`` until which it is; the oldest is the first."""

    clock: Callable[[], float] = monotonic
    _kept: dict[Caller, tuple[float, KnownSources]] = field(default_factory=dict)

    def keep(self, caller: Caller, known: KnownSources) -> None:
        """Keep what was read for an entry of a caller, unless it is too much."""
        self._kept.pop(caller, None)
        known.begin_anew()
        if known.size <= MAX_SIZE:
            self._kept[caller] = self.clock() + KEPT_SECONDS, known
        for oldest in [*self._kept][:-MAX_CALLERS]:
            del self._kept[oldest]

    def take(self, caller: Caller) -> KnownSources:
        """Return what is kept for a caller, which then is kept no longer; nothing known if there is none."""
        self._drop_old()
        return self._kept.pop(caller, (0.0, KnownSources()))[1]

    def record(self, touched: Touched) -> None:
        """Record what a transaction touches, or edges that have ended: it is read again."""
        self._drop_old()
        for _, known in self._kept.values():
            known.record(touched)

    def _drop_old(self) -> None:
        now = self.clock()
        self._kept = {caller: kept for caller, kept in self._kept.items() if kept[0] > now}
