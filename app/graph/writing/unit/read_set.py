"""The records, edges and lists that a batch has read, and those that it still needs."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field

from app.graph.records.edge_record import EdgeKey
from graphql_schema.catalog.relations import Direction

HopKey = tuple[Direction, str, int]
"""A direction, a relation and the vertex that the hop starts at."""


@dataclass(slots=True)
class ReadSet:
    """What is to be read beside what the items name: the plan says so when it turns out to need it.

    ``around`` are vertices of which all parts are needed, and all that flows to them; ``points`` ids by vertex id;
    ``hops`` all edges of a relation at a vertex, with the far vertices; ``pairs`` single edges.
    """

    around: set[int] = field(default_factory=set)
    points: dict[int, str] = field(default_factory=dict)
    hops: set[HopKey] = field(default_factory=set)
    pairs: set[EdgeKey] = field(default_factory=set)

    def within(self, other: "ReadSet") -> bool:
        """Whether the other has all of this."""
        known = self.around <= other.around and self.points.keys() <= other.points.keys()
        return known and self.hops <= other.hops and self.pairs <= other.pairs

    def add(self, other: "ReadSet") -> None:
        """Want all that the other does."""
        self.around |= other.around
        self.points |= other.points
        self.hops |= other.hops
        self.pairs |= other.pairs


class NotReadError(Exception):
    """Planning an item needs what was not read; it is noted as wanted. Never leaves the plan."""


def require_all(needs: Iterable[Callable[[], None]]) -> None:
    """Need many things at once; raises NotReadError when all that is unread is wanted, so it is read in one request."""
    unread = False
    for need in needs:
        try:
            need()
        except NotReadError:
            unread = True
    if unread:
        raise NotReadError


@dataclass(frozen=True, slots=True)
class Read:
    """What is known of the store, beside what is there.

    ``taken`` are ids under which the store keeps something else, ``around`` vertices of which all parts are known and
    all that flows to them, and ``points``, ``hops`` and ``pairs`` what else was read, as in :class:`ReadSet`.
    """

    taken: Container[int]
    around: Container[int]
    points: Container[int]
    hops: Container[HopKey]
    pairs: Container[EdgeKey]
