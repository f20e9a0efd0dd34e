"""Finds the parts of a state that transactions have touched since it was read: records, edges of hops, single edges."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.graph.records.edge_record import EdgeKey
from app.graph.records.touched import Touched
from graphql_schema.catalog.relations import Direction


class HopKind(NamedTuple):
    """Direction and labels of a hop, and the instant ``after`` which its edges end, None for all edges."""

    direction: Direction
    labels: tuple[str, ...]
    after: int | None = None


Row = tuple[HopKind, str, int, int]
"""A hop and the label of an edge that it leads over, the vertex where it starts, and the far end."""


@dataclass(frozen=True, slots=True)
class KnownReads:
    """What was read: the records of ``vertices``, hops at the vertices where they have ``begun``, and single edges.

    ``pairs`` has these by label and *from* end: the *to* end, and the key under which the edge was requested. Pointers
    of merged datasets have been followed from this key to the two ends.
    """

    vertices: Collection[int]
    begun: Mapping[HopKind, set[int]]
    pairs: Mapping[tuple[str, int], Sequence[tuple[int, EdgeKey]]]

    def kinds_by_label(self) -> defaultdict[str, list[HopKind]]:
        """Return the hops that lead over edges of each label."""
        found = defaultdict[str, list[HopKind]](list)
        for kind in self.begun:
            for label in kind.labels:
                found[label].append(kind)
        return found


@dataclass(slots=True)
class TouchedReads:
    """What is to be read again, if it is at most ``maximum``. ``rows`` and ``pairs`` have values as keys, each once."""

    maximum: int
    vertices: set[int] = field(default_factory=set)
    rows: dict[Row, None] = field(default_factory=dict)
    pairs: dict[EdgeKey, None] = field(default_factory=dict)

    @property
    def are_many(self) -> bool:
        """Whether it is more than the maximum."""
        return len(self.vertices) + len(self.rows) + len(self.pairs) > self.maximum

    def add(self, touched: Touched, known: KnownReads) -> None:
        """Add what a transaction has touched of what is known; of very much, only a part."""
        self.vertices.update(vid for vid in touched.vertices if vid in known.vertices)
        if touched.edges is None:
            self._add_between(touched.ends_by_label(), known)
        else:
            self._add_edges(touched.edges, known)

    def _add_edges(self, edges: Iterable[EdgeKey], known: KnownReads) -> None:
        """Add what edges touch; of very many, only a part."""
        kinds = known.kinds_by_label()
        for label, source, target in edges:
            for kind in kinds[label]:
                near, far = (source, target) if kind.direction is Direction.OUT else (target, source)
                if near in known.begun[kind]:
                    self.rows[kind, label, near, far] = None
            self.pairs |= {key: None for end, key in known.pairs.get((label, source), ()) if end == target}
            if self.are_many:
                return

    def _add_between(self, ends: Mapping[tuple[str, str], set[int]], known: KnownReads) -> None:
        """Add what any edges between some ends touch; of very many, only a part."""
        for kind, begun in known.begun.items():
            for label in kind.labels:
                far_ends = ends[kind.direction.reverse.value, label]
                for near in begun & ends[kind.direction.value, label]:
                    self.rows |= {(kind, label, near, far): None for far in far_ends}
                    if self.are_many:
                        return
        for label in {label for direction, label in [*ends] if direction == "out"}:
            targets = ends["in", label]
            for source in ends["out", label]:
                self.pairs |= {key: None for target, key in known.pairs.get((label, source), ()) if target in targets}


def touched_reads(written: Iterable[Touched], known: KnownReads, maximum: int) -> TouchedReads | None:
    """Return what is to be read again after some transactions; None if it is more than ``maximum`` parts."""
    found = TouchedReads(maximum)
    for touched in written:
        found.add(touched, known)
        if found.are_many:
            return None
    return found
