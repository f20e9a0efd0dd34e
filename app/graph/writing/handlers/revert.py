"""Reverting: what one change did is undone, where nothing has happened to that since.

Values go back to what they were, edges end or hold again (:mod:`app.graph.writing.handlers.revert_fields`), an alias
goes back through its gate, a deletion is taken back, and what was registered is deleted. The undoing is a change
itself, and can be reverted.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from app.graph.records.vertex_record import ALIASES, Record, is_deleted, kind_of
from app.graph.writing.handlers.delete import delete, restore
from app.graph.writing.handlers.revert_fields import restore_fields
from app.graph.writing.handlers.set_alias import as_told, known_alias, put_alias, set_alias
from app.graph.writing.handlers.track_incident import FIELD as INCIDENTS
from app.graph.writing.rules.permissions import refuse_deleted, require_right, require_visible
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import RejectedItemError, conflict, invalid, not_found
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.commands import AliasSetting, Deleting, Restoring, Reverting
from graphql_schema.ports.outcomes import Outcome, WriteOutcome

Undo = Callable[[ItemUnit, Record, Record], WriteOutcome]

_BY_HAND: Final[Mapping[str, str]] = {
    INCIDENTS: "An incident is not taken back; resolve it with `resolveIncident`, or open one with `openIncident`.",
    "approvals": "A decision stays recorded; record another with `approve`, such as REVOKED.",
}
"""Fields whose changes are undone by another call, and how."""


def revert(unit: ItemUnit, item: Reverting) -> WriteOutcome:
    """Draft the undoing of a change; raises RejectedItemError where it cannot be undone any more."""
    change = unit.visible(item.change)
    if change is None:
        unit.report_hidden_id(item.change, unit.vid(item.change))
        raise not_found(f"There is no change {item.change} that you may know of; check the id.", "change")
    record = require_visible(unit, change["subject"], "change")
    done = _undo_of(change)(unit, record, change)
    if done.outcome is Outcome.UPDATED:
        vid = unit.vid(record["id"])
        unit.record_action(vid, ChangeAction.REVERTED, item.reason, reverts=item.change)
    return done


def _undo_of(change: Record) -> Undo:
    """What undoes a change, by what it did, since it may have undone another itself."""
    if any(entry["field"] == ALIASES and "part" in entry for entry in change["fields"]):
        return _undo_alias
    if any(entry["field"] in _BY_HAND for entry in change["fields"]):
        return _refuse
    deleted = next((entry for entry in change["fields"] if entry["field"] == "deletedAt"), None)
    if deleted is not None:
        return _undo_existence if deleted["after"] is None else _undo_deletion
    return _undo_existence if change["action"] == ChangeAction.REGISTERED.name else restore_fields


def _refuse(_draft: ItemUnit, _record: Record, change: Record) -> WriteOutcome:
    raise invalid(next(_BY_HAND[entry["field"]] for entry in change["fields"] if entry["field"] in _BY_HAND), "change")


def _undo_deletion(unit: ItemUnit, record: Record, _change: Record) -> WriteOutcome:
    if not is_deleted(record):
        raise conflict(f"{record['id']} is not deleted any more; there is nothing to undo.", record["revision"])
    return restore(unit, Restoring(record["id"]))


def _undo_existence(unit: ItemUnit, record: Record, _change: Record) -> WriteOutcome:
    if not KINDS[kind_of(record)].asset:
        raise invalid(f"{record['id']} is no asset, and only assets can be deleted.", "change")
    if is_deleted(record):
        raise conflict(f"{record['id']} is deleted already; there is nothing to undo.", record["revision"])
    return delete(unit, Deleting(record["id"]))


def _undo_alias(unit: ItemUnit, record: Record, change: Record) -> WriteOutcome:
    """Let an alias stand for what it stood for, by the rules of any move; away with it where it stood for nothing."""
    told = [entry for entry in change["fields"] if _told(unit, entry)]
    if not told:
        raise invalid(f"A change {change['action']} has nothing that could be restored.", "change")
    name, after = told[-1]["part"], told[-1]["after"]
    before = next((entry["before"] for entry in told if entry["before"] is not None), None)
    now = known_alias(unit, record, name)
    if as_told(now) != after:
        raise conflict(
            f"The alias {name!r} of {record['id']} changed again after {change['id']}; set what you want.",
            record["revision"],
            "change",
        )
    if before is None:
        return _take_away(unit, record, name)
    try:
        return set_alias(unit, AliasSetting(record["id"], name, before["version"], protected=before["protected"]))
    except RejectedItemError as refused:
        raise _about_the_change(refused) from None


def _take_away(unit: ItemUnit, model: Record, name: str) -> WriteOutcome:
    alias = known_alias(unit, model, name)
    require_right(unit, "promote", model)
    refuse_deleted(model)
    if alias is None:
        return WriteOutcome(Outcome.UNCHANGED, model["id"], model["revision"])
    require_right(unit, "promote", require_visible(unit, alias["version"], "change"))
    if alias["protected"]:
        require_right(unit, "approve", model)
    put_alias(unit, model, name, None)
    return WriteOutcome(Outcome.UPDATED, model["id"], unit.known(unit.vid(model["id"]))["revision"])


def _told(unit: ItemUnit, entry: Record) -> bool:
    """Whether the caller may know of the versions that a change of an alias names."""
    return all(entry[side] is None or unit.visible(entry[side]["version"]) is not None for side in ("before", "after"))


def _about_the_change(refused: RejectedItemError) -> RejectedItemError:
    """A refusal of a move that nobody named: it is about the change."""
    done = refused.registered
    return RejectedItemError(replace(done, refusals=tuple(replace(each, path=("change",)) for each in done.refusals)))
