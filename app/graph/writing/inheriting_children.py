"""Reads the children of parents that a transaction changes with them, such as the versions of a model, if they are few.

All writers wait for a transaction. So it changes at most MAX_CHILDREN children whose owner team is that of their
parent, whether all have one parent or several. For other parents :mod:`app.graph.jobs.owner_job` does it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from app.graph.driver.edge_pages import EdgePages, VisitBudget, read_edge_page
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.edge_record import EdgeKey
from app.graph.records.native.write_cost import rewrite_size
from app.graph.records.record_text import record_of
from app.graph.writing.unit.read_set import HopKey
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.record import Json, Record
from policies.blurred_limit import blurred

MAX_CHILDREN: Final = 500
"""Maximal number of children that a transaction reads because they may inherit another owner team, blurred."""

MAX_SIZE: Final = 2 * 1024 * 1024
"""Maximal size of their records, by :func:`app.graph.records.native.write_cost.rewrite_size`."""

PAGE_FACTOR: Final = 4
"""Size of the page of their edges, by the number of children: a long edge counts as several."""


@dataclass
class InheritingChildren:
    """The children of the parents that one transaction has requested, by the hops that lead to them.

    ``read`` are hops whose children are all in ``children``, by hop. Those of the hops in ``many`` are, or may be, too
    many, and are left out. ``edges`` lead to the children.
    """

    read: set[HopKey] = field(default_factory=set)
    many: set[HopKey] = field(default_factory=set)
    children: dict[HopKey, list[int]] = field(default_factory=dict)
    edges: dict[EdgeKey, Record] = field(default_factory=dict)
    _left: int = field(default_factory=lambda: blurred(MAX_CHILDREN))
    _size_left: int = field(default_factory=lambda: blurred(MAX_SIZE))

    async def add(self, client: GremlinClient, hops: Iterable[HopKey]) -> list[HopKey]:
        """Read the edges to the children of further parents, by one request; return these hops, in order."""
        new = sorted({*hops} - self.read - self.many, key=lambda hop: hop[1:])
        if new:
            grouped = [(*kind, [vid for *_, vid in some]) for kind, some in groupby(new, key=lambda hop: hop[:2])]
            pages = EdgePages.of_hops([(direction.value, relation, vids) for direction, relation, vids in grouped])
            page = await read_edge_page(client, pages.within(VisitBudget(PAGE_FACTOR * blurred(MAX_CHILDREN))))
            for (direction, relation, vids), rows in zip(grouped, page.rows, strict=True):
                self.add_edges([(direction, relation, vid) for vid in vids], rows, pages.left)
        return new

    def add_edges(self, hops: Sequence[HopKey], rows: Sequence[Json], left: set[int]) -> None:
        """Add the rows ``[vertex id, kind, far vertex id, kind, record, …]`` of hops of a kind.

        Not all edges of the vertices in ``left`` are among them.
        """
        found: dict[int, dict[int, Record]] = {vid: {} for *_, vid in hops}
        for near, far, text in zip(rows[::5], rows[2::5], rows[4::5], strict=True):
            found[near][far] = record_of(text)
        for hop in hops:
            direction, relation, vid = hop
            if vid in left or len(found[vid]) > self._left:
                self.many.add(hop)
                continue
            self._left -= len(found[vid])
            self.read.add(hop)
            self.children[hop] = [*found[vid]]
            for far, edge in found[vid].items():
                self.edges[relation, *((vid, far) if direction is Direction.OUT else (far, vid))] = edge

    def leave_large(self, hops: Iterable[HopKey], records: Mapping[int, Record]) -> None:
        """Leave children of these hops out whose ``records`` are too large for the transaction."""
        for hop in hops:
            size = 0
            for vid in self.children.get(hop, ()):
                size += rewrite_size(records[vid]) if vid in records else 0
                if size > self._size_left:
                    self.read.discard(hop)
                    self.many.add(hop)
                    break
            else:
                self._size_left -= size
