"""Restoring: the fields and edges of one change as they were before it, where nothing has happened to them since."""

from functools import partial
from typing import Final

from app.graph.records.edge_record import (
    CLOSED,
    DECLASSIFIED,
    OPENED,
    UNCONFIRMED,
    EdgeKey,
    ends,
    is_current,
    never_held,
    with_confirmation,
)
from app.graph.records.tag_edge import declared_part, released, said_again
from app.graph.records.vertex_record import Record, updated
from app.graph.writing.handlers.register import CONTENT, RETIRED, permit_result
from app.graph.writing.rules.edge_effects import change_edge, update_ordered_lists, update_owner_team, update_use_times
from app.graph.writing.rules.permissions import needs_confirmation, permit_known, refuse_deleted, require_right
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.read_set import require_all
from app.graph.writing.unit.rejections import conflict, invalid
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import OWNED_BY, TAGGED
from graphql_schema.ports.outcomes import Outcome, WriteOutcome

DERIVED: Final = frozenset({"ownerTeam", "hydration", "sensitivity", "deletedAt", "deletedWith"})
"""Fields that follow from others, and are not restored by themselves."""

_RIGHTS: Final = {
    ChangeAction.LINKED.name: "link",
    ChangeAction.UNLINKED.name: "link",
    ChangeAction.TAGGED.name: "tag",
}
"""What it takes to undo a change: what it took to make it; any other takes the right to update."""

_OF_RECORDING: Final = frozenset({"recordedAt", "recordedBy", "at", "earlier", OPENED, CLOSED})
"""What an edge says of how it was recorded, rather than of what it is about."""


def restore_fields(unit: ItemUnit, record: Record, change: Record) -> WriteOutcome:
    """Draft what the fields of a change were before it; raises RejectedItemError where they have moved on."""
    vid = unit.vid(record["id"])
    require_right(unit, _RIGHTS.get(change["action"], "update"), record)
    refuse_deleted(record)
    values = [entry for entry in change["fields"] if "edge" not in entry and entry["field"] not in DERIVED]
    edges = _read_edges(unit, [entry for entry in change["fields"] if "edge" in entry])
    owner = _owner_again(record, change)
    if not (values or edges or owner):
        raise invalid(f"A change {change['action']} has nothing that could be restored.", "change")
    _refuse_fixed(record, values)
    _refuse_moved_on(unit, record, change, [*values, *edges, *([] if values or edges else owner)])
    after = _with(record, values)
    if after["stage"] == RETIRED != record["stage"]:
        require_right(unit, "retire", record)
    unit.put(vid, after)
    update_use_times(unit, vid)
    moved = [_restore_edge(unit, vid, entry) for entry in edges]
    _restore_lists(unit, vid, change, edges, also_owners=bool(owner))
    permit_result(unit, vid, record, creates=False)
    unit.bump_revisions(*([vid] if any(moved) else []))
    return WriteOutcome(
        Outcome.UPDATED if unit.changes else Outcome.UNCHANGED, record["id"], unit.known(vid)["revision"]
    )


def _refuse_fixed(record: Record, values: list[Record]) -> None:
    """Raise where a version would get other content."""
    fixed = [entry["field"] for entry in values if entry["field"] in CONTENT]
    if fixed:
        raise invalid(f"`{fixed[0]}` of {record['id']} cannot be taken back: versions are immutable.", "change")


def _refuse_moved_on(unit: ItemUnit, record: Record, change: Record, entries: list[Record]) -> None:
    """Raise where something has happened since to what the change did."""
    moved_on = [entry["field"] for entry in entries if not _as_it_was_left(unit, record, entry)]
    if moved_on:
        names = " and ".join(f"`{name}`" for name in dict.fromkeys(moved_on))
        raise conflict(
            f"{names} of {record['id']} changed again after {change['id']}; revert the later changes first, or "
            "set what you want.",
            record["revision"],
            "change",
        )


def _with(record: Record, values: list[Record]) -> Record:
    """The record with former values; what a registration may set goes the same way."""
    before = {entry["field"]: entry["before"] for entry in values}
    if "declaredSensitivity" in before:
        before["sensitivity"] = before.pop("declaredSensitivity")
    return updated(record, before)


def _as_it_was_left(unit: ItemUnit, record: Record, entry: Record) -> bool:
    """Whether a value or an edge still is what the change made of it."""
    if "edge" not in entry:
        return bool(record.get(entry["field"]) == entry["after"])
    edge, left = unit.edge(_key(unit, entry)), entry["is"]
    if (
        edge is not None and left is not None and edge.get(UNCONFIRMED) and not left.get(UNCONFIRMED)
    ):  # in doubt, said as it was
        edge = {**with_confirmation(edge, claim=False), "validFrom": left["validFrom"]}
    if edge is None or is_current(edge, unit.now) or is_current(left, unit.now):
        return bool(_holding(unit, declared_part(edge)) == _holding(unit, left))
    return (edge["validFrom"], ends(edge)) == (left["validFrom"], ends(left))


def _holding(unit: ItemUnit, edge: Record | None) -> Record | None:
    """What an edge says while it holds; None of one that has ended."""
    if edge is None or not is_current(edge, unit.now):
        return None
    return {name: value for name, value in edge.items() if name not in _OF_RECORDING}


def _key(unit: ItemUnit, entry: Record) -> EdgeKey:
    relation, source, target = entry["edge"]
    return relation, unit.vid(source), unit.vid(target)


def _read_edges(unit: ItemUnit, entries: list[Record]) -> list[Record]:
    """The edges of a change that the caller may know of, read in as many requests for all as for one.

    What is hidden is left as it is, as if the change had not been about it: a conflict there would tell of it.
    """
    unit.read(*(urn for entry in entries for urn in entry["edge"][1:]))
    require_all(partial(unit.state.need_pair, _key(unit, entry)) for entry in entries)
    return [entry for entry in entries if all(unit.visible(urn) is not None for urn in entry["edge"][1:])]


def _restore_edge(unit: ItemUnit, vid: int, entry: Record) -> bool:
    """Let an edge be as it was: open again, ended, or an interval that is over as that was before."""
    key, was = _key(unit, entry), entry["was"]
    edge = unit.edge(key)
    claim = needs_confirmation(unit, key, vid)
    if was is not None and is_current(was, unit.now):
        _permit_declassifying(unit, key, vid, was)
        return change_edge(
            unit, key, with_confirmation(said_again(edge, was, unit.now), claim=claim), vid, entry["field"]
        )
    if edge is None:
        return False
    over = never_held(edge) if was is None else was
    after = released(edge, unit.now) if is_current(edge, unit.now) else over
    return change_edge(unit, key, after, vid, entry["field"])


def _permit_declassifying(unit: ItemUnit, key: EdgeKey, vid: int, was: Record) -> None:
    """Raise unless the caller may decide whether sensitivity flows over the edge, where that becomes another."""
    edge = unit.edge(key)
    now = edge if edge is not None and is_current(edge, unit.now) else {}
    if bool(now.get(DECLASSIFIED)) != bool(was.get(DECLASSIFIED)):
        require_right(unit, "approve", unit.known(vid))
        permit_known(unit, "approve", unit.known(key[2]))


def _owner_again(record: Record, change: Record) -> list[Record]:
    """What a change said of the owner team, where the one before is among the owners: it may come first again."""
    owners = {urn for urn, _ in record["index"]["owners"]}
    return [entry for entry in change["fields"] if entry["field"] == "ownerTeam" and entry["before"] in owners]


def _restore_lists(unit: ItemUnit, vid: int, change: Record, edges: list[Record], *, also_owners: bool) -> None:
    """Index owners and tags that are so again; the team that owned it comes first, so that it owns it again."""
    again: dict[str, list[str]] = {OWNED_BY.name: [], TAGGED.name: []}
    touched = {OWNED_BY.name} if also_owners else set()
    for entry in edges:
        relation, _, target = entry["edge"]
        if relation in again:
            again[relation].append(target)
            touched.add(relation)
    team = [entry["before"] for entry in change["fields"] if entry["field"] == "ownerTeam" and entry["before"]]
    owners = {*again[OWNED_BY.name], *(urn for urn, _ in unit.known(vid)["index"]["owners"])}
    first = {OWNED_BY.name: [each for each in team if each in owners]}
    for relation in sorted(touched):
        update_ordered_lists(unit, vid, relation, first.get(relation, []), again[relation])
    update_owner_team(unit, vid)
