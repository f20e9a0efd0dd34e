"""Where sensitivity flows among what a batch has read or made: :mod:`app.graph.sensitivity.flows` without the store."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from app.graph.sensitivity.flows import CARRYING
from app.graph.writing.draft import Draft
from app.graph.writing.edges import Key, flows
from app.graph.writing.vertices import Record, kind_of
from graphql_schema.catalog import PART_HOPS, WHOLE_HOPS, Direction, Hop
from policies.sensitivity import strictest


class Known(Protocol):
    """A state, or a draft over one."""

    def vertex(self, vid: int) -> Record | None:
        """The record, where it is known."""
        ...

    def edge(self, key: Key) -> Record | None:
        """The edge, where it is known."""
        ...

    def at(self, relation: str, direction: Direction, vid: int) -> Iterable[Key]:
        """The known edges of a relation at a vertex."""
        ...


def carried(known: Known, vid: int, direction: Direction, now: int) -> Iterator[int]:
    """The far ends of the carrying edges that leave (OUT) or reach (IN) a vertex."""
    for relation in CARRYING:
        yield from _over(known, relation, direction, vid, now)


def wholes(known: Known, vid: int, now: int) -> Iterator[int]:
    """The wholes of a part."""
    return _beside(known, WHOLE_HOPS, vid, now)


def parts(known: Known, vid: int, now: int) -> Iterator[int]:
    """The parts of a whole."""
    return _beside(known, PART_HOPS, vid, now)


def targets(known: Known, vid: int, stops: frozenset[str], now: int) -> set[int]:
    """What a vertex flows to, as far as that is known."""
    found = {*carried(known, vid, Direction.OUT, now), *parts(known, vid, now)}
    for whole in wholes(known, vid, now):
        found.update(carried(known, whole, Direction.OUT, now))
    return {far for far in found if _name(known, far) not in {"", *stops}}


def with_known_sensitivity(draft: Draft, vid: int) -> Record:
    """The record as strict as all that is known to flow to it: what a decision about it is made by."""
    record, stops, now = draft.known(vid), draft.author.stops, draft.now
    level, seen, new = record["sensitivity"], {vid}, [vid]
    while new:
        reached = new.pop()
        known = draft.vertex(reached)
        if known is None:
            continue
        level = strictest(level, draft.author.fences.seen(reached, known)["sensitivity"])
        if kind_of(known) in stops:
            continue
        above = {*_sources(draft, reached, now)} - seen
        seen |= above
        new += above
    return {**record, "sensitivity": level}


def _sources(known: Known, vid: int, now: int) -> Iterator[int]:
    for source in carried(known, vid, Direction.IN, now):
        yield source
        yield from parts(known, source, now)
    yield from wholes(known, vid, now)


def _beside(known: Known, hops: dict[str, Hop], vid: int, now: int) -> Iterator[int]:
    hop = hops.get(_name(known, vid))
    if hop is None:
        return
    for far in _over(known, hop.relation.name, hop.direction, vid, now):
        if _name(known, far) in hop.kinds:
            yield far


def _over(known: Known, relation: str, direction: Direction, vid: int, now: int) -> Iterator[int]:
    end = 2 if direction is Direction.OUT else 1
    for key in known.at(relation, direction, vid):
        if flows(known.edge(key), now):
            yield key[end]  # type: ignore[misc]


def _name(known: Known, vid: int) -> str:
    record = known.vertex(vid)
    return "" if record is None else kind_of(record)
