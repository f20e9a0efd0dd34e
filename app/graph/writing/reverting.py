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
from app.graph.writing.edges import Key, claimed, is_current
from app.graph.writing.incidents import FIELD as INCIDENTS
from app.graph.writing.permits import claims, existing, permit, refuse_deleted
from app.graph.writing.refusal import RefusedItemError, conflict, invalid, not_found
from app.graph.writing.registering import CONTENT, permit_result
from app.graph.writing.tagging import let_go, said_again
from app.graph.writing.tagging import said as said_of
from app.graph.writing.vertices import Record, updated
from graphql_schema.enums import ChangeAction, Outcome
from graphql_schema.intents import AliasSetting, Deleting, Restoring, Reverting
from graphql_schema.registration import Registered

DERIVED: Final = frozenset({"ownerTeam", "hydration", "sensitivity", "deletedAt", "deletedWith"})
"""Fields that follow from others, and are not restored by themselves."""

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
    done = _undo_of(change)(draft, record, change)
    if done.outcome is Outcome.UPDATED:
        vid = draft.vid(record["id"])
        draft.note(vid, ChangeAction.REVERTED, item.reason, reverts=item.change)
    return done


Undo = Callable[[Draft, Record, Record], Registered]


def _undo_of(change: Record) -> Undo:
    """What undoes a change; aliases are known by their entries, since the undoing of one is undone like one."""
    if any(entry["field"] == ALIASES and "part" in entry for entry in change["fields"]):
        return _undo_alias
    return _UNDO.get(change["action"], _undo_fields)


def _undo_fields(draft: Draft, record: Record, change: Record) -> Registered:
    vid = draft.vid(record["id"])
    permit(draft, "update", record)
    refuse_deleted(record)
    values = [entry for entry in change["fields"] if "edge" not in entry and entry["field"] not in DERIVED]
    edges = [entry for entry in change["fields"] if "edge" in entry]
    standing = next((entry["field"] for entry in values if entry["field"] in _BY_HAND), None)
    if standing is not None:
        raise invalid(_BY_HAND[standing], "change")
    if not values and not edges:
        raise invalid(f"A change {change['action']} has nothing that could be restored.", "change")
    fixed = [entry["field"] for entry in values if entry["field"] in CONTENT]
    if fixed:
        raise invalid(f"`{fixed[0]}` of {record['id']} cannot be taken back: versions are immutable.", "change")
    moved_on = [entry["field"] for entry in values if record.get(entry["field"]) != entry["after"]]
    moved_on += [entry["field"] for entry in edges if not _as_it_was_left(draft, entry)]
    if moved_on:
        names = " and ".join(f"`{name}`" for name in dict.fromkeys(moved_on))
        raise conflict(
            f"{names} of {record['id']} changed again after {change['id']}; revert the later changes first, or "
            "set what you want.",
            record["revision"],
            "change",
        )
    draft.put(vid, _with(record, values))
    settle_times(draft, vid)
    moved = [_restore_edge(draft, vid, entry) for entry in edges]
    settle_owner(draft, vid)
    permit_result(draft, vid, record, creates=False)
    draft.stamp(*([vid] if any(moved) else []))
    changed = bool(draft.vertices or draft.edges)
    return Registered(Outcome.UPDATED if changed else Outcome.UNCHANGED, record["id"], draft.known(vid)["revision"])


def _with(record: Record, values: list[Record]) -> Record:
    """The record with former values; what a registration may set goes the same way."""
    before = {entry["field"]: entry["before"] for entry in values}
    if "declaredSensitivity" in before:
        before["sensitivity"] = before.pop("declaredSensitivity")
    return updated(record, before)


def _as_it_was_left(draft: Draft, entry: Record) -> bool:
    """Whether an edge still says what the change made it say."""
    edge = draft.edge(_key(draft, entry))
    return bool(_said(draft, said_of(edge)) == _said(draft, entry["is"]))


def _said(draft: Draft, edge: Record | None) -> Any:  # noqa: ANN401 - what is compared
    if edge is None or not is_current(edge, draft.now):
        return None
    return {name: value for name, value in edge.items() if name not in {"recordedAt", "recordedBy", "at", "earlier"}}


def _key(draft: Draft, entry: Record) -> Key:
    relation, *ends = entry["edge"]
    for urn in ends:
        draft.state.need_point(draft.vid(urn), urn)
    source, target = (draft.vid(urn) for urn in ends)
    draft.state.need_pair((relation, source, target))
    return relation, source, target


def _restore_edge(draft: Draft, vid: int, entry: Record) -> bool:
    key, was = _key(draft, entry), entry["was"]
    edge = draft.edge(key)
    claim = claims(draft, key, vid)
    if was is not None and is_current(was, draft.now):
        moved = change_edge(draft, key, claimed(said_again(edge, was, draft.now), claim=claim), vid, entry["field"])
    else:
        moved = edge is not None and change_edge(draft, key, let_go(edge, draft.now), vid, entry["field"])
    settle_lists(draft, vid, key[0], [])
    return moved


def _undo_deletion(draft: Draft, record: Record, _change: Record) -> Registered:
    if not is_deleted(record):
        raise conflict(f"{record['id']} is not deleted any more; there is nothing to undo.", record["revision"])
    return restore(draft, Restoring(record["id"]))


def _undo_existence(draft: Draft, record: Record, _change: Record) -> Registered:
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


_UNDO: Final[Mapping[str, Undo]] = {
    ChangeAction.APPROVED.name: _refuse_decision,
    ChangeAction.DELETED.name: _undo_deletion,
    ChangeAction.RESTORED.name: _undo_existence,
    ChangeAction.REGISTERED.name: _undo_existence,
}
