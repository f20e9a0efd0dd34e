"""A read of the store whose results the graph cache may keep, unless they were written during the read."""

from dataclasses import dataclass, field
from typing import Final

from app.graph.cache.known_edges import Shape
from app.graph.records.touched import EdgeEnd, Touched

MAX_WRITES: Final = 1_000
"""Number of transactions that may end between two checks of one read; after more, the read adds nothing further."""


@dataclass(slots=True)
class Forbidden:
    """The union of what several transactions touch, in the form of :class:`app.graph.records.touched.Touched`."""

    vertices: set[int] = field(default_factory=set)
    edge_ends: set[EdgeEnd] = field(default_factory=set)
    tenants: set[str] | None = field(default_factory=set)
    everything: bool = False

    def add(self, touched: Touched) -> None:
        """Add what a transaction touches."""
        self.everything |= touched.everything
        self.vertices |= touched.vertices
        self.edge_ends |= touched.edge_ends
        self.tenants = None if touched.tenants is None or self.tenants is None else self.tenants | touched.tenants

    def __len__(self) -> int:
        return len(self.vertices) + len(self.edge_ends)


def has_vertex(barrier: Forbidden | Touched, vid: int) -> bool:
    """Return whether the record of a vertex is touched."""
    return barrier.everything or vid in barrier.vertices


def has_edges(barrier: Forbidden | Touched, shape: Shape, vid: int) -> bool:
    """Return whether an edge of the vertex ``vid`` with the direction and one of the labels of ``shape`` is touched."""
    if barrier.everything or not barrier.edge_ends:
        return barrier.everything
    return any((shape.direction, label, vid) in barrier.edge_ends for label in shape.labels)


def has_listing(barrier: Forbidden | Touched, tenant: str) -> bool:
    """Return whether the listings of a tenant may have changed."""
    return barrier.everything or barrier.tenants is None or tenant in barrier.tenants


@dataclass(slots=True, eq=False)
class Fill:
    """One read under way; ``ended`` are the transactions that ended since its begin or its last :meth:`forbidden`."""

    ended: list[Touched] = field(default_factory=list)
    _forbidden: Forbidden = field(default_factory=Forbidden)

    def forbidden(self) -> Forbidden:
        """Return what is touched by the transactions that ended since the read began; after too many, everything."""
        if self.ended:
            self._forbidden.everything |= len(self.ended) > MAX_WRITES
            for touched in self.ended:
                self._forbidden.add(touched)
            self.ended.clear()
        return self._forbidden
