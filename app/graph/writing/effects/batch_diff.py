"""What a batch changes about where data flows: the edges that begin to carry, and those that cease to."""

from typing import Final

from app.graph.propagation.stored_flows import Sources, StoredFlows
from app.graph.records.edge_record import EdgeKey, ends, flows
from app.graph.records.vertex_record import is_attached, kind_of
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import CARRYING, CHILD_HOPS, PARENT_HOPS, Direction

_JOINING: Final = frozenset(hop.relation.name for hop in PARENT_HOPS.values())


class BatchDiff:
    """The vertices and edges of a batch that matter to what flows along lineage, as sensitivity and tags do.

    ``vertices`` differ from what is stored, or are new. Of the carrying edges, and those between part and whole,
    ``opened`` begin to carry, ``closed`` carry no more, and ``ending`` have an end to come. ``speaking`` are the parts
    of stored wholes that begin to lead somewhere: they speak through them.
    """

    def __init__(self, state: WorkingSet, author: Author) -> None:
        self.state = state
        self.author = author
        self.speaking = Sources()
        vertices, self.edges = state.changed()
        self.vertices = [vid for vid in vertices if not is_attached(state.vertices[vid])]
        edges = [key for key in self.edges if key[0] in CARRYING or self.child_and_parent(key)]
        self.opened = [key for key in edges if self._flows(key) and not self._flowed(key)]
        self.closed = [key for key in edges if self._flowed(key) and not self._flows(key)]
        self.ending = [key for key in edges if self._flows(key) and ends(state.edges[key]) != FOREVER]

    @classmethod
    async def by(cls, state: WorkingSet, author: Author, reads: StoredFlows) -> "BatchDiff":
        """What the batch changes, with what speaks through the wholes in it."""
        moved = cls(state, author)
        leading = {source for relation, source, _ in moved.opened if relation in CARRYING}
        moved.speaking = await reads.parts(vid for vid in leading if state.stored(vid) and moved.is_parent(vid))
        return moved

    def affected(self, key: EdgeKey) -> tuple[int, int | None]:
        """What an edge means something to: the vertex that it flows to, and the whole whose targets a part reaches."""
        pair = self.child_and_parent(key)
        return (key[2], None) if pair is None else pair

    def child_and_parent(self, key: EdgeKey) -> tuple[int, int] | None:
        """The ends of an edge as part and whole, where it joins such."""
        relation, *both = key
        if relation not in _JOINING:
            return None
        for (part, whole), direction in ((both, Direction.OUT), (both[::-1], Direction.IN)):
            known = self.state.vertex(part)
            hop = PARENT_HOPS.get(kind_of(known)) if known else None
            if hop is None or (hop.relation.name, hop.direction) != (relation, direction):
                continue
            far = self.state.vertex(whole)
            if far is not None and kind_of(far) in hop.kinds:
                return part, whole
        return None

    def _flows(self, key: EdgeKey) -> bool:
        return flows(self.state.edge(key), self.author.now)

    def _flowed(self, key: EdgeKey) -> bool:
        return flows(self.state.was_edge(key), self.author.now)

    def is_parent(self, vid: int) -> bool:
        """Whether a vertex may have parts."""
        return kind_of(self.state.vertices[vid]) in CHILD_HOPS
