"""The job that propagates tags downstream, and removes them where they no longer arrive.

The callers take turns, batch by batch, and then the tags of each caller (:mod:`app.graph.jobs.tag_work.tag_turns`). A
tag is worked on from all outbox entries of one caller about it. Those that this caller leaves later wait until this
work is done. So a tag that is set and removed again and again delays neither other tags nor its own removal. If several
callers have work on a tag, one of them has it for a turn, because what a turn found unsupported is decided again in the
next one (:mod:`app.graph.jobs.tag_work.tag_worklist`).

The job writes derived data: the edge to the tag and the index of the asset, without a new revision or audit entry of
the asset. A batch that writes also stores the vertices to decide next.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Final

import structlog

from app.graph.commits.entries.joined_entries import DivisionKey, joined_entries
from app.graph.commits.outbox_entry import ANY_TAG, Caller, OutboxEntry, new_entry_id
from app.graph.commits.outbox_worker import OutboxWorker, add_records
from app.graph.commits.state_read import read_records
from app.graph.commits.turns.caller_turns import CallerTurns
from app.graph.commits.turns.turn_order import TurnOrder
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_set import WriteSet
from app.graph.driver.edge_pages import VisitBudget
from app.graph.driver.errors import WriteRefusedError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.awaited_end import search_of_step
from app.graph.jobs.id_queue import take_first
from app.graph.jobs.tag_work.tag_carriers import Carrier, Carriers
from app.graph.jobs.tag_work.tag_turns import TagTurns
from app.graph.jobs.tag_work.tag_worklist import TagBatch, TagDecision, TagWorklist
from app.graph.propagation.sources import count_pairs, vertices_among
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.propagation.tag_division import TagDivision
from app.graph.propagation.target_queue import FirstTargets, first_targets
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.edge_record import is_current
from app.graph.records.tag_edge import PROPAGATION, Arrival, arrived, has_mode
from app.graph.records.vertex_record import indexed
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.execution.side_thread import LONG_PART_SECONDS, run_in_parts, run_in_turn
from graphql_schema.ports.record import Record
from policies.blurred_limit import blurred

BATCH: Final = 250
"""Maximal number of vertices that a batch takes while it holds the lock, blurred."""

AT_ONCE: Final = 250
"""Maximal number of vertices around a batch that one request reads: the store loads all properties of each."""

MAX_AROUND: Final = 1_000
"""Number of vertices around a batch that a step reads while it holds the lock; the next steps read the others."""

MANY_PAIRS: Final = 2_000
"""Number of pairs of a vertex and a source from which on a batch is decided in the side thread."""

MAX_REPLACED: Final = 3
"""Maximal number of divisions of entries for all tags that a step advances while it holds the lock."""

_log = structlog.get_logger(__name__)


class TagJob(OutboxWorker):
    """Works off the entries for tags. ``coordinator`` is that of the writers of the process."""

    name = "tag"

    def __init__(
        self, client: GremlinClient, coordinator: WriteCoordinator, clock: Callable[[], int] = epoch_milliseconds
    ) -> None:
        super().__init__(client, coordinator.job_lock(client), coordinator.outbox, clock)
        self._coordinator = coordinator
        self._worklists = TagTurns()
        self._divisions: dict[DivisionKey, tuple[list[OutboxEntry], TagDivision]] = {}
        self._kinds = TurnOrder[str]()
        self._divided = CallerTurns[DivisionKey]()
        self._loads = 0

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Add new entries to worklists that have not begun, and work off one batch of the next worklist.

        The entries for all tags have every other step, so that neither these nor the worklists wait for long. Return
        whether there was work.
        """
        now = self._clock()
        if self._loads != self._outbox.loads:
            self._divisions, self._loads = {}, self._outbox.loads
            self._worklists.begin_again()
        known = self._worklists.entries
        for_all = joined_entries(entry for entry in due if entry.tag == ANY_TAG)
        for entry in due:
            if entry.x not in known and entry.tag != ANY_TAG:
                self._add_entry(entry, now)
        self._worklists.leave_empty()
        kinds = [kind for kind, queue in (("division", for_all), ("work", self._worklists)) if queue]
        if not kinds:
            return bool(due)
        budget = VisitBudget()
        with self._kinds.turn(kinds) as kind:
            if kind == "division":
                await self._divide_some(for_all, now, budget)
                return True
            with self._worklists.turn() as worklist:
                await self._advance(worklist, now, budget)
        return True

    async def _advance(self, worklist: TagWorklist, now: int, budget: VisitBudget) -> None:
        """Work off one batch of a worklist, and its entries after the last one."""
        await self._work(worklist, now, budget)
        if worklist.is_done:
            await self._outbox.done(self._client, *worklist.entries)
            _log.info("tag_propagated", tenant=worklist.tenant, tag=worklist.tag)

    def _add_entry(self, entry: OutboxEntry, now: int) -> None:
        """Add an entry to the worklist of its tag and caller, unless that has begun."""
        tag = entry.tag or ANY_TAG
        worklist = self._worklists.worklist(tag, entry.caller)
        if worklist.has_begun:
            return
        worklist.entries.append(entry)
        worklist.recheck(entry.frontier)
        worklist.expand |= entry.expand
        if entry.holders:
            worklist.holders = self._flows(now).holder_pages(tag)

    async def _divide_some(
        self, entries: Mapping[DivisionKey, list[OutboxEntry]], now: int, budget: VisitBudget
    ) -> None:
        """Advance some of the divisions of the entries for all tags, until the budget is spent.

        The callers take turns, and then the divisions of each caller.
        """
        left: dict[Caller, dict[DivisionKey, None]] = {}
        for key, joined in entries.items():
            left.setdefault(joined[0].caller, {})[key] = None
        for _ in range(min(MAX_REPLACED, len(entries))):
            if budget.is_spent:
                return
            with self._divided.turn(left) as (caller, key):
                await self._divide(key, entries[key], now, budget)
            del left[caller][key]
            if not left[caller]:
                del left[caller]

    async def _divide(self, key: DivisionKey, joined: list[OutboxEntry], now: int, budget: VisitBudget) -> None:
        """Continue a division, or begin that of the ``joined`` entries; when all tags are read, replace its entries.

        One entry for each of the tags that propagates replaces them. What is written between the steps has own entries.
        """
        if key not in self._divisions:
            self._divisions[key] = joined, _division_of(joined, now)
            for entry in joined:
                self._outbox.begin(entry)
        entries, division = self._divisions[key]
        if division.carried:
            carried = await division.carried.advance(self._flows(now), budget)
            for tag in await self._coordinator.propagating_tags.among(self._client, carried):
                division.by_tag[tag] |= dict.fromkeys(await division.carried.concerned(carried[tag]))
        if not division.carried and await self._replace(entries, division, now, budget):
            del self._divisions[key]

    async def _replace(self, entries: list[OutboxEntry], division: TagDivision, now: int, budget: VisitBudget) -> bool:
        """Replace entries for all tags by one for each tag, and by one for the next end that is awaited, once found.

        A step writes one transaction, and the last one deletes the entries: return whether this was it. After a crash
        before it, all tags are found again.
        """
        entry = entries[0]
        if entry.awaits is not None:
            division.next_end = await search_of_step(
                self._client, self._outbox, entry, division.next_end, division.begun_at
            )
            if not await division.next_end.advance(self._client, budget):
                return False
        tags = division.next_tags()
        is_last = len(tags) == len(division.by_tag)
        new = [
            OutboxEntry(
                new_entry_id(),
                entry.tenant,
                self._outbox.order(entry.order),
                frontier=division.by_tag[tag],
                expand={**division.by_tag[tag]} if entry.around else {},
                tag=tag,
                raised_by=entry.raised_by,
            )
            for tag in tags
        ]
        if is_last and division.next_end is not None:
            new += self._outbox.following(entry, division.next_end.due, now)
        await self._outbox.done(self._client, *(entries if is_last else ()), followed_by=new)
        for tag in tags:
            del division.by_tag[tag]
        return is_last

    async def _work(self, worklist: TagWorklist, now: int, budget: VisitBudget) -> None:
        """Work off one batch: decide the one that has begun, else expand, decide, or remove the unsupported tags.

        To expand is to read a page of holders of the tag, or of targets.
        """
        if worklist.batch:
            await self._decide(worklist, worklist.batch, now, budget)
        elif worklist.holders:
            found = await self._flows(now).next_far_ends(worklist.holders, budget)
            worklist.recheck(found)
            worklist.expand |= dict.fromkeys(found)
            worklist.holders = None if worklist.holders.is_read else worklist.holders
        elif worklist.expand or worklist.expanding:
            if not worklist.expanding:
                worklist.expanding.add(take_first(worklist.expand, blurred(BATCH)))
            worklist.recheck(await worklist.expanding.next_targets(self._flows(now), budget))
            worklist.steps += 1
        elif worklist.suspects or worklist.candidates:
            worklist.batch = TagBatch(worklist.take(blurred(BATCH)))
            await self._decide(worklist, worklist.batch, now, budget)
        elif worklist.unsupported:
            removal = worklist.removal(blurred(BATCH))
            carriers = await (await self._carriers(worklist.tag, now)).of(removal.decided)
            await self._write(worklist, removal, carriers, FirstTargets({*removal.decided}), now)

    async def _decide(self, worklist: TagWorklist, batch: TagBatch, now: int, budget: VisitBudget) -> None:
        """Read carriers around a batch; with the last ones, decide about it and write its arrivals.

        The step that decides reads the edges to the batch, and the vertices of the batch. Those of an earlier step may
        be outdated: an edge that a writer ends at a vertex without the tag leaves no entry. The vertices around it may
        be outdated, because a change of these leaves an entry for the tag, after which the batch is decided again. So
        may edges that take half of the budget or more: a vertex that gets the tag is then decided twice. As it has the
        tag, each further end of an edge leaves an entry.
        """
        flows, carriers = self._flows(now), await self._carriers(worklist.tag, now)
        vids, sources = batch.vids, batch.sources  # None unless they are known in this step
        if sources is None and not batch.left:
            sources = await self._sources(batch, flows, budget)
            if sources is None:
                return
            near = await run_in_turn(vertices_among, count_pairs(sources) > MANY_PAIRS, sources)
            batch.left = dict.fromkeys(near.difference(vids, batch.read))
        for _ in range(0, min(MAX_AROUND, len(batch.left)), AT_ONCE):
            some = take_first(batch.left, AT_ONCE)
            batch.carriers |= await carriers.of(some)
            batch.read |= dict.fromkeys(some)
        if not (batch.left or sources is None or budget.is_half_spent):
            batch.carriers |= await carriers.of(vids)
            await self._write_decision(worklist, batch, sources, flows, budget)

    async def _sources(self, batch: TagBatch, flows: StoredFlows, budget: VisitBudget) -> Mapping[int, set[int]] | None:
        """Read a page of the sources of a batch; return them if all are read.

        Those that leave too little of the budget for the targets are kept for the next steps.
        """
        reading = batch.reading or flows.source_reading(batch.vids)
        await flows.next_sources(reading, budget)
        if budget.is_half_spent or not reading.pages.is_read:
            batch.reading = reading
        if not reading.pages.is_read:
            return None
        sources = await run_in_turn(reading.sources, reading.size > MANY_PAIRS)
        batch.sources = None if batch.reading is None else sources
        return sources

    async def _write_decision(
        self,
        worklist: TagWorklist,
        batch: TagBatch,
        sources: Mapping[int, set[int]],
        flows: StoredFlows,
        budget: VisitBudget,
    ) -> None:
        """Decide about a batch of vertices, write their arrivals, and put the affected targets on the worklist.

        Targets for which the budget does not suffice are read later.
        """
        carriers, are_many = batch.carriers, count_pairs(sources) > MANY_PAIRS
        steps = worklist.decide(batch.vids, sources, carriers)
        decision = await run_in_parts(steps, is_long=are_many, seconds=LONG_PART_SECONDS)
        following = await first_targets(flows, decision.changed, budget)
        suspects = await first_targets(flows, decision.unsupported, budget)
        if batch.sources is not None:
            arrived_at = {vid for vid, arrival in decision.arrivals.items() if arrival is not None}
            following.found.update(arrived_at - worklist.refused)  # a refused one would be decided again without end
        if await self._write(worklist, decision, carriers, following, flows.now):
            worklist.recheck(following.found)
            worklist.suspects |= dict.fromkeys(vid for vid in suspects.found if vid not in worklist.unsupported)
            worklist.expand |= dict.fromkeys([*following.unread, *suspects.unread])

    async def _write(
        self,
        worklist: TagWorklist,
        decision: TagDecision,
        carriers: Mapping[int, Carrier],
        following: FirstTargets,
        now: int,
    ) -> bool:
        """Write the arrivals that differ from the stored ones, and record the decision in the worklist.

        The transaction has what follows, and what :meth:`TagWorklist.provisional_of` returns. Nothing is written if no
        arrival differs. Return false if nothing is written or recorded, as the transaction is too large. The worklist
        then has fewer vertices to decide next, and leaves out one that the store refuses alone.
        """
        changed = {
            vid: found
            for vid, found in decision.arrivals.items()
            if vid in carriers and vid not in worklist.refused and found != carriers[vid].arrival
        }
        provisional = worklist.provisional_of(changed, decision)
        if changed:
            following = FirstTargets(following.found | provisional, following.unread)
            try:
                count = await self._write_arrivals(worklist, changed, carriers, following, now)
            except WriteRefusedError:
                count = len(changed) // 2
                if not count:
                    worklist.refused.update(changed)
                    _log.exception("tag_vertex_failed", tag=worklist.tag, vertex=next(iter(changed)))
            if count < len(changed):
                vids = decision.decided if worklist.batch is None else worklist.batch.vids
                worklist.shorten(max(vids.index([*changed][count]), 1))
                return False
        worklist.record(decision, provisional)
        return True

    async def _write_arrivals(
        self,
        worklist: TagWorklist,
        changed: Mapping[int, Arrival | None],
        carriers: Mapping[int, Carrier],
        following: FirstTargets,
        now: int,
    ) -> int:
        """Write ``changed`` arrivals. Return how many one transaction may have: if it is less, nothing is written."""
        writes, tag = WriteSet(), (await read_records(self._client, [worklist.tag]))[worklist.tag]

        def add(vid: int, record: Record) -> None:
            before = carriers[vid].edge
            edge = {**arrived(before, changed[vid], now), "recordedAt": now, "recordedBy": PROPAGATION}
            kinds = (record["kind"], tag["kind"]) if before is None else None
            writes.edge((TAGGED.name, vid, worklist.tag), edge, kinds=kinds)
            after = _with_tag(record, str(tag["id"]), carried=_is_carried(edge, now))
            if after is not record:
                writes.vertex(vid, after, before=record)

        if (count := await add_records(self._client, writes, [*changed], add)) < len(changed):
            return count
        entry = worklist.entries[0]
        expand = entry.expand | dict.fromkeys(following.unread)
        writes.extend_frontier(entry, following.found)
        if following.unread:
            writes.update_entry(replace(entry, expand=expand))
        await writes.submit(self._client)
        entry.expand = expand
        return count

    async def _carriers(self, tag: int, now: int) -> Carriers:
        propagates = bool(await self._coordinator.propagating_tags.among(self._client, [tag]))
        return Carriers(self._client, tag, now, propagates)

    def _flows(self, now: int) -> StoredFlows:
        return StoredFlows(self._client, frozenset(), now)


def _division_of(entries: list[OutboxEntry], now: int) -> TagDivision:
    if entries[0].around:
        return TagDivision.around(now, chain.from_iterable(entry.frontier for entry in entries))
    return TagDivision.of_carriers(now, entries[0].frontier, entries[0].expand)


def _is_carried(edge: Record, now: int) -> bool:
    return is_current(edge, now) and not has_mode(edge, TagMode.BLOCKED, now)


def _with_tag(record: Record, tag: str, *, carried: bool) -> Record:
    """Return the record with the tag in its index, or without it; the same record if nothing changes."""
    tags: list[str] = record["index"]["tags"]
    if (tag in tags) == carried:
        return record
    return indexed(record, tags=[*tags, tag] if carried else [each for each in tags if each != tag])
