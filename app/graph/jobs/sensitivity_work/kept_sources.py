"""Keeps the sources and ranks that the sensitivity job has read for a finished entry, for the next one of its caller.

A caller may leave an entry each second, or many that are due at once, about the targets of the same hundreds of large
assets. Writers wait while these are read, so the job does not read them for each entry.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from app.graph.commits.outbox_entry import Caller
from app.graph.jobs.sensitivity_work.known_sources import KnownSources
from app.graph.records.touched import Touched
from graphql_schema.ports.turns.gradual_release import RELEASE

MAX_CALLERS: Final = 5
"""Maximal number of callers for whom sources are kept: those whose entries ended last."""

MAX_SIZE: Final = 50_000
"""Size of the sources that are kept for each caller, by :attr:`KnownSources.size`: about 10 MB."""

MAX_LARGE_SIZE: Final = 500_000
"""Maximal size of those that are kept for one caller at a time, the last one who needed more: about 130 MB.

They have an asset with a hundred thousand sources, or several with tens of thousands.
"""

KEPT_SECONDS: Final = 60.0
"""Seconds after the end of the first entry until which its sources are kept, and those that later entries have read."""


@dataclass(slots=True)
class KeptSources:
    """Kept sources by caller; the caller whose entry ended first comes first. ``clock`` returns monotonic seconds."""

    clock: Callable[[], float] = monotonic
    _kept: dict[Caller, KnownSources] = field(default_factory=dict)

    def keep(self, caller: Caller, known: KnownSources) -> None:
        """Keep what was read for an entry of a caller, unless it is too large."""
        self._drop([caller])
        known.end_entry(self.clock() + KEPT_SECONDS)
        if known.size > MAX_SIZE:
            self._drop([each for each, kept in self._kept.items() if kept.size > MAX_SIZE])
        if known.size > MAX_LARGE_SIZE:
            RELEASE.free([known])
            return
        self._kept[caller] = known
        self._drop([*self._kept][:-MAX_CALLERS])

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
        self._drop([caller for caller, known in self._kept.items() if known.kept_until <= now])

    def _drop(self, callers: Iterable[Caller]) -> None:
        """Keep nothing for some callers, and free it in turns: 500,000 objects would be freed in one callback."""
        for caller in callers:
            if (known := self._kept.pop(caller, None)) is not None:
                RELEASE.free([known])
