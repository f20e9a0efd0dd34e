"""Restoring: the fields and edges of one change as they were before it, where nothing has happened to them since."""

from functools import partial
from typing import Final

from app.graph.records.edge_record import (
    CLAIM,
    CLOSED,
    DECLASSIFIED,
    OPENED,
    Key,
    claimed,
    ends,
    is_current,
    never_held,
)
from app.graph.records.tag_edge import let_go, said, said_again
from app.graph.records.vertex_record import Record, updated
from app.graph.writing.handlers.register import CONTENT, RETIRED, permit_result
from app.graph.writing.rules.edge_effects import change_edge, settle_lists, settle_owner, settle_times
from app.graph.writing.rules.permissions import claims, permit, permit_known, refuse_deleted
from app.graph.writing.unit.item_unit import Draft
from app.graph.writing.unit.read_set import together
from app.graph.writing.unit.rejections import conflict, invalid
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import OWNED_BY, TAGGED
from graphql_schema.ports.outcomes import Outcome, Registered

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


def restore_fields(draft: Draft, record: Record, change: Record) -> Registered:
    """Draft what the fields of a change were before it; raises RefusedItemError where they have moved on."""
    vid = draft.vid(record["id"])
    permit(draft, _RIGHTS.get(change["action"], "update"), record)
    refuse_deleted(record)
    values = [entry for entry in change["fields"] if "edge" not in entry and entry["field"] not in DERIVED]
    edges = _read_edges(draft, [entry for entry in change["fields"] if "edge" in entry])
    owner = _owner_again(record, change)
    if not (values or edges or owner):
        raise invalid(f"A change {change['action']} has nothing that could be restored.", "change")
    _refuse_fixed(record, values)
    _refuse_moved_on(draft, record, change, [*values, *edges, *([] if values or edges else owner)])
    after = _with(record, values)
    if after["stage"] == RETIRED != record["stage"]:
        permit(draft, "retire", record)
    draft.put(vid, after)
    settle_times(draft, vid)
    moved = [_restore_edge(draft, vid, entry) for entry in edges]
    _restore_lists(draft, vid, change, edges, also_owners=bool(owner))
    permit_result(draft, vid, record, creates=False)
    draft.stamp(*([vid] if any(moved) else []))
    return Registered(
        Outcome.UPDATED if draft.changes else Outcome.UNCHANGED, record["id"], draft.known(vid)["revision"]
    )


def _refuse_fixed(record: Record, values: list[Record]) -> None:
    """Raise where a version would get other content."""
    fixed = [entry["field"] for entry in values if entry["field"] in CONTENT]
    if fixed:
        raise invalid(f"`{fixed[0]}` of {record['id']} cannot be taken back: versions are immutable.", "change")


def _refuse_moved_on(draft: Draft, record: Record, change: Record, entries: list[Record]) -> None:
    """Raise where something has happened since to what the change did."""
    moved_on = [entry["field"] for entry in entries if not _as_it_was_left(draft, record, entry)]
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


def _as_it_was_left(draft: Draft, record: Record, entry: Record) -> bool:
    """Whether a value or an edge still is what the change made of it."""
    if "edge" not in entry:
        return bool(record.get(entry["field"]) == entry["after"])
    edge, left = draft.edge(_key(draft, entry)), entry["is"]
    if edge is not None and left is not None and edge.get(CLAIM) and not left.get(CLAIM):  # in doubt, said as it was
        edge = {**claimed(edge, claim=False), "validFrom": left["validFrom"]}
    if edge is None or is_current(edge, draft.now) or is_current(left, draft.now):
        return bool(_holding(draft, said(edge)) == _holding(draft, left))
    return (edge["validFrom"], ends(edge)) == (left["validFrom"], ends(left))


def _holding(draft: Draft, edge: Record | None) -> Record | None:
    """What an edge says while it holds; None of one that has ended."""
    if edge is None or not is_current(edge, draft.now):
        return None
    return {name: value for name, value in edge.items() if name not in _OF_RECORDING}


def _key(draft: Draft, entry: Record) -> Key:
    relation, source, target = entry["edge"]
    return relation, draft.vid(source), draft.vid(target)


def _read_edges(draft: Draft, entries: list[Record]) -> list[Record]:
    """The edges of a change that the caller may know of, read in as many requests for all as for one.

    What is hidden is left as it is, as if the change had not been about it: a conflict there would tell of it.
    """
    draft.read(*(urn for entry in entries for urn in entry["edge"][1:]))
    together(partial(draft.state.need_pair, _key(draft, entry)) for entry in entries)
    return [entry for entry in entries if all(draft.find(urn) is not None for urn in entry["edge"][1:])]


def _restore_edge(draft: Draft, vid: int, entry: Record) -> bool:
    """Let an edge be as it was: open again, ended, or an interval that is over as that was before."""
    key, was = _key(draft, entry), entry["was"]
    edge = draft.edge(key)
    claim = claims(draft, key, vid)
    if was is not None and is_current(was, draft.now):
        _permit_declassifying(draft, key, vid, was)
        return change_edge(draft, key, claimed(said_again(edge, was, draft.now), claim=claim), vid, entry["field"])
    if edge is None:
        return False
    over = never_held(edge) if was is None else was
    after = let_go(edge, draft.now) if is_current(edge, draft.now) else over
    return change_edge(draft, key, after, vid, entry["field"])


def _permit_declassifying(draft: Draft, key: Key, vid: int, was: Record) -> None:
    """Raise unless the caller may decide whether sensitivity flows over the edge, where that becomes another."""
    edge = draft.edge(key)
    now = edge if edge is not None and is_current(edge, draft.now) else {}
    if bool(now.get(DECLASSIFIED)) != bool(was.get(DECLASSIFIED)):
        permit(draft, "approve", draft.known(vid))
        permit_known(draft, "approve", draft.known(key[2]))


def _owner_again(record: Record, change: Record) -> list[Record]:
    """What a change said of the owner team, where the one before is among the owners: it may come first again."""
    owners = {urn for urn, _ in record["index"]["owners"]}
    return [entry for entry in change["fields"] if entry["field"] == "ownerTeam" and entry["before"] in owners]


def _restore_lists(draft: Draft, vid: int, change: Record, edges: list[Record], *, also_owners: bool) -> None:
    """Index owners and tags that are so again; the team that owned it comes first, so that it owns it again."""
    again: dict[str, list[str]] = {OWNED_BY.name: [], TAGGED.name: []}
    touched = {OWNED_BY.name} if also_owners else set()
    for entry in edges:
        relation, _, target = entry["edge"]
        if relation in again:
            again[relation].append(target)
            touched.add(relation)
    team = [entry["before"] for entry in change["fields"] if entry["field"] == "ownerTeam" and entry["before"]]
    owners = {*again[OWNED_BY.name], *(urn for urn, _ in draft.known(vid)["index"]["owners"])}
    first = {OWNED_BY.name: [each for each in team if each in owners]}
    for relation in sorted(touched):
        settle_lists(draft, vid, relation, first.get(relation, []), again[relation])
    settle_owner(draft, vid)
