"""The sources of some vertices while they are read in pages, which a job may continue in its next steps."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from app.graph.driver.edge_pages import EdgePages
from app.graph.propagation.flow_statement import CHILD_STEPS, PARENT_STEPS
from app.graph.propagation.sources import group_of
from graphql_schema.ports.record import Json


@dataclass(slots=True)
class SourceReading:
    """What was read of the sources of the vertices ``vids``. The hops of ``pages`` are those of the source hops.

    These are the carrying edges to the vertices, the edges from the sources to their children, and those from the
    vertices to their parents. Further hops may follow, from the vertices to their own children. ``size`` counts the
    edges in all pages, ``page_size`` those in the last one.
    """

    vids: Sequence[int]
    pages: EdgePages
    size: int = 0
    page_size: int = 0
    _own: frozenset[int] = field(init=False)
    _carried: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    _parents: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    _groups: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self._own = frozenset(self.vids)

    def add(self, edges: Sequence[Sequence[Json]]) -> None:
        """Add the rows of a page, for each hop a flat list of start, far end and kind code of the far end."""
        self.page_size = sum(map(len, edges)) // 3
        self.size += self.page_size
        children_at, own_at = 1 + len(CHILD_STEPS), 1 + len(CHILD_STEPS) + len(PARENT_STEPS)
        carried, parents = edges[0], edges[children_at:own_at]
        for rows in (*edges[1:children_at], *edges[own_at:]):
            for parent, child in pairs_of(rows):
                self._groups[group_of(parent)].update((parent, child))
        for vid, source in pairs_of(carried):
            self._carried[vid].add(source)
        for rows in parents:
            for vid, parent in pairs_of(rows):
                self._parents[vid].add(parent)

    def sources(self) -> dict[int, set[int]]:
        """Return what :class:`app.graph.propagation.sources.Sources` has in ``of``, once all pages are read."""
        of = defaultdict(set, self._groups)
        for vid, sources in self._carried.items():
            of[vid] = {group if (group := group_of(source)) in self._groups else source for source in sources}
        for vid, parents in self._parents.items():
            of[vid] |= parents
        return of

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
