"""Effective sensitivity within a batch, before any of it is stored."""

from collections.abc import Iterator

from app.graph.propagation.known_flows import Known, carried, parts, wholes
from app.graph.records.vertex_record import Record, kind_of
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.relations import Direction
from policies.sensitivity import strictest


def with_known_sensitivity(unit: ItemUnit, vid: int) -> Record:
    """The record as strict as all that is known to flow to it: what a decision about it is made by."""
    record, stops, now = unit.known(vid), unit.author.stops, unit.now
    level, seen, new = record["sensitivity"], {vid}, [vid]
    while new:
        reached = new.pop()
        known = unit.vertex(reached)
        if known is None:
            continue
        level = strictest(level, unit.author.fences.with_floor(reached, known)["sensitivity"])
        if kind_of(known) in stops:
            continue
        above = {*_sources(unit, reached, now)} - seen
        seen |= above
        new += above
    return {**record, "sensitivity": level}


def _sources(known: Known, vid: int, now: int) -> Iterator[int]:
    for source in carried(known, vid, Direction.IN, now):
        yield source
        yield from parts(known, source, now)
    yield from wholes(known, vid, now)
