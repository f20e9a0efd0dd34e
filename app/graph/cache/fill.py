"""A read of the store whose results the graph cache may keep, unless they were written during the read."""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from app.graph.cache.known_edges import Shape
from app.graph.records.touched import EdgeEnd, Touched

ValueT = TypeVar("ValueT", bound=Hashable)

MAX_WRITES: Final = 1_000
"""Number of transactions that may end between two checks of one read; after more, nothing further is kept from it."""


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


class InFlight:
    """The union of what the transactions in flight touch, in the form of :class:`app.graph.records.touched.Touched`.

    A write of another process counts as in flight for seconds after it was learned, so that hundreds may be in flight.
    A test of one vertex or edge takes as long for hundreds as for one.
    """

    def __init__(self) -> None:
        self.vertices: Counter[int] = Counter()
        self.edge_ends: Counter[EdgeEnd] = Counter()
        self._tenants: Counter[str] = Counter()
        self._of_all_tenants = 0
        self._of_everything = 0

    def __len__(self) -> int:
        return len(self.vertices) + len(self.edge_ends)

    @property
    def everything(self) -> bool:
        """Whether a transaction in flight touches everything."""
        return self._of_everything > 0

    @property
    def tenants(self) -> Counter[str] | None:
        """The tenants whose listings may change, None for all."""
        return None if self._of_all_tenants else self._tenants

    def add(self, touched: Touched) -> None:
        """Add what a beginning transaction touches."""
        self.vertices.update(touched.vertices)
        self.edge_ends.update(touched.edge_ends)
        self._tenants.update(touched.tenants or ())
        self._of_all_tenants += touched.tenants is None
        self._of_everything += touched.everything

    def remove(self, touched: Touched) -> None:
        """Remove what an ending transaction touches."""
        _subtract(self.vertices, touched.vertices)
        _subtract(self.edge_ends, touched.edge_ends)
        _subtract(self._tenants, touched.tenants or ())
        self._of_all_tenants -= touched.tenants is None
        self._of_everything -= touched.everything


def _subtract(counter: Counter[ValueT], values: Iterable[ValueT]) -> None:
    """Subtract one of each value, and forget those of which none is left."""
    for value in values:
        left = counter[value] - 1
        if left:
            counter[value] = left
        else:
            counter.pop(value)  # ``del`` of a Counter takes three times as long


Barrier = Forbidden | InFlight | Touched
"""Vertices, ends of edges and tenants of listings of which nothing that was read may be kept in the cache."""


def has_vertex(barrier: Barrier, vid: int) -> bool:
    """Return whether the record of a vertex is touched."""
    return barrier.everything or vid in barrier.vertices


def has_edges(barrier: Barrier, shape: Shape, vid: int) -> bool:
    """Return whether an edge of the vertex ``vid`` with the direction and one of the labels of ``shape`` is touched."""
    if barrier.everything or not barrier.edge_ends:
        return barrier.everything
    return any((shape.direction, label, vid) in barrier.edge_ends for label in shape.labels)


def has_listing(barrier: Barrier, tenant: str) -> bool:
    """Return whether the listings of a tenant may have changed."""
    return barrier.everything or barrier.tenants is None or tenant in barrier.tenants


@dataclass(slots=True, eq=False)
class Fill:
    """One read under way; ``ended`` is what transactions touch that ended since its begin or last :meth:`forbidden`."""

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
