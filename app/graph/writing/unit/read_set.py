"""The records, edges and lists that a batch has read, and those that it still needs."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field

from app.graph.records.edge_record import Key
from graphql_schema.catalog.relations import Direction

HopKey = tuple[Direction, str, int]
"""A direction, a relation and the vertex that the hop starts at."""


@dataclass(slots=True)
class Wants:
    """What is to be read beside what the items name: the plan says so when it turns out to need it.

    ``around`` are vertices of which all parts are needed, and all that flows to them; ``points`` ids by vertex id;
    ``hops`` all edges of a relation at a vertex, with the far vertices; ``pairs`` single edges.
    """

    around: set[int] = field(default_factory=set)
    points: dict[int, str] = field(default_factory=dict)
    hops: set[HopKey] = field(default_factory=set)
    pairs: set[Key] = field(default_factory=set)

    def within(self, other: "Wants") -> bool:
        """Whether the other has all of this."""
        known = self.around <= other.around and self.points.keys() <= other.points.keys()
        return known and self.hops <= other.hops and self.pairs <= other.pairs

    def add(self, other: "Wants") -> None:
        """Want all that the other does."""
        self.around |= other.around
        self.points |= other.points
        self.hops |= other.hops
        self.pairs |= other.pairs


class UnreadError(Exception):
    """Planning an item needs what was not read; it is noted as wanted. Never leaves the plan."""


def together(needs: Iterable[Callable[[], None]]) -> None:
    """Need many things at once; raises UnreadError when all that is unread is wanted, so it is read in one request."""
    unread = False
    for need in needs:
        try:
            need()
        except UnreadError:
            unread = True
    if unread:
        raise UnreadError


@dataclass(frozen=True, slots=True)
class Read:
    """What is known of the store, beside what is there.

    ``taken`` are ids under which the store keeps something else, ``around`` vertices of which all parts are known and
    all that flows to them, and ``points``, ``hops`` and ``pairs`` what else was read, as in :class:`Wants`.
    """

    taken: Container[int]
    around: Container[int]
    points: Container[int]
    hops: Container[HopKey]
    pairs: Container[Key]
