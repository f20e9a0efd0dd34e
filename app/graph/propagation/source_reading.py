"""The sources of some vertices while they are read in pages, which a job may continue in its next steps."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from app.graph.driver.edge_pages import EdgePages
from app.graph.propagation.edge_lookups import CARRIED, EdgeLookup
from app.graph.propagation.flow_statement import CHILD_STEPS, PARENT_STEPS
from app.graph.propagation.sources import group_of
from graphql_schema.ports.record import Json


def _sets() -> defaultdict[int, set[int]]:
    return defaultdict(set)


@dataclass(slots=True)
class SourceEdges:
    """The edges around vertices from which their sources follow, by vertex id; only current ones.

    ``carried`` are the vertices with a carrying edge to a vertex, ``parents`` the parents of a vertex, and ``children``
    the children of a vertex that is a source.
    """

    carried: defaultdict[int, set[int]] = field(default_factory=_sets)
    parents: defaultdict[int, set[int]] = field(default_factory=_sets)
    children: defaultdict[int, set[int]] = field(default_factory=_sets)

    def sources_of(self, vid: int) -> set[int]:
        """Return the sources of a vertex, as :class:`app.graph.propagation.sources.Sources` has them in ``of``."""
        return {*map(self.source_of, self.carried.get(vid, ())), *self.parents.get(vid, ())}

    def source_of(self, carried: int) -> int:
        """Return what counts as the source at the other end of a carrying edge: the group if there are children."""
        return group_of(carried) if self.children.get(carried) else carried

    def members_of(self, parent: int) -> set[int]:
        """Return the members of the group of a parent that has children."""
        return {parent, *self.children[parent]}


@dataclass(slots=True)
class SourceReading:
    """What was read of the sources of the vertices ``vids``. The hops of ``pages`` are those of the source hops.

    These are the carrying edges to the vertices, the edges from the sources to their children, and those from the
    vertices to their parents. Further hops may follow, from the vertices to their own children. ``size`` counts the
    edges in all pages, ``page_size`` those in the last one. Of the vertices ``starts``, only the children are read.
    """

    vids: Sequence[int]
    pages: EdgePages
    size: int = 0
    page_size: int = 0
    starts: Collection[int] = ()
    edges: SourceEdges = field(default_factory=SourceEdges)
    _own: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        self._own = frozenset(self.vids)

    def add(self, edges: Sequence[Sequence[Json]]) -> None:
        """Add the rows of a page, for each hop a flat list of start, far end and kind code of the far end."""
        self.page_size = sum(map(len, edges)) // 3
        self.size += self.page_size
        children_at, own_at = 1 + len(CHILD_STEPS), 1 + len(CHILD_STEPS) + len(PARENT_STEPS)
        found = (
            (self.edges.carried, edges[:1]),
            (self.edges.children, (*edges[1:children_at], *edges[own_at:])),
            (self.edges.parents, edges[children_at:own_at]),
        )
        for far_ends, hops in found:
            for rows in hops:
                for vid, far in pairs_of(rows):
                    far_ends[vid].add(far)

    def sources(self) -> dict[int, set[int]]:
        """Return what :class:`app.graph.propagation.sources.Sources` has in ``of``, once all pages are read."""
        near = {*self.edges.carried, *self.edges.parents}
        groups = {group_of(parent): self.edges.members_of(parent) for parent in self.edges.children}
        return defaultdict(set, groups | {vid: self.edges.sources_of(vid) for vid in near})

    def depends_on(self, lookup: EdgeLookup) -> bool:
        """Return whether an edge may belong to what is read, or what is to be read."""
        number, near, far = lookup
        if number == CARRIED:
            return near in self._own
        return near in self._own or far in self.starts or self.pages.has_started_from(far)

    def is_changed(self, carried: Iterable[int], joined: Iterable[int]) -> bool:
        """Return whether edges were written that may belong to what is read.

        ``carried`` are vertices with new or changed carrying edges to them, ``joined`` parents and children with such
        edges between them.
        """
        started = self.pages.has_started_from
        return not self._own.isdisjoint(carried) or any(vid in self._own or started(vid) for vid in joined)


def pairs_of(flat: Sequence[Json]) -> Iterator[tuple[int, int]]:
    """Yield start and far end from the flat rows of one hop."""
    return zip(flat[::3], flat[1::3], strict=True)
