"""Effective sensitivity within a batch, before any of it is stored."""

from collections.abc import Iterator

from app.graph.propagation.known_flows import Known, carried, children, parents
from app.graph.records.vertex_record import kind_of
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.relations import CHILD_HOPS, Direction
from graphql_schema.ports.record import Record
from policies.sensitivity import strictest


def with_known_sensitivity(unit: ItemUnit, vid: int) -> Record:
    """Return the record with the highest sensitivity among its own and those that propagate to it.

    Propagation counts as far as assets and edges were read or staged, and sensitivity floors count. The rights on the
    result of an update are checked with this record, so that sources hidden from the caller count like absent ones.
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
        new = {source for source in _sources(unit.lookup, near, unit.now) if _is_visible(unit, source)} - reached
        reached |= new
        frontier += new
    return {**record, "sensitivity": sensitivity}


def confirmed_for_author(unit: ItemUnit, record: Record) -> str:
    """Return what the first registration of an asset confirms: the highest of its declaration and its visible sources.

    Any caller may put edges on an unowned stub. An edge from a hidden source raises the asset for other teams. But it
    takes nothing from the owner, who could not see why (docs/sensitivity.md).
    """
    vid = unit.lookup.vid(record["id"])
    unit.lookup.batch.request_group(vid)
    for source in carried(unit.lookup, vid, Direction.IN, unit.now):
        hop = CHILD_HOPS.get(unit.lookup.kind(source))
        if hop is not None and _is_visible(unit, source):
            unit.lookup.batch.request_hop(hop.direction, hop.relation.name, source)  # its children count as well
    visible = (source for source in _sources(unit.lookup, vid, unit.now) if _is_visible(unit, source))
    levels = (unit.author.floors.with_floor(each, unit.lookup.known(each))["sensitivity"] for each in visible)
    return strictest(record["declaredSensitivity"], *levels)


def _is_visible(unit: ItemUnit, vid: int) -> bool:
    record = unit.lookup.vertex(vid)
    return record is not None and unit.visibility.is_visible(record)


def _sources(known: Known, vid: int, now: int) -> Iterator[int]:
    for source in carried(known, vid, Direction.IN, now):
        yield source
        yield from children(known, source, now)
    yield from parents(known, vid, now)
