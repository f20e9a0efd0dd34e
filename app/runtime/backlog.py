"""The backlog of the background jobs, and whether answers are stale because of it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.metrics_core import Metric

from app.graph.commits.outbox import Outbox
from app.graph.records.clock import epoch_milliseconds
from app.telemetry.metrics import gauges
from app.telemetry.work_metrics import JOBS

STALE_SECONDS: Final = 60.0
"""Seconds that an outbox entry must be due for answers to count as stale."""

SAMPLE_SECONDS: Final = 1.0
"""Seconds between two samples for the metrics."""

FRESH_MILLISECONDS: Final = 1_000
"""Milliseconds for which :attr:`Backlog.is_stale` is used again."""


@dataclass(slots=True)
class Waiting:
    """The outbox entries of one kind: all, those that are due, and the age of the oldest due one in seconds."""

    entries: int = 0
    due: int = 0
    oldest: float = 0.0


class Backlog:
    """The entries of an outbox that wait; ``sample`` is what :meth:`run` found last.

    ``clock`` returns epoch milliseconds.
    """

    def __init__(self, outbox: Outbox, clock: Callable[[], int] = epoch_milliseconds) -> None:
        self._outbox = outbox
        self._clock = clock
        self._looked = 0
        self._is_stale = False
        self.sample: Mapping[str, Waiting] = {}

    def by_kind(self) -> Mapping[str, Waiting]:
        """Return what waits of each kind; a kind without entries has zeros."""
        now, found = self._clock(), dict[str, Waiting]()
        for kind in JOBS:
            entries, due, since = self._outbox.counts(kind, now)
            found[kind] = Waiting(entries, due, max(now - since, 0) / 1_000)
        return found

    @property
    def is_stale(self) -> bool:
        """Whether an entry has been due for STALE_SECONDS, as of at most FRESH_MILLISECONDS ago."""
        now = self._clock()
        if not self._looked <= now < self._looked + FRESH_MILLISECONDS:
            self._looked = now
            self._is_stale = any(waiting.oldest >= STALE_SECONDS for waiting in self.by_kind().values())
        return self._is_stale

    async def run(self) -> None:
        """Take samples until cancelled: metrics are read in another thread, and looking changes the queue."""
        while True:
            self.sample = self.by_kind()
            await asyncio.sleep(SAMPLE_SECONDS)

    def metrics(self) -> Iterator[Metric]:
        """Yield the metrics of the last sample, by kind."""
        found = self.sample
        entries = {kind: float(waiting.entries) for kind, waiting in found.items()}
        yield gauges("mlg_outbox_entries", "Outbox entries that background jobs have not worked off.", "kind", entries)
        due = {kind: float(waiting.due) for kind, waiting in found.items()}
        yield gauges("mlg_outbox_due_entries", "Outbox entries that are due now.", "kind", due)
        oldest = {kind: waiting.oldest for kind, waiting in found.items()}
        yield gauges("mlg_outbox_oldest_seconds", "Age of the oldest outbox entry that is due.", "kind", oldest)
