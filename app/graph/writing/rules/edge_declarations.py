"""Edges that an input field declares: those to its targets, and the end of those that it declares no longer."""

from collections.abc import Iterator, Mapping
from typing import Final

from app.graph.records.edge_record import (
    REMOVED,
    EdgeKey,
    declared,
    is_current,
    to_confirm,
    undeclared,
    with_confirmation,
)
from app.graph.records.tag_edge import has_mode, released
from app.graph.writing.rules.edge_effects import change_edge, require_containers, update_ordered_lists
from app.graph.writing.rules.permissions import needs_confirmation
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.placeholders import ensure_referenced
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.relations import TAGGED, VERSION_OF, Direction
from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.commands import DeclaredEdges
from graphql_schema.ports.record import Record

_IMPLIED: Final[Mapping[str, Record]] = {TAGGED.name: {"mode": TagMode.DIRECT.name}}
"""Values of each declared edge, by its relation: a listed tag is assigned, even if it was blocked before."""


def declare_edges(unit: ItemUnit, urn: str, edges: DeclaredEdges) -> bool:
    """Stage the edges that one field of the asset ``urn`` declares, and end those that have no declaration now.

    If ``edges.adds`` is set, only those in ``edges.removes`` lose their declaration. Return whether any edge changes.
    For VERSION_OF, nothing is staged, because the id names the parent. Raises RejectedItemError if an edge is invalid,
    names an absent user or team that may not be created, or if the caller may not declare it.
    """
    if edges.hop.relation is VERSION_OF:
        _refuse_other_parent(urn, edges)
        return False
    vid = unit.lookup.vid(urn)
    moved = False
    kept: set[EdgeKey] = set()
    for far, values in edges.targets.items():
        key, changed = _declare(unit, vid, edges, far, values)
        moved |= changed
        kept.add(key)
    ending = [*_ending(unit, vid, edges, kept)]
    require_containers(unit, (key for key, _ in ending))
    for key, edge in ending:
        moved |= change_edge(unit, key, edge, vid, edges.field)
    if edges.hop.direction is Direction.OUT:
        update_ordered_lists(unit, vid, edges.hop.relation.name, list(edges.targets))
    return moved


def _declare(unit: ItemUnit, vid: int, edges: DeclaredEdges, urn: str, values: Record) -> tuple[EdgeKey, bool]:
    """Stage one declared edge; return its key, and whether the edge changes. Raises as :func:`declare_edges`."""
    relation, far = edges.hop.relation, ensure_referenced(unit, urn, edges.field)
    unit.visibility.report_hidden_id(urn)
    key = edges.hop.edge_key(vid, far)
    source_kind, target_kind = unit.lookup.kind(key[1]), unit.lookup.kind(key[2])
    if not relation.allows(source_kind, target_kind):
        raise invalid(f"{relation.name} does not join {source_kind} to {target_kind}; remove {urn}.", edges.field)
    unconfirmed = needs_confirmation(unit, key, vid, edges.declarer, edges.field)
    given = {"origin": edges.origin, **_IMPLIED.get(relation.name, {}), **values}
    stored = to_confirm(unit.visibility.redeclared(key), unconfirmed=unconfirmed)
    after = declared(stored, relation, edges.declarer, unit.now, given)
    return key, change_edge(unit, key, with_confirmation(after, unconfirmed=unconfirmed), vid, edges.field)


def _ending(unit: ItemUnit, vid: int, edges: DeclaredEdges, kept: set[EdgeKey]) -> Iterator[tuple[EdgeKey, Record]]:
    """Yield the edges that the field declares no longer or removes, each with the record it gets.

    Of those declared no longer, a blocked tag remains. Each edge is taken as the caller knows it.
    """
    for key in () if edges.adds else unit.lookup.edges_at(edges.hop.relation.name, edges.hop.direction, vid):
        edge = unit.visibility.known_edge(unit.lookup.edge(key), key)
        if edge is None or key in kept or not is_current(edge, unit.now):
            continue
        if edges.declarer not in edge["by"] and not edges.replaces_all:
            continue
        if edges.replaces_all and {*edge["by"]} != {edges.declarer}:
            yield key, {**released(edge, unit.now), REMOVED: True}
        elif not has_mode(edge, TagMode.BLOCKED, unit.now):  # a list of tags does not change which tags are blocked
            yield key, undeclared(edge, edges.declarer, unit.now)
    for far in map(unit.lookup.vid, edges.removes):
        key = edges.hop.edge_key(vid, far)
        edge = unit.visibility.known_edge(unit.lookup.edge(key), key)
        if edge is not None and is_current(edge, unit.now):
            yield key, released(edge, unit.now)


def _refuse_other_parent(urn: str, edges: DeclaredEdges) -> None:
    parent = parent_urn(urn)
    if set(edges.targets) - {parent}:
        raise invalid(f"The id of {urn} names its parent {parent}; give this parent or omit the field.", edges.field)
