"""Where sensitivity flows in a batch: :mod:`app.graph.propagation.stored_flows` without the store."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from app.graph.records.edge_record import EdgeKey, carries_sensitivity
from app.graph.records.vertex_record import Record, kind_of
from graphql_schema.catalog.relations import CARRYING, CHILD_HOPS, PARENT_HOPS, Direction, Hop


class Known(Protocol):
    """A state, or a draft over one."""

    def vertex(self, vid: int) -> Record | None:
        """The record, where it is known."""
        ...

    def edge(self, key: EdgeKey) -> Record | None:
        """The edge, where it is known."""
        ...

    def edges_at(self, relation: str, direction: Direction, vid: int) -> Iterable[EdgeKey]:
        """The known edges of a relation at a vertex."""
        ...


def carried(known: Known, vid: int, direction: Direction, now: int) -> Iterator[int]:
    """The far ends of the carrying edges that leave (OUT) or reach (IN) a vertex."""
    for relation in CARRYING:
        yield from _over(known, relation, direction, vid, now)


def wholes(known: Known, vid: int, now: int) -> Iterator[int]:
    """The wholes of a part."""
    return _beside(known, PARENT_HOPS, vid, now)


def parts(known: Known, vid: int, now: int) -> Iterator[int]:
    """The parts of a whole."""
    return _beside(known, CHILD_HOPS, vid, now)


def targets(known: Known, vid: int, stops: frozenset[str], now: int) -> set[int]:
    """What a vertex flows to, as far as that is known."""
    found = {*carried(known, vid, Direction.OUT, now), *parts(known, vid, now)}
    for whole in wholes(known, vid, now):
        found.update(carried(known, whole, Direction.OUT, now))
    return {far for far in found if _name(known, far) not in {"", *stops}}


def _beside(known: Known, hops: dict[str, Hop], vid: int, now: int) -> Iterator[int]:
    hop = hops.get(_name(known, vid))
    if hop is None:
        return
    for far in _over(known, hop.relation.name, hop.direction, vid, now):
        if _name(known, far) in hop.kinds:
            yield far


def _over(known: Known, relation: str, direction: Direction, vid: int, now: int) -> Iterator[int]:
    end = 2 if direction is Direction.OUT else 1
    for key in known.edges_at(relation, direction, vid):
        if carries_sensitivity(known.edge(key), now):
            yield key[end]  # type: ignore[misc]


def _name(known: Known, vid: int) -> str:
    record = known.vertex(vid)
    return "" if record is None else kind_of(record)
