"""Sources and ranks that the sensitivity job has read, kept from step to step until they are written.

They are kept for the next entry of the caller, too (:mod:`app.graph.jobs.sensitivity_work.kept_sources`).

Writers run between the steps of the job. What their transactions touch is recorded, and forgotten before the next step
reads. An edge on which something known depends is looked up instead, so that the sources of its target stay
(:mod:`app.graph.jobs.sensitivity_work.source_index`). After both, what is known is as stored. A rank is that of a
sensitivity (:data:`policies.sensitivity.RANK`).

Decisions that are under way stay right unless something that they used is another than before. It is therefore read
again and compared; most writes change neither ranks nor sources. What is known is replaced only by an edge that is
looked up, and then compared. A request may show what another process has written meanwhile, which is learned later.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice
from math import inf
from typing import Final

from app.graph.cache.fill import Forbidden
from app.graph.jobs.id_queue import IdQueue, take_first
from app.graph.jobs.sensitivity_work.read_budget import MAX_BEHIND, MAX_VERTICES, VISITS_OF_LOOKUP, ReadBudget
from app.graph.jobs.sensitivity_work.source_index import SourceIndex
from app.graph.propagation.edge_lookups import CARRIED, EDGES_AT_ONCE, EdgeLookup, lookups_of
from app.graph.propagation.source_reading import SourceEdges, SourceReading
from app.graph.propagation.sources import group_of, is_group
from app.graph.propagation.stored_flows import MANY_EDGES, StoredFlows
from app.graph.records.edge_record import EdgeKey
from app.graph.records.touched import Touched
from graphql_schema.catalog.kinds import NAME_OF_CODE
from graphql_schema.catalog.relations import CARRYING, PARENT_HOPS
from graphql_schema.execution.side_thread import LONG_PART_SECONDS, run_in_parts, run_in_turn
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Record
from graphql_schema.ports.turns.gradual_release import RELEASE
from policies.sensitivity import RANK, SENSITIVITIES

AT_ONCE: Final = 250
"""Maximal number of vertices of which one request reads the sources, or the records."""

FEW: Final = 20
"""Maximal number of vertices whose records one request returns with their edges, once records were large.

Of more, further requests read the unknown ranks only.
"""

MAX_RESTARTS: Final = 2
"""Number of times that the reading of some sources begins again, because of writes between its pages.

The next step then reads all its pages, and a further page of other sources, so that the work ends. Only edges that are
not looked up let it begin again: those that end by their time, more than MAX_LOOKUPS, or those of a large transaction
of another process.
"""

MAX_LOOKUPS: Final = 10_000
"""Number of written edges above which they are not looked up: their targets are forgotten, and read again.

Those that are written during a long reading count as well. They are looked up after it.
"""

MAX_WRITTEN: Final = 100_000
"""Number of vertices and ends of edges, written since the last step, above which everything is forgotten."""

_KEYS: Final = ("kind", "sensitivity", "declaredSensitivity")

JOINING: Final = frozenset(hop.relation.name for hop in PARENT_HOPS.values())
"""Relations between the children and parents of asset groups: the sources of a target of the parent depend on these."""


@dataclass(slots=True)
class KnownSources(SourceIndex):
    """The sources of vertices, and the stored effective ``ranks`` and ``declared`` ranks, by vertex id.

    A vertex that is not stored has the rank 0. A group declares nothing, and has the highest rank, so that a walk
    continues to its members. Vertices that were found to be of a kind to which nothing propagates are in ``stopped``,
    and have no sources.
    """

    ranks: dict[int, int] = field(default_factory=dict)
    declared: dict[int, int] = field(default_factory=dict)
    has_large: bool = False
    kept_until: float = inf
    _written: Forbidden = field(default_factory=Forbidden)
    """What was written; of edges, only the ends of those that ``_written_edges`` does not have."""
    _written_edges: set[EdgeKey] = field(default_factory=set)
    _last: Touched | None = None
    """The transaction whose edges were recorded last: each part of a large one has all of them."""
    _to_look_up: dict[EdgeLookup, None] = field(default_factory=dict)
    """Edges that are to be looked up before anything that is known is used."""
    _behind: int = 0
    """The number of steps that ended before all edges were looked up."""
    _expanding: SourceReading | None = None
    """The reading of the children of new sources, over several steps if they are very many."""
    used: Container[int] = ()
    _used_ranks: dict[int, tuple[int, int]] = field(default_factory=dict)
    _used_sources: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _reading: SourceReading | None = None
    _written_meanwhile: dict[EdgeLookup, None] = field(default_factory=dict)
    """Edges that were written since the begin of ``_reading`` or ``_expanding``, and may belong to it."""
    _restarts: int = 0
    """How often ``_reading`` has begun again."""
    _expansion_restarts: int = 0
    """How often ``_expanding`` has begun again."""

    @property
    def size(self) -> int:
        """The number of vertices of which something is known, and of known sources."""
        return len(self.ranks) + len(self.of) + len(self.stopped) + len(self.expanded) + self.pairs

    def end_entry(self, kept_until: float) -> None:
        """Forget the decision of the finished entry, and an unfinished reading; ranks and sources stay.

        They are kept until the instant ``kept_until``, or the one that was given first.
        """
        self.no_longer_used()
        self._end_reading()
        self.kept_until = min(self.kept_until, kept_until)

    def record(self, touched: Touched) -> None:
        """Record what a transaction touches."""
        if self._written.everything:
            return
        complete = touched.divided or touched
        if complete.edges is None:
            self._written.add(touched)
        else:
            self._written.vertices |= touched.vertices
            if complete is not self._last:
                self._last = complete
                self._written_edges |= complete.edges
        if len(self._written) + len(self._written_edges) > MAX_WRITTEN or self._written.everything:
            self._written, self._written_edges = Forbidden(everything=True), set()

    async def forget_written(self, used: Container[int]) -> bool:
        """Forget what was recorded since the last call; return whether nothing is known any more.

        What of it is ``used`` is read again by :meth:`read_used`. Up to MAX_LOOKUPS edges are not forgotten: see
        :meth:`look_up_written`.
        """
        written, self._written, self.used = self._written, Forbidden(), used
        edges, self._written_edges, self._last = self._written_edges, set(), None
        if written.everything:
            self._forget_everything()
            return True
        ends = written.edge_ends
        joined = {vid for _, label, vid in ends if label in JOINING}
        carried = {vid for direction, label, vid in ends if direction == "in" and label in CARRYING}
        turns = OperationBudget()
        async for edge in turns.in_turns(edges):
            for lookup in lookups_of(edge):
                self._let_be_looked_up(lookup)
        if len(self._to_look_up | self._written_meanwhile) > MAX_LOOKUPS:
            async for number, near, far in turns.in_turns([*self._to_look_up, *self._written_meanwhile]):
                (carried if number == CARRIED else joined).add(near)
                if number != CARRIED:
                    joined.add(far)
            self._to_look_up, self._written_meanwhile = {}, {}
        self._begin_again(carried, joined)
        async for vid in turns.in_turns(written.vertices):
            self._forget_rank(vid)
        reached = joined | carried
        async for parent in turns.in_turns(joined):
            targets = (*self.targets.get(parent, ()), *self.targets.get(group_of(parent), ()))
            reached.update((vid for vid in targets if not is_group(vid)), (group_of(parent),))
        async for vid in turns.in_turns(reached):
            self._remember(vid)
            await run_in_turn(self.forget_sources, self.are_many((vid,)), vid)
        return False

    def _let_be_looked_up(self, lookup: EdgeLookup) -> None:
        """Let an edge be looked up if something depends on it that is known, or is being read."""
        if self.is_known(lookup):
            self._to_look_up[lookup] = None
        if any(reading is not None and reading.depends_on(lookup) for reading in (self._reading, self._expanding)):
            self._written_meanwhile[lookup] = None

    def _begin_again(self, carried: set[int], joined: set[int]) -> None:
        """Let readings begin again to which edges may belong that are not looked up."""
        if self._reading is not None and self._reading.is_changed(carried, joined):
            self._reading, self._restarts = None, self._restarts + 1
        if self._expanding is not None and not joined.isdisjoint(self._expanding.starts):
            self._expanding, self._expansion_restarts = None, self._expansion_restarts + 1
        if self._reading is None and self._expanding is None:
            self._written_meanwhile = {}

    def _forget_everything(self) -> None:
        RELEASE.free([self.ranks, self.declared, self.of, self.targets, self.edges, self.expanded])
        self.ranks, self.declared, self.of, self.targets, self.stopped, self.pairs = {}, {}, {}, {}, set(), 0
        self.edges, self.expanded, self._to_look_up, self.has_large = SourceEdges(), set(), {}, False
        restarts = self._restarts + (self._reading is not None)
        self._end_reading()
        self._restarts = restarts
        self.no_longer_used()

    def _end_reading(self) -> None:
        self._reading = self._expanding = None
        self._restarts, self._expansion_restarts, self._written_meanwhile = 0, 0, {}

    async def look_up_written(self, flows: StoredFlows, budget: ReadBudget) -> bool:
        """Look up the edges that were written, and change what is known; return whether all are looked up.

        If not, the budget is spent. The children of new sources are read first, over several steps if they are very
        many; then their edges are looked up again. If the look-ups spend the budget, one further page may be read in
        this step. If it fails on the way, nothing is known any more.
        """
        while self._to_look_up or self._expanding is not None:
            if self._expanding is not None:
                if budget.is_spent and not (self._must_expand or budget.take_further()):
                    return False
                await self._expand(flows, self._expanding, budget)
                continue
            if budget.is_spent and self._behind < MAX_BEHIND:
                self._behind += 1
                return False
            some = [*islice(self._to_look_up, EDGES_AT_ONCE)]
            current = await flows.current_edges(some)
            budget.requests -= 1
            budget.visits.spend(VISITS_OF_LOOKUP * len(some))
            budget.allow_further()
            if opened := self.unexpanded(current):
                self._expanding = flows.child_reading(opened)
            else:
                await self._set_current(some, current)
        self._behind = 0
        return True

    async def _set_current(self, some: Collection[EdgeLookup], current: Container[EdgeLookup]) -> None:
        """Change what is known by edges that were looked up, of which those in ``current`` are current."""
        parents = {far for number, _, far in some if number != CARRIED}
        changed = len(some) + sum(len(self.targets.get(vid, ())) for far in parents for vid in (far, group_of(far)))
        with ExitStack() as failing:
            failing.callback(self._forget_everything)
            for lookup in some:
                del self._to_look_up[lookup]
            steps = self.changes(some, current)
            changes = await run_in_parts(steps, is_long=changed > FEW, seconds=LONG_PART_SECONDS)
            async for vid, change in OperationBudget().in_turns(changes.items()):
                self._remember(vid)
                self.apply(vid, change)
                if is_group(vid) and vid in self.of:
                    self._rank_group(vid)
            failing.pop_all()

    async def _expand(self, flows: StoredFlows, reading: SourceReading, budget: ReadBudget) -> None:
        """Read a page of the children of new sources."""
        records, left = await flows.next_sources(reading, budget.visits, _KEYS, MAX_VERTICES)
        self._spend(budget, records, left)
        await self._add_ranks(flows, records)
        if not reading.pages.is_read:
            return
        is_long = reading.size >= MANY_EDGES
        for group in await run_in_turn(self.add_children, is_long, reading.edges, reading.starts):
            self._rank_group(group)
        self._expanding, self._expansion_restarts = None, 0
        self._to_look_up |= dict.fromkeys(filter(self.is_known, self._written_meanwhile))

    def no_longer_used(self, used: Container[int] = ()) -> None:
        """Let nothing that was forgotten be read again, and compare what is ``used`` from now on."""
        self._used_ranks, self._used_sources, self.used = {}, {}, used

    async def read_used(self, flows: StoredFlows, budget: ReadBudget) -> bool:
        """Read what was forgotten although it was used; return whether all of it is known now."""
        if not await self.read(flows, self._used_sources, budget):
            return False
        unranked = dict.fromkeys(vid for vid in self._used_ranks if vid not in self.ranks)
        return await self._read_unranked(flows, unranked, budget)

    async def compare_used(self) -> tuple[bool, bool]:
        """Return whether something that :meth:`read_used` has read is another than before, and whether something rose.

        A rank or a declared rank may rise, or a source be added. A group of which no target is known any more counts as
        one that rose. The next call compares what is forgotten until then.
        """
        found = await run_in_turn(self._compare_used, self.are_many(self._used_sources))
        self.no_longer_used()
        return found

    def _compare_used(self) -> tuple[bool, bool]:
        ranks = [((self.ranks[vid], self.declared[vid]), before) for vid, before in self._used_ranks.items()]
        sources = [({*self.of.get(vid, ())}, {*before}) for vid, before in self._used_sources.items()]
        has_risen = any(now[0] > before[0] or now[1] > before[1] for now, before in ranks)
        has_more = any(not now <= before for now, before in sources) or not self._used_sources.keys() <= self.of.keys()
        return any(now != before for now, before in [*ranks, *sources]), has_risen or has_more

    async def read(self, flows: StoredFlows, vids: Collection[int], budget: ReadBudget) -> bool:
        """Read the sources of vertices and groups, and the ranks of both and of members, as far as they are unknown.

        Return whether all are known now; otherwise the budget is spent.
        """
        turns = OperationBudget()
        while True:
            if not await self.look_up_written(flows, budget):
                return False
            unread = {vid: None async for vid in turns.in_turns(vids) if not (vid in self.of or is_group(vid))}
            if not unread:
                break
            while unread:
                if budget.is_spent and not (self._must_go_on or budget.take_further()):
                    return False
                for vid in await self._read_sources(flows, unread, budget):
                    unread.pop(vid, None)
        unranked = await run_in_turn(self._all_unranked, self.are_many(vids), vids)
        return await self._read_unranked(flows, unranked, budget)

    async def _read_unranked(self, flows: StoredFlows, unranked: IdQueue, budget: ReadBudget) -> bool:
        """Read the ranks of all these vertices; return whether all are known now, otherwise the budget is spent."""
        while unranked:
            if budget.is_spent_for_ranks:
                return False
            unranked |= dict.fromkeys(await self._read_ranks(flows, take_first(unranked, AT_ONCE), budget))
        return True

    def are_many(self, vids: Iterable[int]) -> bool:
        """Return whether vertices have so many known sources that these are processed in the side thread.

        The members of their groups count, each group once.
        """
        sources = [self.of.get(vid, ()) for vid in vids]
        count = sum(map(len, sources))
        if count < MANY_EDGES:
            count += sum(len(self.of.get(group, ())) for group in {*filter(is_group, chain.from_iterable(sources))})
        return count >= MANY_EDGES

    def _all_unranked(self, vids: Iterable[int]) -> IdQueue:
        """Return the vertices, their sources and the members of groups, of which the rank is to be read."""
        near = {each: None for vid in vids if vid in self.of for each in (vid, *self.of[vid])}
        members = {each: None for group in filter(is_group, near) for each in self.of[group]}
        return {each: None for each in near | members if each not in self.ranks}

    @property
    def _must_go_on(self) -> bool:
        """Whether a reading has begun again so often that the step ends with its last page."""
        return self._reading is not None and self._restarts >= MAX_RESTARTS

    @property
    def _must_expand(self) -> bool:
        """Whether that holds for the reading of the children of new sources."""
        return self._expanding is not None and self._expansion_restarts >= MAX_RESTARTS

    async def _read_sources(self, flows: StoredFlows, unread: IdQueue, budget: ReadBudget) -> Sequence[int]:
        """Read a page of the sources of some vertices, and the ranks of both, as far as one request has their records.

        After a request that left out large records, a page of more than FEW vertices has none. Their unknown ranks are
        then read apart, so that large records are not read repeatedly. Return the vertices of which all sources are
        known with this page.
        """
        reading = self._reading = self._reading or flows.source_reading(list(islice(unread, AT_ONCE)))
        max_records = min(FEW, MAX_VERTICES) if self.has_large else MAX_VERTICES
        records, left = await flows.next_sources(reading, budget.visits, _KEYS, max_records)
        self._spend(budget, records, left)
        await self._add_ranks(flows, records)
        if not reading.pages.is_read:
            return ()
        budget.further += self._must_go_on
        self._to_look_up |= self._written_meanwhile
        self._reading, self._restarts = None, 0
        if self._expanding is None:
            self._written_meanwhile = {}
        for group in await run_in_turn(self.add, reading.size >= MANY_EDGES, reading):
            self._rank_group(group)
        return reading.vids

    def _rank_group(self, group: int) -> None:
        self.ranks[group], self.declared[group] = len(SENSITIVITIES) - 1, 0

    async def _read_ranks(self, flows: StoredFlows, vids: list[int], budget: ReadBudget) -> list[int]:
        """Read the ranks of some vertices by one request; return the vertices that its size leaves out."""
        records, left = await flows.first_records(vids, _KEYS)
        await self._add_ranks(flows, records)
        for vid in {*vids}.difference(records, left):
            self.ranks[vid] = self.declared[vid] = 0
        self._spend(budget, records, left)
        budget.of_ranks += 1
        return left

    def _spend(self, budget: ReadBudget, records: Collection[int], left: Collection[int]) -> None:
        budget.spend(len(records), left)
        self.has_large |= bool(left)

    async def _add_ranks(self, flows: StoredFlows, records: Mapping[int, Record]) -> None:
        new = ((vid, record) for vid, record in records.items() if vid not in self.ranks)
        async for vid, record in OperationBudget().in_turns(new):
            self.ranks[vid] = RANK[record["sensitivity"]]
            self.declared[vid] = RANK[record["declaredSensitivity"]]
            if NAME_OF_CODE[record["kind"]] in flows.stops:
                self.stopped.add(vid)
                await run_in_turn(self.set_sources, self.are_many((vid,)), vid, ())

    def _forget_rank(self, vid: int) -> None:
        rank, declared = self.ranks.pop(vid, None), self.declared.pop(vid, 0)
        if rank is not None and vid in self.used:
            self._used_ranks.setdefault(vid, (rank, declared))

    def _remember(self, vid: int) -> None:
        """Let the sources of a vertex or group be compared with what they were, if they were used."""
        if vid in self.used and vid in self.of:
            self._used_sources.setdefault(vid, self.of[vid])
