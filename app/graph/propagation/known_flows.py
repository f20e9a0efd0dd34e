"""The propagation rules over the records of a batch, without the store (see :mod:`app.graph.propagation`).

The public functions take the vertex id ``vid`` and the instant ``now`` in epoch milliseconds. They return vertex ids,
only along edges that the batch has read or made, and that are current and neither declassified nor unconfirmed.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from app.graph.records.edge_record import EdgeKey, carries_sensitivity
from app.graph.records.vertex_record import kind_of
from graphql_schema.catalog.relations import CARRYING, CHILD_HOPS, PARENT_HOPS, Direction, Hop
from graphql_schema.ports.record import Record


class Known(Protocol):
    """Records and edges that a batch has read or made: a working set, or the changes of one item over it."""

    def vertex(self, vid: int) -> Record | None:
        """Return the record of a vertex; None if it is not known."""
        ...

    def edge(self, key: EdgeKey) -> Record | None:
        """Return the record of an edge; None if it is not known."""
        ...

    def edges_at(self, relation: str, direction: Direction, vid: int) -> Iterable[EdgeKey]:
        """Return the keys of the known edges of a relation that leave (OUT) or reach (IN) a vertex."""
        ...


def carried(known: Known, vid: int, direction: Direction, now: int) -> Iterator[int]:
    """Yield the far ends of the carrying edges that leave (OUT) or reach (IN) a vertex and that propagate."""
    for relation in CARRYING:
        yield from _over(known, relation, direction, vid, now)


def parents(known: Known, vid: int, now: int) -> Iterator[int]:
    """Yield the parents of a vertex in its asset group."""
    return _family(known, PARENT_HOPS, vid, now)


def children(known: Known, vid: int, now: int) -> Iterator[int]:
    """Yield the children of a vertex in its asset group."""
    return _family(known, CHILD_HOPS, vid, now)


def targets(known: Known, vid: int, stops: frozenset[str], now: int) -> set[int]:
    """Return the direct targets: children, and far ends of carrying edges of the vertex and its parents.

    Unknown vertices, and those of the kinds in ``stops``, are left out.
    """
    found = {*carried(known, vid, Direction.OUT, now), *children(known, vid, now)}
    for parent in parents(known, vid, now):
        found.update(carried(known, parent, Direction.OUT, now))
    return {far for far in found if _name(known, far) not in {"", *stops}}


def _family(known: Known, hops: dict[str, Hop], vid: int, now: int) -> Iterator[int]:
    """Yield the far ends of the hop that leads from the kind of the vertex to its parents or children."""
    hop = hops.get(_name(known, vid))
    if hop is None:
        return
    for far in _over(known, hop.relation.name, hop.direction, vid, now):
        if _name(known, far) in hop.kinds:
            yield far


def _over(known: Known, relation: str, direction: Direction, vid: int, now: int) -> Iterator[int]:
    """Yield the far ends of the edges of a relation that are current and neither declassified nor unconfirmed."""
    end = 2 if direction is Direction.OUT else 1
    for key in known.edges_at(relation, direction, vid):
        if carries_sensitivity(known.edge(key), now):
            yield key[end]  # type: ignore[misc]


def _name(known: Known, vid: int) -> str:
    """Return the kind of a vertex; an empty string if its record is not known."""
    record = known.vertex(vid)
    return "" if record is None else kind_of(record)
