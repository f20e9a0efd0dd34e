"""Effective sensitivity within a batch, before any of it is stored."""

from collections.abc import Iterator

from app.graph.propagation.known_flows import Known, carried, children, parents
from app.graph.records.vertex_record import kind_of
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.record import Record
from policies.sensitivity import strictest


def with_known_sensitivity(unit: ItemUnit, vid: int) -> Record:
    """Return the record with the highest sensitivity among its own and those that propagate to it.

    Propagation counts as far as assets and edges were read or staged, and sensitivity floors count. The rights on the
    result of an update are checked with this record.
    """
    record, floors = unit.lookup.known(vid), unit.author.floors
    sensitivity, reached, frontier = record["sensitivity"], {vid}, [vid]
    while frontier:
        near = frontier.pop()
        known = unit.lookup.vertex(near)
        if known is None:
            continue
        sensitivity = strictest(sensitivity, floors.with_floor(near, known)["sensitivity"])
        if kind_of(known) in unit.author.propagation_stops:
            continue
        new = {*_sources(unit.lookup, near, unit.now)} - reached
        reached |= new
        frontier += new
    return {**record, "sensitivity": sensitivity}


def _sources(known: Known, vid: int, now: int) -> Iterator[int]:
    for source in carried(known, vid, Direction.IN, now):
        yield source
        yield from children(known, source, now)
    yield from parents(known, vid, now)
