"""The queues of thin events as metrics: by source, what waits and for how long, and what is dead.

The store is read by a task, because a scrape has no event loop and must not wait for a store.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final, Self

from prometheus_client.metrics_core import Metric

from app.graph.admin.thin_event_counts import WaitingEvents, read_waiting_events
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.clock import epoch_milliseconds
from app.telemetry.label_cap import OTHER
from app.telemetry.metrics import gauges
from policies.errors import CodedError

SAMPLE_SECONDS: Final = 30.0
"""Seconds between two samples."""

MAX_SOURCES: Final = 100
"""Maximal number of sources that are labels: those with the most events; the others together are OTHER."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The first MAX_SOURCES sources by their number of events, and the sum of all others, which may be very many."""

    named: Mapping[str, WaitingEvents] = field(default_factory=dict)
    others: WaitingEvents = field(default_factory=WaitingEvents)

    def with_sources(self, read: Mapping[str, WaitingEvents]) -> Self:
        """Return the ranking with further sources."""
        found = {**self.named, **read}
        first = nsmallest(MAX_SOURCES, found, key=lambda name: (-found[name].pending - found[name].dead, name))
        named = {name: found[name] for name in sorted(first)}
        return type(self)(named, _sum([self.others, *(found[name] for name in found.keys() - named.keys())]))


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """What was read of the sources, part by part in the order of their names: in a turn, each is read once.

    ``former`` is of the last complete turn, ``present`` of the sources up to the name ``after``, which were read since.
    """

    former: Ranking = field(default_factory=Ranking)
    present: Ranking = field(default_factory=Ranking)
    after: str = ""

    def with_part(self, read: Mapping[str, WaitingEvents], last: str) -> Self:
        """Return the counts with the next sources, up to the name ``last``, which is empty at the end of a turn."""
        present = self.present.with_sources(read)
        return type(self)(self.former, present, last) if last else type(self)(present)

    def by_label(self) -> dict[str, WaitingEvents]:
        """Return the first sources by their number of events, as they were read last, and the others together as OTHER.

        The others are those of the last turn, or of the present one as soon as they are more.
        """
        unread = {name: each for name, each in self.former.named.items() if name > self.after}
        named = Ranking(self.present.named).with_sources(unread).named
        sums = [
            _sum([others, *(each for name, each in found.items() if name not in named)])
            for others, found in ((self.former.others, unread), (self.present.others, self.present.named))
        ]
        other = WaitingEvents(max(each.pending for each in sums), max(each.dead for each in sums), _oldest(sums))
        return {**named, OTHER: other} if other != WaitingEvents() else {**named}


@dataclass(slots=True)
class ThinEventQueues:
    """Samples the queues of the store of ``client``, if this process leads; ``clock`` returns epoch milliseconds.

    ``found`` is what was read; it is empty in other processes, and before the first sample.
    """

    client: GremlinClient
    clock: Callable[[], int] = epoch_milliseconds
    found: SourceCounts = field(default_factory=SourceCounts)

    async def sample(self) -> None:
        """Read the next sources; after a failure of the store what was read remains, and its age grows."""
        order = self.client.write_order
        if order is not None and not order.leads:
            self.found = SourceCounts()
            return
        try:
            read, last = await read_waiting_events(self.client, self.found.after)
        except CodedError:
            return
        self.found = self.found.with_part(read, last)

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            await self.sample()
            await asyncio.sleep(SAMPLE_SECONDS)

    def metrics(self) -> Iterator[Metric]:
        """Yield the metrics of what was read last, by source; a source without events has none."""
        now, found = self.clock(), self.found.by_label()
        pending = {name: float(each.pending) for name, each in found.items()}
        yield gauges("mlg_thin_events_pending", "Thin events that wait for a worker, by source.", "source", pending)
        dead = {name: float(each.dead) for name, each in found.items()}
        yield gauges("mlg_thin_events_dead", "Thin events whose attempts all failed, by source.", "source", dead)
        ages = {name: 0.0 if (at := each.oldest_at) is None else (now - at) / 1_000 for name, each in found.items()}
        yield gauges(
            "mlg_thin_events_oldest_seconds",
            "Seconds since the oldest pending event arrived, by source.",
            "source",
            ages,
        )


def _sum(counts: Iterable[WaitingEvents]) -> WaitingEvents:
    """Return the events of several sources together."""
    given = [*counts]
    return WaitingEvents(sum(each.pending for each in given), sum(each.dead for each in given), _oldest(given))


def _oldest(counts: Iterable[WaitingEvents]) -> int | None:
    """Return the arrival of the oldest pending event of several sources, None if no event is pending."""
    return min((each.oldest_at for each in counts if each.oldest_at is not None), default=None)
