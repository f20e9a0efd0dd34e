"""The job that recomputes sensitivity: one outbox entry after the other, oldest first."""

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import Final

import structlog

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.sensitivity_floors import confirms
from app.graph.commits.write_set import WriteSet
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.sensitivity_recompute import Recomputed, recompute
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.clock import epoch_milliseconds

BATCH: Final = 250
"""Maximal number of vertices that a batch takes from the frontier while it holds the lock.

The batch can also lower vertices upstream of these.
"""

_log = structlog.get_logger(__name__)


class SensitivityJob(OutboxWorker):
    """Works off the entries for sensitivity. ``stops`` are the kinds to which no sensitivity propagates."""

    name = "sensitivity"

    def __init__(
        self,
        client: GremlinClient,
        lock: asyncio.Lock,
        outbox: Outbox,
        stops: frozenset[str],
        clock: Callable[[], int] = epoch_milliseconds,
    ) -> None:
        super().__init__(client, lock, outbox, clock)
        self._stops = stops

    def handles(self, entry: OutboxEntry) -> bool:
        """Return whether an entry is about sensitivity."""
        return entry.tag is None and not entry.inference

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Recompute a batch of the first of the entries ``due``; return whether there is one."""
        if due:
            await self._advance(due[0])
        return bool(due)

    async def _advance(self, entry: OutboxEntry) -> None:
        flows = StoredFlows(self._client, self._stops, self._clock())
        if entry.expand:
            found, _ = await flows.targets(entry.expand, max_records=0)
            entry.frontier |= dict.fromkeys(found)
            entry.expand = ()
        batch = list(islice(entry.frontier, BATCH))
        if batch:
            may_link = self._outbox.floors.may_link
            recomputed = await recompute(flows, batch, lambda record: confirms(may_link, entry.raised_by, record))
            await self._write(entry, recomputed)
            for vid in batch:
                del entry.frontier[vid]
            entry.frontier |= dict.fromkeys(recomputed.further)
        if not entry.frontier:
            await self._outbox.done(self._client, entry)
            _log.info("sensitivity_recomputed", tenant=entry.tenant, floor=entry.floor and entry.floor.level)

    async def _write(self, entry: OutboxEntry, recomputed: Recomputed) -> None:
        """Write the changed records, with the vertices to recompute next; write nothing if no record changed."""
        if not recomputed.changed:
            return
        writes = WriteSet()
        for vid, after in recomputed.changed.items():
            writes.vertex(vid, after, before=recomputed.before[vid])
        writes.extend_frontier(entry, recomputed.further)
        await writes.submit(self._client)
