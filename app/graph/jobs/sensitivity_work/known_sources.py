"""Sources and ranks that the sensitivity job has read, kept from step to step until they are written.

They are kept for the next entry of the caller, too (:mod:`app.graph.jobs.sensitivity_work.kept_sources`).

Writers run between the steps of the job. What their transactions touch is recorded, and forgotten before the next step
reads: what is left is as stored. A rank is that of a sensitivity (:data:`policies.sensitivity.RANK`).

Decisions that are under way stay right unless something that they used is another than before. It is therefore read
again and compared; most writes change neither ranks nor sources. What is known is not replaced before it is forgotten,
although a request may show what another process has written meanwhile: that would not be compared.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from math import inf
from typing import Final

from app.graph.cache.fill import Forbidden
from app.graph.driver.edge_pages import VisitBudget
from app.graph.jobs.id_queue import IdQueue, take_first
from app.graph.propagation.source_reading import SourceReading
from app.graph.propagation.sources import group_of, is_group
from app.graph.propagation.stored_flows import MANY_EDGES, StoredFlows
from app.graph.records.touched import Touched
from graphql_schema.catalog.kinds import NAME_OF_CODE
from graphql_schema.catalog.relations import CARRYING, PARENT_HOPS
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Record
from policies.sensitivity import RANK, SENSITIVITIES

AT_ONCE: Final = 250
"""Maximal number of vertices of which one request reads the sources, or the records."""

MAX_REQUESTS: Final = 40
"""Maximal number of requests for sources and records in one step of the job, which holds the lock of the writers."""

MAX_VERTICES: Final = 5_000
"""Number of vertices after which a step sends no further request; one that finds more returns no records of them."""

FEW: Final = 20
"""Maximal number of vertices whose records one request returns with their edges, once records were large.

Of more, further requests read the unknown ranks only.
"""

MIN_REQUESTS: Final = 10
"""Number of requests for ranks that each step sends if ranks are missing, whatever it has read before.

Writers may change the edges of a vertex with many sources between all steps: each step then reads these anew.
"""

MAX_RESTARTS: Final = 2
"""Number of times that the reading of some sources begins again, because of writes between its pages.

The next step then reads all its pages, and a further page of other sources, so that the work ends. That is the step of
a caller who writes edges to an asset with more than a page of them again and again.
"""

MAX_PARTS: Final = 5
"""Number of requests, each of which has read PART_SIZE bytes of records, after which a step sends no further.

The store takes 40 ms for one of them, and all writers wait.
"""

MAX_WRITTEN: Final = 100_000
"""Number of vertices and ends of edges, written since the last step, above which everything is forgotten."""

_KEYS: Final = ("kind", "sensitivity", "declaredSensitivity")

JOINING: Final = frozenset(hop.relation.name for hop in PARENT_HOPS.values())
"""Relations between the children and parents of asset groups: the sources of a target of the parent depend on these."""


@dataclass(slots=True)
class ReadBudget:
    """What one step of the job may still read; ``of_ranks`` are those of its requests that read ranks alone.

    ``vertices`` are those whose records are read, and ``visits`` the edges that the store goes through. ``further`` is
    the number of pages of sources that the step reads although all this is spent.
    """

    requests: int = MAX_REQUESTS
    vertices: int = MAX_VERTICES
    parts: int = MAX_PARTS
    of_ranks: int = 0
    further: int = 0
    visits: VisitBudget = field(default_factory=VisitBudget)

    @property
    def is_spent(self) -> bool:
        """Whether the step must end before its next request."""
        return self.vertices <= 0 or self.requests <= 0 or self.parts <= 0 or self.visits.is_spent

    def take_further(self) -> bool:
        """Return whether the step may read a further page of sources, and count it."""
        is_left = self.further > 0
        self.further -= is_left
        return is_left

    @property
    def is_spent_for_ranks(self) -> bool:
        """Whether the step must end before its next request for ranks."""
        return self.parts <= 0 or (self.of_ranks >= MIN_REQUESTS and self.is_spent)

    def spend(self, vertices: int, left: Collection[int]) -> None:
        """Count a request that has read some vertices, and has left out others because of its size."""
        self.requests -= 1
        self.vertices -= vertices
        self.parts -= bool(left)


@dataclass(slots=True)
class KnownSources:
    """The stored effective ``ranks`` and ``declared`` ranks of vertices, and the sources ``of`` vertices, by vertex id.

    A vertex that is not stored has the rank 0. Groups are known as in :class:`app.graph.propagation.sources.Sources`: a
    group declares nothing, and has the highest rank, so that a walk continues to its members. Vertices that were found
    to be of a kind to which nothing propagates are in ``stopped``, and have no sources. ``targets`` is the inverse of
    ``of``: a join of one parent does not go through all that is known.
    """

    ranks: dict[int, int] = field(default_factory=dict)
    declared: dict[int, int] = field(default_factory=dict)
    of: dict[int, tuple[int, ...]] = field(default_factory=dict)
    targets: dict[int, set[int]] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)
    pairs: int = 0
    has_large: bool = False
    kept_until: float = inf
    _written: Forbidden = field(default_factory=Forbidden)
    _used_ranks: dict[int, tuple[int, int]] = field(default_factory=dict)
    _used_sources: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _reading: SourceReading | None = None
    _restarts: int = 0

    @property
    def size(self) -> int:
        """The number of vertices of which something is known, and of known sources."""
        return len(self.ranks) + len(self.of) + len(self.stopped) + self.pairs

    def end_entry(self, kept_until: float) -> None:
        """Forget the decision of the finished entry, and an unfinished reading; ranks and sources stay.

        They are kept until the instant ``kept_until``, or the one that was given first.
        """
        self.no_longer_used()
        self._reading, self._restarts = None, 0
        self.kept_until = min(self.kept_until, kept_until)

    def record(self, touched: Touched) -> None:
        """Record what a transaction touches."""
        if self._written.everything:
            return
        self._written.add(touched)
        if len(self._written) > MAX_WRITTEN or self._written.everything:
            self._written = Forbidden(everything=True)

    async def forget_written(self, used: Container[int]) -> bool:
        """Forget what was recorded since the last call; return whether nothing is known any more.

        What of it is ``used`` is read again by :meth:`read_used`.
        """
        written, self._written = self._written, Forbidden()
        ends = written.edge_ends
        joined = {vid for _, label, vid in ends if label in JOINING}
        carried = {vid for direction, label, vid in ends if direction == "in" and label in CARRYING}
        if self._reading is not None and (written.everything or self._reading.is_changed(carried, joined)):
            self._reading, self._restarts = None, self._restarts + 1
        if written.everything:
            self.ranks, self.declared, self.of, self.targets, self.stopped, self.pairs = {}, {}, {}, {}, set(), 0
            self.has_large = False
            self.no_longer_used()
            return True
        turns, reached = OperationBudget(), joined | carried
        async for vid in turns.in_turns(written.vertices):
            self._forget_rank(vid, used)
        async for parent in turns.in_turns(joined):
            targets = (*self.targets.get(parent, ()), *self.targets.get(group_of(parent), ()))
            reached.update((vid for vid in targets if not is_group(vid)), (group_of(parent),))
        async for vid in turns.in_turns(reached):
            self._forget_sources(vid, used)
        return False

    def no_longer_used(self) -> None:
        """Let nothing that was forgotten be read again."""
        self._used_ranks, self._used_sources = {}, {}

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
        unread = {vid: None async for vid in turns.in_turns(vids) if not (vid in self.of or is_group(vid))}
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
        self._reading, self._restarts = None, 0
        await run_in_turn(self._add_sources, reading.size >= MANY_EDGES, reading)
        return reading.vids

    def _add_sources(self, reading: SourceReading) -> None:
        """Add the sources of a reading, whose pages are all read."""
        of = reading.sources()
        for vid in (*reading.vids, *filter(is_group, of)):
            if vid not in self.of:
                self.set_sources(vid, () if vid in self.stopped else tuple(of.get(vid, ())))
        for group in filter(is_group, of):
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
                self.set_sources(vid, ())

    def set_sources(self, vid: int, sources: tuple[int, ...]) -> None:
        """Set the sources of a vertex or group."""
        before = self.of.get(vid, ())
        for source in before:
            self.targets[source].discard(vid)
            if not self.targets[source]:
                del self.targets[source]
        self.of[vid] = sources
        self.pairs += len(sources) - len(before)
        for source in sources:
            self.targets.setdefault(source, set()).add(vid)

    def _forget_rank(self, vid: int, used: Container[int]) -> None:
        rank, declared = self.ranks.pop(vid, None), self.declared.pop(vid, 0)
        if rank is not None and vid in used:
            self._used_ranks.setdefault(vid, (rank, declared))

    def _forget_sources(self, vid: int, used: Container[int]) -> None:
        """Forget the sources of a vertex or group. Those of a group are read with a target of its parent."""
        if vid in self.of:
            if vid in used:
                self._used_sources.setdefault(vid, self.of[vid])
            self.set_sources(vid, ())
            del self.of[vid]
