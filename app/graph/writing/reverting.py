"""Reverting: what one change did is undone, where nothing has happened to that since.

Values go back to what they were, edges end or hold again, an alias goes back through its gate, a deletion is taken
back, and what was registered is deleted. The undoing is a change itself, and can be reverted.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from app.graph.writing.aliases import ALIASES, known_alias, put_alias, said, set_alias
from app.graph.writing.consequences import change_edge, settle_lists, settle_owner, settle_times
from app.graph.writing.deleting import delete, is_deleted, restore
from app.graph.writing.draft import Draft
from app.graph.writing.edges import DECLASSIFIED, Key, claimed, ends, is_current, never_held
from app.graph.writing.incidents import FIELD as INCIDENTS
from app.graph.writing.permits import claims, existing, permit, permit_known, refuse_deleted
from app.graph.writing.refusal import RefusedItemError, conflict, invalid, not_found
from app.graph.writing.registering import CONTENT, RETIRED, permit_result
from app.graph.writing.tagging import let_go, said_again
from app.graph.writing.tagging import said as said_of
from app.graph.writing.vertices import Record, kind_of, updated
from graphql_schema.catalog import KINDS, OWNED_BY, TAGGED
from graphql_schema.enums import ChangeAction, Outcome
from graphql_schema.intents import AliasSetting, Deleting, Restoring, Reverting
from graphql_schema.registration import Registered

DERIVED: Final = frozenset({"ownerTeam", "hydration", "sensitivity", "deletedAt", "deletedWith"})
"""Fields that follow from others, and are not restored by themselves."""

_RIGHTS: Final = {
    ChangeAction.LINKED.name: "link",
    ChangeAction.UNLINKED.name: "link",
    ChangeAction.TAGGED.name: "tag",
}
"""What it takes to undo a change: what it took to make it; any other takes the right to update."""


_BY_HAND: Final[Mapping[str, str]] = {
    INCIDENTS: "An incident is not taken back; resolve it with `resolveIncident`, or open one with `openIncident`.",
}
"""Fields whose changes are undone by another call, and how."""


def revert(draft: Draft, item: Reverting) -> Registered:
    """Draft the undoing of a change; raises RefusedItemError where it cannot be undone any more."""
    change = draft.find(item.change)
    if change is None:
        raise not_found(f"There is no change {item.change} that you may know of; check the id.", "change")
    record = existing(draft, change["subject"], "change")
    done = _undoing(change)(draft, record, change)
    if done.outcome is Outcome.UPDATED:
        vid = draft.vid(record["id"])
        draft.note(vid, ChangeAction.REVERTED, item.reason, reverts=item.change)
    return done


def _undoing(change: Record) -> Callable[[Draft, Record, Record], Registered]:
    """How a change is undone: by what it did, since it may have undone another itself."""
    if any(entry["field"] == ALIASES and "part" in entry for entry in change["fields"]):
        return _undo_alias
    if change["action"] == ChangeAction.APPROVED.name:
        return _refuse_decision
    deleted = next((entry for entry in change["fields"] if entry["field"] == "deletedAt"), None)
    if deleted is not None:
        return _undo_existence if deleted["after"] is None else _undo_deletion
    return _undo_existence if change["action"] == ChangeAction.REGISTERED.name else _undo_fields


def _undo_fields(draft: Draft, record: Record, change: Record) -> Registered:
    vid = draft.vid(record["id"])
    permit(draft, _RIGHTS.get(change["action"], "update"), record)
    refuse_deleted(record)
    values = [entry for entry in change["fields"] if "edge" not in entry and entry["field"] not in DERIVED]
    edges = [entry for entry in change["fields"] if "edge" in entry]
    standing = next((entry["field"] for entry in values if entry["field"] in _BY_HAND), None)
    if standing is not None:
        raise invalid(_BY_HAND[standing], "change")
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
    changed = bool(draft.vertices or draft.edges)
    return Registered(Outcome.UPDATED if changed else Outcome.UNCHANGED, record["id"], draft.known(vid)["revision"])


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
    if edge is None or is_current(edge, draft.now) or is_current(left, draft.now):
        return bool(_said(draft, said_of(edge)) == _said(draft, left))
    return (edge["validFrom"], ends(edge)) == (left["validFrom"], ends(left))


def _said(draft: Draft, edge: Record | None) -> Any:  # noqa: ANN401 - what is compared
    if edge is None or not is_current(edge, draft.now):
        return None
    return {name: value for name, value in edge.items() if name not in {"recordedAt", "recordedBy", "at", "earlier"}}


def _key(draft: Draft, entry: Record) -> Key:
    relation, *ends_of = entry["edge"]
    for urn in ends_of:
        draft.state.need_point(draft.vid(urn), urn)
    source, target = (draft.vid(urn) for urn in ends_of)
    draft.state.need_pair((relation, source, target))
    return relation, source, target


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


def _undo_deletion(draft: Draft, record: Record, _change: Record) -> Registered:
    if not is_deleted(record):
        raise conflict(f"{record['id']} is not deleted any more; there is nothing to undo.", record["revision"])
    return restore(draft, Restoring(record["id"]))


def _undo_existence(draft: Draft, record: Record, _change: Record) -> Registered:
    if not KINDS[kind_of(record)].asset:
        raise invalid(f"{record['id']} is no asset, and only assets can be deleted.", "change")
    if is_deleted(record):
        raise conflict(f"{record['id']} is deleted already; there is nothing to undo.", record["revision"])
    return delete(draft, Deleting(record["id"]))


def _undo_alias(draft: Draft, record: Record, change: Record) -> Registered:
    """Let an alias stand for what it stood for, by the rules of any move; away with it where it stood for nothing."""
    told = [entry for entry in change["fields"] if _told(draft, entry)]
    if not told:
        raise invalid(f"A change {change['action']} has nothing that could be restored.", "change")
    name, after = told[-1]["part"], told[-1]["after"]
    before = next((entry["before"] for entry in told if entry["before"] is not None), None)
    now = known_alias(draft, record, name)
    if said(now) != after:
        raise conflict(
            f"The alias {name!r} of {record['id']} changed again after {change['id']}; set what you want.",
            record["revision"],
            "change",
        )
    if before is None:
        return _take_away(draft, record, name)
    try:
        return set_alias(draft, AliasSetting(record["id"], name, before["version"], protected=before["protected"]))
    except RefusedItemError as refused:
        raise _about_the_change(refused) from None


def _take_away(draft: Draft, model: Record, name: str) -> Registered:
    alias = known_alias(draft, model, name)
    permit(draft, "promote", model)
    refuse_deleted(model)
    if alias is None:
        return Registered(Outcome.UNCHANGED, model["id"], model["revision"])
    permit(draft, "promote", existing(draft, alias["version"], "change"))
    if alias["protected"]:
        permit(draft, "approve", model)
    put_alias(draft, model, name, None)
    return Registered(Outcome.UPDATED, model["id"], draft.known(draft.vid(model["id"]))["revision"])


def _told(draft: Draft, entry: Record) -> bool:
    """Whether the caller may know of the versions that a change of an alias names."""
    return all(entry[side] is None or draft.find(entry[side]["version"]) is not None for side in ("before", "after"))


def _about_the_change(refused: RefusedItemError) -> RefusedItemError:
    """A refusal of a move that nobody named: it is about the change."""
    done = refused.registered
    return RefusedItemError(replace(done, refusals=tuple(replace(each, path=("change",)) for each in done.refusals)))


def _refuse_decision(_draft: Draft, _record: Record, _change: Record) -> Registered:
    raise invalid("A decision stays recorded; record another with `approve`, such as REVOKED.", "change")
