"""Effective sensitivity within a batch, before any of it is stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from app.graph.propagation.known_flows import Known, carried, children, parents
from app.graph.records.edge_record import EdgeKey, carries_sensitivity
from app.graph.records.vertex_record import kind_of
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.relations import CARRYING, CHILD_HOPS, Direction
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


@dataclass(frozen=True, slots=True)
class CarryingSources:
    """What propagates to an asset over carrying edges, as far as it is known.

    ``visible`` has the records of the sources that the author may discover, by vertex id, and ``hidden`` the edges from
    the other sources, by key.
    """

    visible: dict[int, Record] = field(default_factory=dict)
    hidden: dict[EdgeKey, Record] = field(default_factory=dict)


def carrying_sources(unit: ItemUnit, vid: int) -> CarryingSources:
    """Return what propagates to an asset. There may be very many edges: each is examined once."""
    found, lookup, now = CarryingSources(), unit.lookup, unit.now
    for relation in CARRYING:
        for key in lookup.edges_at(relation, Direction.IN, vid):
            edge, source = lookup.edge(key), lookup.vertex(key[1])
            if edge is None or source is None or key[1] in found.visible or not carries_sensitivity(edge, now):
                continue
            if unit.visibility.is_visible(source):
                found.visible[key[1]] = source
            else:
                found.hidden[key] = edge
    return found


def confirmed_for_author(unit: ItemUnit, record: Record, sources: CarryingSources) -> str:
    """Return what the first registration of an asset confirms: the highest of its declaration and its visible sources.

    Any caller may put edges on an unowned stub. An edge from a hidden source raises the asset for other teams. But it
    takes nothing from the owner, who could not see why (docs/sensitivity.md). Of the children of its sources, those
    count that the caller may discover.
    """
    lookup, floors, now = unit.lookup, unit.author.floors, unit.now
    levels, near = set[str](), [*parents(lookup, lookup.vid(record["id"]), now)]
    for vid, source in sources.visible.items():
        levels.add(floors.with_floor(vid, source)["sensitivity"])
        hop = CHILD_HOPS.get(kind_of(source))
        if hop is not None:
            lookup.batch.request_hop(hop.direction, hop.relation.name, vid)
            near += children(lookup, vid, now) if lookup.edges_at(hop.relation.name, hop.direction, vid) else ()
    near += chain.from_iterable(children(lookup, vid, now) for vid in {key[1] for key in sources.hidden})
    visible = (each for each in near if _is_visible(unit, each))
    levels |= {floors.with_floor(each, lookup.known(each))["sensitivity"] for each in visible}
    return strictest(record["declaredSensitivity"], *levels)


def _is_visible(unit: ItemUnit, vid: int) -> bool:
    record = unit.lookup.vertex(vid)
    return record is not None and unit.visibility.is_visible(record)


def _sources(known: Known, vid: int, now: int) -> Iterator[int]:
    for source in carried(known, vid, Direction.IN, now):
        yield source
        yield from children(known, source, now)
    yield from parents(known, vid, now)
