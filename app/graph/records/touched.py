"""What a transaction touches: the vertices and edges whose former state a reader may no longer use."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.graph.records.edge_record import EdgeKey

PART_SIZE: Final = 100
"""Number of vertices, and of ends of edges, that a cache forgets in some milliseconds."""

EdgeEnd = tuple[str, str, int]
"""A direction (``out`` or ``in``), an edge label, and the vertex id of the near end."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Vertices and ends of edges that one transaction writes.

    ``tenants`` are those whose listings by the index may change, None for all. With ``everything`` it is unknown what
    the transaction writes, and the other values do not count. ``divided`` is what a part of a large transaction is of,
    None otherwise: the two ends of an edge may be in different parts. ``edges`` are the edges with these ends, by label
    and vertex ids; None if only the ends are known.
    """

    vertices: frozenset[int] = frozenset()
    edge_ends: frozenset[EdgeEnd] = frozenset()
    tenants: frozenset[str] | None = frozenset()
    everything: bool = False
    divided: "Touched | None" = field(default=None, compare=False, repr=False)
    edges: frozenset[EdgeKey] | None = None

    @classmethod
    def of_edges(cls, vertices: frozenset[int], edges: frozenset[EdgeKey], tenants: frozenset[str] | None) -> "Touched":
        """Return what a transaction touches that writes these vertices and edges."""
        ends = (end for label, out, into in edges for end in (("out", label, out), ("in", label, into)))
        return cls(vertices, frozenset(ends), tenants, edges=edges)

    @property
    def size(self) -> int:
        """The number of its vertices and ends of edges, which takes a microsecond for each to compare."""
        return len(self.vertices) + len(self.edge_ends)

    def ends_by_label(self) -> defaultdict[tuple[str, str], set[int]]:
        """Return the near ends of the edges by direction and label; those of an absent label are an empty set."""
        found = defaultdict[tuple[str, str], set[int]](set)
        for direction, label, vid in self.edge_ends:
            found[direction, label].add(vid)
        return found

    def labels_by_vertex(self) -> dict[int, dict[str, set[str]]]:
        """Return the labels of the edges by near end and direction, both directions for each end."""
        found: dict[int, dict[str, set[str]]] = {}
        for direction, label, vid in self.edge_ends:
            found.setdefault(vid, {"out": set(), "in": set()})[direction].add(label)
        return found

    def parts(self) -> Iterator["Touched"]:
        """Yield all of it in one or more parts of at most PART_SIZE vertices and as many ends, each for its tenants."""
        if self.everything or max(len(self.vertices), len(self.edge_ends)) <= PART_SIZE:
            yield self
            return
        vertices, ends = iter(self.vertices), iter(self.edge_ends)
        for _ in range(0, max(len(self.vertices), len(self.edge_ends)), PART_SIZE):
            some = frozenset(islice(vertices, PART_SIZE))
            yield Touched(some, frozenset(islice(ends, PART_SIZE)), self.tenants, divided=self)


NOTHING: Final = Touched()
"""A transaction that writes only vertices and edges that no level of a query reads."""

EVERYTHING: Final = Touched(everything=True)
"""A transaction about which nothing is known."""
