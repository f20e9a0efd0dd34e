"""The job that settles the sensitivity that writes left pending: one note after the other, the oldest first."""

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import Final

import orjson
import structlog

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OUTBOX_ROOT, OutboxEntry, more
from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.write_statements import NOTHING, WRITE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.sensitivity_recompute import recompute
from app.graph.propagation.stored_flows import Record, StoredFlows
from app.graph.records.clock import epoch_milliseconds
from graphql_schema.catalog.kinds import KIND

BATCH: Final = 250
"""Vertices that are settled while the lock is held."""

_log = structlog.get_logger(__name__)


class SensitivityJob(OutboxWorker):
    """Settles the notes of sensitivity; it stops at the kinds ``stops``."""

    failed = "sensitivity_job_failed"

    def __init__(
        self,
        client: GremlinClient,
        lock: asyncio.Lock,
        pending: Outbox,
        stops: frozenset[str],
        clock: Callable[[], int] = epoch_milliseconds,
    ) -> None:
        super().__init__(client, lock, pending, clock)
        self._stops = stops

    def handles(self, note: OutboxEntry) -> bool:
        """Whether a note is about sensitivity."""
        return note.tag is None and not note.enriches

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Settle a batch of the oldest note."""
        if due:
            await self._advance(due[0])
        return bool(due)

    async def _advance(self, note: OutboxEntry) -> None:
        flows = StoredFlows(self._client, self._stops, self._clock())
        if note.expand:
            found, _ = await flows.targets(note.expand, most=0)
            note.frontier |= dict.fromkeys(found)
            note.expand = ()
        batch = list(islice(note.frontier, BATCH))
        if batch:
            settled = await recompute(flows, batch)
            await self._write(note, settled.changed, settled.further)
            for vid in batch:
                del note.frontier[vid]
            note.frontier |= dict.fromkeys(settled.further)
        if not note.frontier:
            await self._pending.done(self._client, note)
            _log.info("sensitivity_settled", tenant=note.tenant, fence=note.floor and note.floor.level)

    async def _write(self, note: OutboxEntry, changed: dict[int, Record], further: set[int]) -> None:
        if not changed:
            return
        vertices = [
            {
                "x": vid,
                "k": KIND[record["kind"]],
                "fresh": False,
                "p": {"sensitivity": record["sensitivity"], "record": orjson.dumps(record).decode()},
                "s": {},
            }
            for vid, record in changed.items()
        ]
        notes = [{"x": note.x, "fresh": False, "p": {}, "f": more(further)}]
        bindings = {"stored": sorted(changed), "vertices": vertices, "notes": notes, "top": OUTBOX_ROOT}
        await self._client.submit(WRITE, {**NOTHING, **bindings}, writes=True)
