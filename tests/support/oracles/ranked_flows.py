"""Stored ranks of sensitivity on a graph of networkx, as the job reads them, and the effective ones by definition."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from types import SimpleNamespace

import networkx as nx
from support.stores.paged_edges import Row, page_of

from app.graph.driver.edge_pages import VisitBudget
from app.graph.propagation.flow_statement import CHILD_STEPS
from app.graph.propagation.source_reading import SourceReading
from app.graph.propagation.stored_flows import StoredFlows
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.record import Record
from policies.sensitivity import SENSITIVITIES


@dataclass
class Flows:
    """Stored ranks, declared ranks and edges; ``reads`` are the numbers of vertices that each request found.

    ``joined`` has pairs of a child and its parent, whose edges the child uses. A request returns ``part`` records.
    ``parts`` counts the requests that left out others. ``edges_read`` are the numbers of edges that each request found,
    at most ``page`` of them. ``records_read`` counts records in responses.
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

    def source_reading(self, vids: Sequence[int]) -> SourceReading:
        """Return the reading of the sources of vertices."""
        return StoredFlows(SimpleNamespace(), frozenset(), 0).source_reading(vids)  # type: ignore[arg-type]

    async def next_sources(
        self, reading: SourceReading, budget: VisitBudget, keys: Sequence[str], max_records: int
    ) -> tuple[dict[int, Record], list[int]]:
        """Return the records of a page of sources, unless there are too many vertices."""
        around = dict.fromkeys(() if reading.pages.has_begun else reading.vids)
        found, rest = page_of(reading.pages.bindings(), self._edges, min(self.page, reading.pages.within(budget).page))
        rows = [[*chain.from_iterable(each)] for each in found]
        reading.pages.add([each[1::3] for each in rows], rest, sum(map(len, found)))
        reading.add(rows)
        self.edges_read.append(reading.page_size)
        around |= dict.fromkeys(far for each in rows for far in each[1::3])
        if len(around) > max_records:
            self.reads.append(len(around))
            return {}, []
        return await self.first_records([*around], keys)

    def _edges(self, hop: int, vid: int) -> list[Row]:
        """Return the rows of the first hop, which is carried, of the next one, and of the last one, at a vertex.

        The others are of relations that the graph does not have.
        """
        found: list[int] = []
        if hop == 0:
            found = sorted(self.edges.predecessors(vid))
        elif hop == 1:
            found = sorted(child for child, parent in self.joined if parent == vid)
        elif hop == 1 + len(CHILD_STEPS):
            found = sorted(parent for child, parent in self.joined if child == vid)
        return [(vid, far, "DATASET") for far in found]

    async def first_records(self, vids: Sequence[int], _keys: Sequence[str]) -> tuple[dict[int, Record], list[int]]:
        """Return the records of the first of the vertices, and the ids of the others."""
        self.reads.append(len(vids))
        self.parts += len(vids) > self.part
        self.records_read += len(vids[: self.part])
        return {
            vid: {
                "kind": KINDS["Dataset"].code,
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
