"""Stored ranks of sensitivity on a graph of networkx, as the job reads them, and the effective ones by definition."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from types import SimpleNamespace
from typing import Final

import networkx as nx
from support.stores.paged_edges import Row, page_of

from app.graph.driver.edge_pages import VisitBudget
from app.graph.propagation.edge_lookups import CARRIED, EdgeLookup
from app.graph.propagation.flow_statement import CHILD_STEPS, PARENT_STEPS
from app.graph.propagation.source_reading import SourceReading
from app.graph.propagation.stored_flows import StoredFlows
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.record import Record
from policies.sensitivity import SENSITIVITIES

CARRYING_HOP: Final = 0
PARENT_HOP: Final = 1 + len(CHILD_STEPS)
CHILD_HOPS: Final = {1, PARENT_HOP + len(PARENT_STEPS)}
"""The hops of a reading over which the graph has edges: from sources to their children, and from given parents."""


def _stored_flows() -> StoredFlows:
    return StoredFlows(SimpleNamespace(), frozenset(), 0)  # type: ignore[arg-type]


@dataclass
class Flows:
    """Stored ranks, declared ranks and edges; ``reads`` are the numbers of vertices that each request found.

    ``joined`` has pairs of a child and its parent, whose edges the child uses. A request returns ``part`` records.
    ``parts`` counts the requests that left out others. ``edges_read`` are the numbers of edges that each request found,
    at most ``page`` of them with those that have ended. ``records_read`` counts records in responses, and ``lookups``
    edges that were looked up. Vertices that are ``closed`` are of a kind in ``stops``.
    """

    edges: "nx.DiGraph[int]"
    ranks: dict[int, int]
    declared: dict[int, int]
    joined: set[tuple[int, int]] = field(default_factory=set)
    reads: list[int] = field(default_factory=list)
    part: int = 10**6
    parts: int = 0
    stops: frozenset[str] = frozenset()
    page: int = 10**6
    edges_read: list[int] = field(default_factory=list)
    records_read: int = 0
    lookups: int = 0
    closed: frozenset[int] = frozenset()
    ended: "nx.DiGraph[int]" = field(default_factory=nx.DiGraph)
    ended_joined: set[tuple[int, int]] = field(default_factory=set)
    """Edges, and pairs, that may have ended. These keep their places in the pages."""

    def source_reading(self, vids: Sequence[int]) -> SourceReading:
        """Return the reading of the sources of vertices."""
        return _stored_flows().source_reading(vids)

    def child_reading(self, parents: Sequence[int]) -> SourceReading:
        """Return the reading of the children of vertices."""
        return _stored_flows().child_reading(parents)

    async def current_edges(self, lookups: Iterable[EdgeLookup]) -> set[EdgeLookup]:
        """Return the lookups of edges that are there; all that are between children and parents are of one step."""
        self.lookups += len([*lookups])
        return {
            (number, near, far)
            for number, near, far in lookups
            if (self.edges.has_edge(far, near) if number == CARRIED else (near, far) in self.joined)
        }

    async def next_sources(
        self, reading: SourceReading, budget: VisitBudget, keys: Sequence[str], max_records: int
    ) -> tuple[dict[int, Record], list[int]]:
        """Return the records of a page of sources, unless there are too many vertices."""
        around = dict.fromkeys(() if reading.pages.has_begun else reading.vids)
        found, rest = page_of(reading.pages.bindings(), self._edges, min(self.page, reading.pages.within(budget).page))
        visited = sum(map(len, found))
        rows = [
            [*chain.from_iterable(row for row in each if self._is_current(hop, row))] for hop, each in enumerate(found)
        ]
        reading.pages.add([[*zip(each[1::3], each[2::3], strict=True)] for each in rows], rest, visited)
        reading.add(rows)
        self.edges_read.append(reading.page_size)
        around |= dict.fromkeys(far for each in rows for far in each[1::3])
        if len(around) > max_records:
            self.reads.append(len(around))
            return {}, []
        return await self.first_records([*around], keys)

    def _edges(self, hop: int, vid: int) -> list[Row]:
        """Return the rows at a vertex: of its carrying edges, of those to its children, and of those to its parents.

        The other hops are of relations that the graph does not have. Rows of edges that have ended are among them.
        """
        joined = self.joined | self.ended_joined
        if hop == CARRYING_HOP:
            found = {source for each in (self.edges, self.ended) if vid in each for source in each.predecessors(vid)}
        elif hop in CHILD_HOPS:
            found = {child for child, parent in joined if parent == vid}
        elif hop == PARENT_HOP:
            found = {parent for child, parent in joined if child == vid}
        else:
            found = set()
        return [(vid, far, "DATASET") for far in sorted(found)]

    def _is_current(self, hop: int, row: Row) -> bool:
        vid, far, _ = row
        if hop == CARRYING_HOP:
            return self.edges.has_edge(far, vid)
        return ((far, vid) if hop in CHILD_HOPS else (vid, far)) in self.joined

    async def first_records(self, vids: Sequence[int], _keys: Sequence[str]) -> tuple[dict[int, Record], list[int]]:
        """Return the records of the first of the vertices, and the ids of the others."""
        self.reads.append(len(vids))
        self.parts += len(vids) > self.part
        self.records_read += len(vids[: self.part])
        return {
            vid: {
                "kind": KINDS[next(iter(self.stops)) if vid in self.closed else "Dataset"].code,
                "sensitivity": SENSITIVITIES[self.ranks[vid]],
                "declaredSensitivity": SENSITIVITIES[self.declared[vid]],
            }
            for vid in vids[: self.part]
        }, [*vids[self.part :]]

    def flows(self) -> "nx.DiGraph[int]":
        """Return an edge from each source to each of its targets: the number is a product."""
        found = self.edges.copy()
        for child, parent in self.joined:
            found.add_edge(parent, child)
            found.add_edges_from((child, target) for target in self.edges.successors(parent))
        return found

    def effective(self) -> dict[int, int]:
        """Return the effective ranks by definition."""
        flows = self.flows()
        return {vid: max(self.declared[each] for each in {vid, *nx.ancestors(flows, vid)}) for vid in flows}

    def raise_all(self) -> dict[int, int]:
        """Raise what is too low, as a writer does at once; return the ranks before."""
        before = dict(self.ranks)
        self.ranks = {vid: max(rank, self.ranks[vid]) for vid, rank in self.effective().items()}
        return before
