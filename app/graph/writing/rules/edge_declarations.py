"""Edges that an input field declares: those to its targets, and the end of those that it declares no longer.

Also what a declaration takes over from the stored edge, by a field or by a link.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from app.graph.records.edge_record import (
    CLOSED,
    GIVEN_FOR,
    LINK,
    REMOVED,
    UNCONFIRMED,
    EdgeKey,
    declared,
    ends,
    is_current,
    opened,
    undeclared,
    with_confirmation,
    without_declassification,
)
from app.graph.records.tag_edge import has_mode, released
from app.graph.writing.rules.edge_effects import change_edge, has_lapsed, require_containers, update_ordered_lists
from app.graph.writing.rules.permissions import changed_ends, may_link_other_ends, needs_confirmation
from app.graph.writing.rules.stored_values import refuse_many_tags
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.placeholders import absent_record, ensure_referenced, has_lasting_owner
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.relations import RELATIONS, TAGGED, VERSION_OF, Direction
from graphql_schema.catalog.urn import parent_urn, slug_of
from graphql_schema.ports.commands import DeclaredEdges
from graphql_schema.ports.record import Record

_IMPLIED: Final[Mapping[str, Record]] = {TAGGED.name: {"mode": TagMode.DIRECT.name}}
"""Values of each declared edge, by its relation: a listed tag is assigned, even if it was blocked before."""

_OF_LINKS: Final = frozenset({"validTo", CLOSED, "confidence", "properties", "runId", GIVEN_FOR})
"""Record keys of an edge that only links give values, besides the begin, and the origin that a field gives, too."""


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
    if edges.hop.relation is TAGGED:
        refuse_many_tags(unit, vid, edges.place)
    return moved


def end_blocks(unit: ItemUnit, vid: int) -> None:
    """Stage the end of each block of a tag on a placeholder that is registered now, after its edges are declared.

    Any engineer may block a tag on a placeholder, so its registrant would keep a decision of others. Blocks of hidden
    tags end, too.
    """
    unit.lookup.require_hops((TAGGED.out(), vid))
    for key in unit.lookup.edges_at(TAGGED.name, Direction.OUT, vid):
        edge = unit.lookup.edge(key)
        if edge is not None and has_mode(edge, TagMode.BLOCKED, unit.now):
            unit.staging.put_edge(key, released(edge, unit.now), recorder=edge["recordedBy"])
            unit.audit.record_edge(vid, "tags", key)


def _declare(unit: ItemUnit, vid: int, edges: DeclaredEdges, urn: str, values: Record) -> tuple[EdgeKey, bool]:
    """Stage one declared edge; return its key, and whether the edge changes. Raises as :func:`declare_edges`."""
    relation, far = edges.hop.relation, ensure_referenced(unit, urn, edges.field)
    unit.visibility.report_hidden_id(urn)
    key = edges.hop.edge_key(vid, far)
    source_kind, target_kind = unit.lookup.kind(key[1]), unit.lookup.kind(key[2])
    if not relation.allows(source_kind, target_kind):
        raise invalid(f"{relation.name} does not join {source_kind} to {target_kind}; remove {urn}.", edges.field)
    unconfirmed = needs_confirmation(unit, key, vid, unit.visibility.known(key), edges.declarer, edges.field)
    given = {"origin": edges.origin, **_IMPLIED.get(relation.name, {}), **values}
    stored = to_amend(unit, key, vid, unit.visibility.redeclared(key), unconfirmed=unconfirmed)
    after = declared(stored, relation, edges.declarer, unit.now, given)
    after = with_confirmation(after, unconfirmed=unconfirmed)
    return key, change_edge(unit, key, after, vid, edges.field, declarer=edges.declarer)


def to_amend(unit: ItemUnit, key: EdgeKey, own: int, edge: Record | None, *, unconfirmed: bool) -> Record | None:
    """Return what a declaration amends of the stored ``edge``; ``unconfirmed`` states whether the result is so.

    What others gave the edge without a right on an asset that it changes does not outlast a declaration with this
    right. That is all of an unconfirmed edge that others recorded. Of another edge, it is what a link gave it before
    the asset ``own`` had its owner, unless the author belonged to this owner.
    """
    if edge is None or unconfirmed:
        return edge
    if edge.get(UNCONFIRMED):
        is_known = edge.get("recordedBy", unit.author.subject) == unit.author.subject
        return without_declassification(edge) if is_known else opened(edge, RELATIONS[key[0]], unit.now)
    owner = unit.lookup.known(own)["ownerTeam"]
    is_given = is_current(edge, unit.now) and owner and owner not in edge.get(GIVEN_FOR, (owner,))
    if not (is_given and may_link_other_ends(unit, key, own)):
        return edge
    fields = [name for name in edge["by"] if name != LINK]
    dropped = _OF_LINKS if fields else _OF_LINKS | {"origin"}
    rest = {name: value for name, value in edge.items() if name not in dropped}
    return {**rest, "by": fields, "validFrom": min(edge["validFrom"], unit.now)}


def with_giver(unit: ItemUnit, key: EdgeKey, edge: Record | None, after: Record) -> Record:
    """Return ``after``, which a link or unlink makes of ``edge``, with its :data:`GIVEN_FOR` if it differs from it.

    If it leaves the dates of the edge as they are, these are also of those who gave them. A hidden end counts like an
    absent one, about which nothing more is read.
    """
    given, stored = ({**each, GIVEN_FOR: None} for each in (after, edge or {}))
    if given == stored:
        return after
    rest = {name: value for name, value in after.items() if name != GIVEN_FOR}
    former = (edge or {}).get(GIVEN_FOR) if ends(after) == ends(edge or after) else None
    ends_changed = [
        record if unit.visibility.is_visible(record) else absent_record(unit, record["id"])
        for record in changed_ends(unit, key)
    ]
    unowned = [record for record in ends_changed if not has_lasting_owner(unit, record)]
    if all(unit.visibility.allows("administer", record).allowed for record in unowned):
        return rest if former is None else {**rest, GIVEN_FOR: former}
    owners = {record["ownerTeam"] for record in ends_changed} & unit.author.owners
    own = owners | {owner for owner in unit.author.owners if slug_of(owner) == "team" or owner == unit.author.user}
    return {**rest, GIVEN_FOR: sorted(own if former is None else own.intersection(former))}


def _ending(unit: ItemUnit, vid: int, edges: DeclaredEdges, kept: set[EdgeKey]) -> Iterator[tuple[EdgeKey, Record]]:
    """Yield the edges that the field declares no longer or removes, each with the record it gets.

    Of those declared no longer, a blocked tag remains. Each edge is taken as the caller knows it. One that has lapsed
    stays as it is.
    """
    for key in () if edges.adds else unit.lookup.edges_at(edges.hop.relation.name, edges.hop.direction, vid):
        edge = unit.visibility.known_edge(unit.lookup.edge(key), key)
        if edge is not None and key not in kept and has_lapsed(unit, key):
            yield key, edge
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
