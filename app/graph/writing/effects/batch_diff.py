"""Difference of a batch: edges over which sensitivity and tags begin or cease to propagate.

These are edges that carry sensitivity, and those between a child and its parent. The state before the batch includes
the changes of earlier batches of the same transaction. The store does not have these changes yet, so they are added to
the results of reads.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from app.graph.propagation.sources import Sources
from app.graph.records.edge_record import EdgeKey, carries_sensitivity, ends, is_current
from app.graph.records.vertex_record import is_attached, kind_of
from app.graph.writing.effects.counting_children import CountingChildren
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.working_set import LONG_STATE, WorkingSet
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import CARRYING, CHILD_HOPS, PARENT_HOPS, Direction
from graphql_schema.execution.side_thread import run_in_turn

_GROUP_RELATIONS: Final = frozenset(hop.relation.name for hop in PARENT_HOPS.values())


class BatchDiff:
    """Vertices and edges of a batch that matter to propagation, of sensitivity and of tags.

    ``vertices``, without attached records, and ``edges`` are new or changed. Of data-carrying edges, and edges between
    children and parents, ``opened`` begin to propagate, ``closed`` cease to, and ``ending`` propagate until an instant.
    ``unending`` are those that did so before the batch, and do no more.
    ``counting_children`` has the children, by parent, of the parents from which new or changed carrying edges start: an
    edge of a parent counts for its children. It is empty until :meth:`by` fills it.
    """

    def __init__(self, batch: WorkingSet, author: Author) -> None:
        self.batch = batch
        self.author = author
        self.counting_children = Sources()
        vertices, self.edges = batch.changed()
        self.vertices = [vid for vid in vertices if not is_attached(batch.vertices[vid])]
        edges = [key for key in self.edges if key[0] in CARRYING or self.child_and_parent(key)]
        self.opened = [key for key in edges if self._carries(key) and not self._carried(key)]
        self.closed = [key for key in edges if self._carried(key) and not self._carries(key)]
        self.ending = [key for key in edges if self._carries(key) and ends(batch.edges[key]) != FOREVER]
        still = {*self.ending}
        self.unending = [key for key in edges if key not in still and self._ended_later(key)]

    @classmethod
    async def by(cls, batch: WorkingSet, author: Author, children: CountingChildren) -> "BatchDiff":
        """Return the difference of a batch, with ``counting_children``, stored or added by earlier batches.

        The store is read also for parents that are not stored, and for edges that begin nothing, such as unconfirmed
        ones. Otherwise the number of requests would distinguish a hidden end from an absent one.
        """
        diff = await run_in_turn(BatchDiff, batch.is_long, batch, author)
        sources = {key[1] for key in diff.edges if key[0] in CARRYING and is_current(batch.edge(key), author.now)}
        parents = [vid for vid in sources if diff.is_parent(vid)]
        diff.counting_children = await children.of(parents)
        await run_in_turn(diff.add_joined_children, batch.is_long, parents)
        return diff

    @property
    def is_long(self) -> bool:
        """Return whether to process the batch and the counting children in the side thread."""
        return self.batch.is_long or len(self.counting_children.records) > LONG_STATE

    def affected(self, key: EdgeKey) -> tuple[int, int | None]:
        """Return the target of a data-carrying edge, and None.

        For an edge between child and parent, return the child, and the parent to whose targets the child propagates.
        """
        pair = self.child_and_parent(key)
        return (key[2], None) if pair is None else pair

    def first_ends(self) -> list[tuple[tuple[int, int | None], int]]:
        """Return the results of :meth:`affected`, each with the first instant when edges in ``ending`` end.

        Where an end was taken back, in ``unending``, the instant is 0, for at once: what awaits it may be needless.
        """
        found: dict[tuple[int, int | None], int] = {}
        for key in self.ending:
            affected = self.affected(key)
            found[affected] = min(ends(self.batch.edges[key]), found.get(affected, FOREVER))
        at_once = dict.fromkeys(map(self.affected, self.unending), 0)
        return [*found.items(), *at_once.items()]

    def child_and_parent(self, key: EdgeKey) -> tuple[int, int] | None:
        """Return the ids of child and parent if an edge joins these in an asset group, None for any other edge."""
        relation, *both = key
        if relation not in _GROUP_RELATIONS:
            return None
        for (child, parent), direction in ((both, Direction.OUT), (both[::-1], Direction.IN)):
            known = self.batch.vertex(child)
            hop = PARENT_HOPS.get(kind_of(known)) if known else None
            if hop is None or (hop.relation.name, hop.direction) != (relation, direction):
                continue
            far = self.batch.vertex(parent)
            if far is not None and kind_of(far) in hop.kinds:
                return child, parent
        return None

    def edges_to_parents(self, child: int) -> Sequence[EdgeKey]:
        """Return the known edges between a vertex and its parents: a feature may be in thousands of sets."""
        known = self.batch.vertex(child)
        hop = PARENT_HOPS.get(kind_of(known)) if known else None
        return () if hop is None else [*self.batch.edges_at(hop.relation.name, hop.direction, child)]

    def joined_parent(self, key: EdgeKey) -> int | None:
        """Return the parent of one of these edges if it existed before the batch, and gets the child by it."""
        pair = self.child_and_parent(key) if self._joins(key) else None
        return pair[1] if pair is not None and self.batch.existed(pair[1]) else None

    def is_parent(self, vid: int) -> bool:
        """Return whether a vertex is of a kind that can have children."""
        return kind_of(self.batch.vertices[vid]) in CHILD_HOPS

    def add_joined_children(self, parents: Iterable[int]) -> None:
        """Add to ``counting_children`` those that earlier batches of the transaction joined to the parents."""
        for parent in parents:
            hop = CHILD_HOPS[kind_of(self.batch.vertices[parent])]
            for key in self.batch.edges_at(hop.relation.name, hop.direction, parent):
                pair = self.child_and_parent(key) if self._joins(key) and self._carried(key) else None
                if pair is not None:
                    child = pair[0]
                    self.counting_children.of[parent].add(child)
                    self.counting_children.records[child] = self.batch.vertices[child]

    def _joins(self, key: EdgeKey) -> bool:
        """Return whether an edge carries sensitivity now, and did not as stored."""
        return self._carries(key) and not carries_sensitivity(self.batch.stored_edge(key), self.author.now)

    def _ended_later(self, key: EdgeKey) -> bool:
        return self._carried(key) and ends(self.batch.edge_before(key) or {}) != FOREVER

    def _carries(self, key: EdgeKey) -> bool:
        return carries_sensitivity(self.batch.edge(key), self.author.now)

    def _carried(self, key: EdgeKey) -> bool:
        return carries_sensitivity(self.batch.edge_before(key), self.author.now)
