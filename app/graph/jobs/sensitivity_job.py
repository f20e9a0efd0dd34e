"""The job that recomputes sensitivity: one batch of one outbox entry after the other.

The callers whose writes left entries take turns, step by step, so that none waits for the long lineage of another one.
The entries of one caller are worked off oldest first.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import islice
from time import monotonic
from typing import Final

import structlog

from app.graph.commits.late_writes import LATE_SECONDS
from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import Caller, OutboxEntry
from app.graph.commits.outbox_worker import OutboxWorker, add_records
from app.graph.commits.sensitivity_floors import confirms, with_floors
from app.graph.commits.turns.turn_order import TurnOrder
from app.graph.commits.write_set import WriteSet
from app.graph.driver.edge_pages import VisitBudget
from app.graph.driver.errors import WriteRefusedError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.awaited_end import search_of_step
from app.graph.jobs.sensitivity_work.kept_sources import KeptSources
from app.graph.jobs.sensitivity_work.known_sources import JOINING
from app.graph.jobs.sensitivity_work.read_budget import ReadBudget
from app.graph.jobs.sensitivity_work.recompute import Recomputation
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.propagation.target_queue import first_targets
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.touched import EVERYTHING, Touched
from app.graph.records.vertex_record import with_effective_sensitivity
from graphql_schema.catalog.relations import CARRYING
from graphql_schema.ports.record import Record
from graphql_schema.ports.turns.gradual_release import RELEASE
from policies.blurred_limit import blurred
from policies.sensitivity import SENSITIVITIES

BATCH: Final = 250
"""Maximal number of vertices that a batch takes from the frontier, and that a step writes under the lock, blurred."""

MAX_LATE: Final = 1_000
"""Number of transactions without a response above which all that was read is read again in each step."""

_log = structlog.get_logger(__name__)


class SensitivityJob(OutboxWorker):
    """Works off the entries for sensitivity. ``stops`` are the kinds to which no sensitivity propagates.

    It watches the writes of the client, because a recomputation continues over several steps. What a transaction
    without a response touches is read again in each step, until the transaction counts as ended.
    """

    name = "sensitivity"

    def __init__(
        self,
        client: GremlinClient,
        lock: AbstractAsyncContextManager[None],
        outbox: Outbox,
        stops: frozenset[str],
        clock: Callable[[], int] = epoch_milliseconds,
    ) -> None:
        super().__init__(client, lock, outbox, clock)
        self._stops = stops
        self._begun: dict[int, Recomputation] = {}
        self._kept = KeptSources()
        self._turns = TurnOrder[Caller]()
        self._loads = 0
        self._late: list[Touched] = []
        self._late_until = 0.0
        client.write_watches.append(self)

    def begun(self, touched: Touched) -> None:
        """Let what a transaction touches be read again."""
        self._kept.record(touched)
        for each in self._begun.values():
            each.known.record(touched)

    def ended(self, touched: Touched, *, certain: bool) -> None:
        """Let what a transaction has touched be read again; if not ``certain``, in each step for LATE_SECONDS."""
        self.begun(touched)
        if not certain:
            self._late = [*self._late, touched] if len(self._late) < MAX_LATE else [EVERYTHING]
            self._late_until = monotonic() + LATE_SECONDS

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Work on one of the entries ``due`` for one step; return whether there is one."""
        if self._loads != self._outbox.loads:
            self._loads = self._outbox.loads
            self._begun = {x: each for x, each in self._begun.items() if x in self._outbox}
            for each in self._begun.values():
                each.begin_again()  # The frontier may be another one. The watch keeps what was read right,
            if self._client.write_order is not None:  # unless edges ended while another process had the lease.
                self.begun(EVERYTHING)
        oldest: dict[Caller, OutboxEntry] = {}
        for entry in due:
            oldest.setdefault(entry.caller, entry)
        if oldest:
            with self._turns.turn(oldest) as caller:
                await self._advance(oldest[caller])
        return bool(due)

    async def _advance(self, entry: OutboxEntry) -> None:
        flows = StoredFlows(self._client, self._stops, self._clock())
        if entry.x not in self._begun:
            self._outbox.begin(entry)
            self._begun[entry.x] = Recomputation(flows.now, blurred(BATCH), self._kept.take(entry.caller))
            self._let_ends_be_read(entry)  # also by this entry, whatever is kept for it
        recomputation = self._begun[entry.x]
        if monotonic() < self._late_until:
            for touched in self._late:
                recomputation.known.record(touched)
        else:
            self._end_late()
        budget = ReadBudget()
        if not await self._expanded(entry, recomputation, flows, budget.visits):
            return
        await recomputation.begin_step()
        if not recomputation.batch:
            recomputation.begin_batch(islice(entry.frontier, blurred(BATCH)))
        is_decided = await recomputation.decide(flows, budget)
        if is_decided and recomputation.may_store(budget.visits):
            await self._store(entry, recomputation, flows, budget.visits)
        if not (entry.frontier or recomputation.targets):
            await self._end(entry, recomputation, flows.now, budget.visits)

    def _end_late(self) -> None:
        """Let what transactions without a response touch be read again for the last time."""
        for touched in self._late:
            self.begun(touched)
        self._late = []

    async def _expanded(
        self, entry: OutboxEntry, recomputation: Recomputation, flows: StoredFlows, budget: VisitBudget
    ) -> bool:
        """Add a page of the targets of ``expand`` to the frontier; return whether all are added.

        In the store, the entry keeps ``expand`` until the work is done.
        """
        if not recomputation.has_expanded:
            recomputation.targets.add(entry.expand)
            recomputation.has_expanded = True
        if recomputation.targets:
            found = await recomputation.targets.next_targets(flows, budget)
            entry.frontier |= dict.fromkeys(found)
            recomputation.depend(found)
        return not recomputation.targets

    async def _end(self, entry: OutboxEntry, recomputation: Recomputation, now: int, budget: VisitBudget) -> None:
        """Delete the entry, whose work is done, once the next end that it awaits is found."""
        following = []
        if entry.awaits is not None:  # edges that ended during the work may have counted
            end = await search_of_step(
                self._client, self._outbox, entry, recomputation.next_end, recomputation.begun_at
            )
            recomputation.next_end = end
            if not await end.advance(self._client, budget):
                return
            following = self._outbox.following(entry, end.due, now)
        await self._outbox.done(self._client, entry, followed_by=following)
        RELEASE.free([self._begun.pop(entry.x)])  # 400,000 vertices would be freed in one callback
        self._kept.keep(entry.caller, recomputation.known)
        _log.info("sensitivity_recomputed", tenant=entry.tenant, floor=entry.floor and entry.floor.level)

    def _let_ends_be_read(self, entry: OutboxEntry) -> None:
        """Let edges at the assets at which some have ended be read again: no write has announced their end."""
        ends = frozenset(("in", label, vid) for vid in entry.awaits or () if vid for label in (*CARRYING, *JOINING))
        self.begun(Touched(edge_ends=ends))

    async def _store(
        self, entry: OutboxEntry, recomputation: Recomputation, flows: StoredFlows, budget: VisitBudget
    ) -> None:
        """Write a part of the changed records, or divide it if it is too large; end the batch with its last one.

        A single vertex that the store refuses fails the entry. Its floor, or the stored sensitivity that is too strict,
        then stays in force.
        """
        ranks = recomputation.next_part()
        if ranks:
            try:
                size = await self._write(entry, recomputation, flows, ranks, budget)
            except WriteRefusedError:
                if len(ranks) == 1:
                    _log.error("sensitivity_vertex_failed", vertex=next(iter(ranks)))
                    raise
                size = len(ranks) // 2
            if size < len(ranks):
                recomputation.divide(size)
                return
        if recomputation.is_stored:
            for vid in recomputation.batch:
                if vid not in recomputation.again:
                    del entry.frontier[vid]
            recomputation.begin_batch(())

    async def _write(
        self,
        entry: OutboxEntry,
        recomputation: Recomputation,
        flows: StoredFlows,
        ranks: Mapping[int, int],
        budget: VisitBudget,
    ) -> int:
        """Write the records of a part with their new ``ranks``, and the vertices to recompute next.

        Return how many of them one transaction may have: if that is less than all, nothing is written. If the budget
        does not suffice to read the targets of those that are written, the next steps read them: the entry has
        ``expand`` for this.
        """
        writes = WriteSet()

        def add(vid: int, record: Record) -> None:
            writes.vertex(vid, self._with_rank(entry, vid, record, ranks[vid]), before=record)

        if (count := await add_records(self._client, writes, [*ranks], add)) < len(ranks):
            return count
        first = await first_targets(flows, ranks, budget)
        further = first.found | {vid for vid in ranks if vid not in entry.frontier}
        writes.extend_frontier(entry, further)
        expand = entry.expand | dict.fromkeys(first.unread)
        if first.unread:
            writes.update_entry(replace(entry, expand=expand))
        await writes.submit(self._client)
        entry.expand = expand
        entry.frontier |= dict.fromkeys(further)
        recomputation.targets.add(first.unread)
        recomputation.stored(ranks, further)
        return len(ranks)

    def _with_rank(self, entry: OutboxEntry, vid: int, record: Record, rank: int) -> Record:
        """Return a record with a new rank of its sensitivity.

        A raise is confirmed or not by the writes that raise the vertex, whichever entry comes to it first. It is a
        raise by ``entry`` only if there is none: a cycle was lowered while something in it was raised again.
        """
        may_link, level = self._outbox.floors.may_link, SENSITIVITIES[rank]
        after = with_floors(self._outbox.floors_of(entry.tenant, vid), may_link, record, rank)
        if after["sensitivity"] == level:
            return after
        return with_effective_sensitivity(after, level, confirmed=confirms(may_link, entry.raised_by, record))
