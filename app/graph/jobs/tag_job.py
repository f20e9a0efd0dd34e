"""The job that lets tags arrive where they flow to, and takes back those that do not any more.

It works on one tag after the other, whatever notes there are about it together. What it writes is derived: the edge of
the tag and the index of the asset, without a change of the asset itself. With each batch it writes where to go on.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
import structlog

from app.graph.commits.outbox_entry import ANY_TAG, OUTBOX_ROOT, OutboxEntry, more, new_entry_id
from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_statements import NOTHING, WRITE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.tag_carriers import Carrier, Carriers, key_of, records
from app.graph.jobs.tag_worklist import TagWorklist, taken
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.edge_record import ends, is_current
from app.graph.records.tag_edge import PROPAGATION, Arrival, arrived, has_mode
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import Record, indexed
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.kinds import KIND, KINDS

BATCH: Final = 250
"""Vertices that are looked at while the lock is held."""

_log = structlog.get_logger(__name__)


class TagJob(OutboxWorker):
    """Settles the notes of tags; ``coordinator`` is that of the process's writers."""

    failed = "tag_job_failed"

    def __init__(
        self, client: GremlinClient, coordinator: WriteCoordinator, clock: Callable[[], int] = epoch_milliseconds
    ) -> None:
        super().__init__(client, coordinator.lock, coordinator.outbox, clock)
        self._coordinator = coordinator
        self._works: dict[int, TagWorklist] = {}
        self._loads = 0

    def handles(self, note: OutboxEntry) -> bool:
        """Whether a note is about a tag."""
        return note.tag is not None

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Take in the notes that are new, and do a batch of the oldest work."""
        kept = False
        try:
            worked = await self._advance(due)
            kept = True
        finally:
            if not kept:  # what was taken from memory may not be in the store
                self._pending.stale = True
        return worked

    async def _advance(self, due: list[OutboxEntry]) -> bool:
        now = self._clock()
        if self._loads != self._pending.loads:
            self._works, self._loads = {}, self._pending.loads
        taken = {note.x for work in self._works.values() for note in work.notes}
        for note in due:
            if note.tag == ANY_TAG:
                await self._name_tags(note, now)
            elif note.x not in taken:
                await self._take(note, now)
        work = next(iter(self._works.values()), None)
        if work is not None:
            await self._batch(work, now)
            if work.idle:
                await self._pending.done(self._client, *work.notes)
                del self._works[work.tag]
                _log.info("tag_settled", tenant=work.tenant, tag=work.tag)
        return work is not None or bool(due)

    async def _take(self, note: OutboxEntry, now: int) -> None:
        """Add what a note says to the work on its tag."""
        tag = note.tag or ANY_TAG
        work = self._works.setdefault(tag, TagWorklist(tag, note.tenant))
        work.notes.append(note)
        holders = await (await self._carriers(tag, now)).holders() if note.holders else []
        work.recheck([*note.frontier, *holders])
        work.beyond |= dict.fromkeys([*note.expand, *holders])

    async def _name_tags(self, note: OutboxEntry, now: int) -> None:
        """Make of a note about whatever tags its vertices carry one note for each of these."""
        further, _ = await self._flows(now).targets(note.expand, most=0)
        found = await records(self._client, {*note.frontier, *further})
        carried = {
            vid: {vertex_id(note.tenant, urn) for urn in record["index"]["tags"]} for vid, record in found.items()
        }
        notes = [
            OutboxEntry(
                new_entry_id(),
                note.tenant,
                self._pending.order(note.at),
                frontier={vid: None for vid, tags in carried.items() if tag in tags},
                tag=tag,
            )
            for tag in await self._coordinator.propagating_tags.among(self._client, set().union(*carried.values()))
        ]
        with self._pending.committing(notes):
            wanted = {"notes": [each.wire() for each in notes], "top": OUTBOX_ROOT}
            await self._client.submit(WRITE, {**NOTHING, **wanted}, writes=True)
        await self._pending.done(self._client, note)

    async def _batch(self, work: TagWorklist, now: int) -> None:
        if work.beyond:
            found, _ = await self._flows(now).targets(taken(work.beyond, BATCH), most=0)
            work.recheck(found)
        elif work.doubt or work.offered:
            await self._settle(work, now)
        elif work.lost:
            lost = [work.lost.popitem()[0] for _ in range(min(BATCH, len(work.lost)))]
            carriers = await (await self._carriers(work.tag, now)).of(lost)
            await self._write(work, dict.fromkeys(lost), carriers, set(lost), now)

    async def _settle(self, work: TagWorklist, now: int) -> None:
        """Settle a batch, and ask what it flows to wherever that matters."""
        flows = self._flows(now)
        batch = work.take(BATCH)
        arriving = await flows.arrivals(batch)
        around = {vid for sources in arriving.values() for pair in sources for vid in pair}
        carriers = await (await self._carriers(work.tag, now)).of({*batch, *around})
        settled = work.settle(batch, arriving, carriers)
        further, _ = await flows.targets(settled.moved, most=0)
        await self._write(work, settled.arrivals, carriers, further, now)
        doubtful, _ = await flows.targets(settled.lost, most=0)
        work.recheck(further)
        work.doubt |= dict.fromkeys(vid for vid in doubtful if vid not in work.lost)

    async def _write(
        self,
        work: TagWorklist,
        arrivals: Mapping[int, Arrival | None],
        carriers: Mapping[int, Carrier],
        further: set[int],
        now: int,
    ) -> None:
        """Write what arrives now, with where to go on."""
        changed = {vid: found for vid, found in arrivals.items() if vid in carriers and found != carriers[vid].arrival}
        if not changed:
            return
        known = await records(self._client, {*changed, work.tag})
        tag = str(known[work.tag]["id"])
        vertices, edges = [], []
        for vid, found in changed.items():
            before = carriers[vid].edge
            edge = {**arrived(before, found, now), "recordedAt": now, "recordedBy": PROPAGATION}
            edges.append(_edge(vid, work.tag, known[vid], edge, fresh=before is None))
            vertices += _vertex(vid, known[vid], tag, carried=_is_carried(edge, now))
        notes = [{"x": work.notes[0].x, "fresh": False, "p": {}, "f": more(further)}]
        bindings = {"stored": sorted(known), "vertices": vertices, "edges": edges, "notes": notes, "top": OUTBOX_ROOT}
        await self._client.submit(WRITE, {**NOTHING, **bindings}, writes=True)

    async def _carriers(self, tag: int, now: int) -> Carriers:
        passes = bool(await self._coordinator.propagating_tags.among(self._client, [tag]))
        return Carriers(self._client, tag, now, passes)

    def _flows(self, now: int) -> StoredFlows:
        return StoredFlows(self._client, frozenset(), now)


def _is_carried(edge: Record, now: int) -> bool:
    return is_current(edge, now) and not has_mode(edge, TagMode.BLOCKED, now)


def _edge(vid: int, tag: int, record: Record, edge: Record, *, fresh: bool) -> dict[str, Any]:
    relation, source, target = key_of(vid, tag)
    values = {
        "validFrom": edge["validFrom"],
        "validTo": ends(edge),
        "declassified": False,
        "record": orjson.dumps(edge).decode(),
    }
    kinds = {"fromKind": record["kind"], "toKind": KINDS["Tag"].code} if fresh else {}
    return {"l": relation, "o": source, "i": target, "fresh": fresh, "p": {**values, **kinds}}


def _vertex(vid: int, record: Record, tag: str, *, carried: bool) -> list[dict[str, Any]]:
    """The vertex with a tag in its index or without, where that is another than before."""
    tags: list[str] = record["index"]["tags"]
    if (tag in tags) == carried:
        return []
    tags = [*tags, tag] if carried else [each for each in tags if each != tag]
    values = {"record": orjson.dumps(indexed(record, tags=tags)).decode()}
    return [{"x": vid, "k": KIND[record["kind"]], "fresh": False, "p": values, "s": {"tags": tags or [""]}}]
