"""Sources and ranks that the sensitivity job has read, kept from step to step until they are written.

Writers run between the steps of the job. What their transactions touch is recorded, and forgotten before the next step
reads: what is left is as stored. A rank is that of a sensitivity (:data:`policies.sensitivity.RANK`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.graph.cache.fill import Forbidden
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

MIN_REQUESTS: Final = 10
"""Number of requests within which a step reads further ranks, also after MAX_VERTICES vertices.

Writers may change the edges of a vertex with many sources between all steps: each step then reads these anew.
"""

MAX_RESTARTS: Final = 2
"""Number of times that the reading of some sources begins again, because of writes between its pages.

The next step then reads all its pages, so that the work ends. That is the step of a caller who writes edges to an asset
with more than a page of them again and again.
"""

MAX_PARTS: Final = 5
"""Number of requests, each of which has read PART_SIZE characters of records, after which a step sends no further."""

MAX_WRITTEN: Final = 100_000
"""Number of vertices and ends of edges, written since the last step, above which everything is forgotten."""

_KEYS: Final = ("kind", "sensitivity", "declaredSensitivity")

JOINING: Final = frozenset(hop.relation.name for hop in PARENT_HOPS.values())
"""Relations between the children and parents of asset groups: the sources of a target of the parent depend on these."""


@dataclass(slots=True)
class ReadBudget:
    """What one step of the job may still read."""

    requests: int = MAX_REQUESTS
    vertices: int = MAX_VERTICES
    parts: int = MAX_PARTS

    @property
    def is_spent(self) -> bool:
        """Whether the step must end before its next request."""
        return self.vertices <= 0 or self.is_spent_for_ranks

    @property
    def is_spent_for_ranks(self) -> bool:
        """Whether the step must end before its next request for ranks."""
        has_many = self.vertices <= 0 and self.requests <= MAX_REQUESTS - MIN_REQUESTS
        return self.requests <= 0 or self.parts <= 0 or has_many

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
    to be of a kind to which nothing propagates are in ``stopped``, and have no sources.
    """

    ranks: dict[int, int] = field(default_factory=dict)
    declared: dict[int, int] = field(default_factory=dict)
    of: dict[int, tuple[int, ...]] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)
    _written: Forbidden = field(default_factory=Forbidden)
    _reading: SourceReading | None = None
    _restarts: int = 0

    def record(self, touched: Touched) -> None:
        """Record what a transaction touches."""
        self._written.add(touched)
        if len(self._written) > MAX_WRITTEN or self._written.everything:
            self._written = Forbidden(everything=True)

    def forget_written(self) -> bool:
        """Forget what was recorded since the last call; return whether any of that was known."""
        size = len(self.ranks) + len(self.of)
        written, self._written = self._written, Forbidden()
        self._forget(written)
        return written.everything or len(self.ranks) + len(self.of) < size

    async def read(self, flows: StoredFlows, vids: Collection[int], budget: ReadBudget) -> bool:
        """Read the sources of vertices and groups, and the ranks of both and of members, as far as they are unknown.

        Return whether all are known now; otherwise the budget is spent.
        """
        turns = OperationBudget()
        unread = {vid: None async for vid in turns.in_turns(vids) if vid not in self.of}
        while unread:
            if budget.is_spent and not self._must_go_on:
                return False
            for vid in await self._read_sources(flows, unread, budget):
                unread.pop(vid, None)
        unranked = await run_in_turn(self._all_unranked, self.size(vids) >= MANY_EDGES, vids)
        while unranked:
            if budget.is_spent_for_ranks:
                return False
            unranked |= dict.fromkeys(await self._read_ranks(flows, take_first(unranked, AT_ONCE), budget))
        return True

    def size(self, vids: Iterable[int]) -> int:
        """Return the number of known sources of vertices, those of groups not counted."""
        return sum(len(self.of.get(vid, ())) for vid in vids)

    def _all_unranked(self, vids: Iterable[int]) -> IdQueue:
        """Return the vertices, their sources and the members of groups, of which the rank is to be read."""
        near = {each: None for vid in vids for each in (vid, *self.of[vid])}
        members = {each: None for group in filter(is_group, near) for each in self.of[group]}
        return {each: None for each in near | members if each not in self.ranks}

    @property
    def _must_go_on(self) -> bool:
        """Whether a reading has begun again so often that the step ends with its last page."""
        return self._reading is not None and self._restarts >= MAX_RESTARTS

    async def _read_sources(self, flows: StoredFlows, unread: IdQueue, budget: ReadBudget) -> Sequence[int]:
        """Read a page of the sources of some vertices, and the ranks of both, as far as one request has their records.

        Return the vertices of which all sources are known with this page.
        """
        reading = self._reading = self._reading or flows.source_reading(list(islice(unread, AT_ONCE)))
        is_further = reading.pages.has_begun
        records, left = await flows.next_sources(reading, _KEYS, MAX_VERTICES)
        has_several = is_further or not reading.pages.is_read  # the vertices without edges count as well
        budget.spend(max(len(records), reading.page_size, has_several * reading.pages.page), left)
        await self._add_ranks(flows, records)
        if not reading.pages.is_read:
            return ()
        self._reading, self._restarts = None, 0
        await run_in_turn(self._add_sources, reading.size >= MANY_EDGES, reading)
        return reading.vids

    def _add_sources(self, reading: SourceReading) -> None:
        """Add the sources of a reading, whose pages are all read."""
        of = reading.sources()
        for vid in (*reading.vids, *filter(is_group, of)):
            self.of[vid] = () if vid in self.stopped else tuple(of.get(vid, ()))
        for group in filter(is_group, of):
            self.ranks[group], self.declared[group] = len(SENSITIVITIES) - 1, 0

    async def _read_ranks(self, flows: StoredFlows, vids: list[int], budget: ReadBudget) -> list[int]:
        """Read the ranks of some vertices by one request; return the vertices that its size leaves out."""
        records, left = await flows.first_records(vids, _KEYS)
        await self._add_ranks(flows, records)
        for vid in {*vids}.difference(records, left):
            self.ranks[vid] = self.declared[vid] = 0
        budget.spend(len(records), left)
        return left

    async def _add_ranks(self, flows: StoredFlows, records: Mapping[int, Record]) -> None:
        async for vid, record in OperationBudget().in_turns(records.items()):
            self.ranks[vid] = RANK[record["sensitivity"]]
            self.declared[vid] = RANK[record["declaredSensitivity"]]
            if NAME_OF_CODE[record["kind"]] in flows.stops:
                self.stopped.add(vid)
                self.of[vid] = ()

    def _forget(self, touched: Forbidden) -> None:
        if touched.everything:
            self.ranks, self.declared, self.of, self.stopped = {}, {}, {}, set()
        for vid in touched.vertices:
            self.ranks.pop(vid, None)
        ends = touched.edge_ends
        joined = {vid for _, label, vid in ends if label in JOINING}
        carried = {vid for direction, label, vid in ends if direction == "in" and label in CARRYING}
        for vid in joined | carried:
            self.of.pop(vid, None)
        if self._reading is not None and (touched.everything or self._reading.is_changed(carried, joined)):
            self._reading, self._restarts = None, self._restarts + 1
        if joined:
            joined |= set(map(group_of, joined))
            for vid in [vid for vid, sources in self.of.items() if not (is_group(vid) or joined.isdisjoint(sources))]:
                del self.of[vid]  # that of a group is replaced when a target of its parent is read
