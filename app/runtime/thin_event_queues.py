"""The queues of thin events as metrics: by source, what waits and for how long, and what is dead.

The store is read by a task, because a scrape has no event loop and must not wait for a store.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

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


@dataclass(slots=True)
class ThinEventQueues:
    """Samples the queues of the store of ``client``, if this process leads; ``clock`` returns epoch milliseconds.

    ``found`` is what was read last of each source; it is empty in other processes, and before the first sample. The
    next sample reads the sources whose name is greater than ``after``.
    """

    client: GremlinClient
    clock: Callable[[], int] = epoch_milliseconds
    found: Mapping[str, WaitingEvents] = field(default_factory=dict)
    after: str = ""

    async def sample(self) -> None:
        """Read the next sources; after a failure of the store what was read remains, and its age grows."""
        order = self.client.write_order
        if order is not None and not order.leads:
            self.found, self.after = {}, ""
            return
        try:
            read, last = await read_waiting_events(self.client, self.after)
        except CodedError:
            return
        others = {name: each for name, each in self.found.items() if name <= self.after or name > last > ""}
        self.found, self.after = {**others, **read}, last

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            await self.sample()
            await asyncio.sleep(SAMPLE_SECONDS)

    def metrics(self) -> Iterator[Metric]:
        """Yield the metrics of what was read last, by source; a source without events has none."""
        now, found = self.clock(), _capped(self.found)
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


def _capped(found: Mapping[str, WaitingEvents]) -> dict[str, WaitingEvents]:
    """Return the sources with the most events under their names, and the others together as OTHER."""
    ordered = sorted(found, key=lambda name: (-found[name].pending - found[name].dead, name))
    kept = {name: found[name] for name in sorted(ordered[:MAX_SOURCES])}
    rest = [found[name] for name in ordered[MAX_SOURCES:]]
    if not rest:
        return kept
    oldest = min((each.oldest_at for each in rest if each.oldest_at is not None), default=None)
    other = WaitingEvents(sum(each.pending for each in rest), sum(each.dead for each in rest), oldest)
    return {**kept, OTHER: other}
