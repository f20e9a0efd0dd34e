"""Reverts a change: restores what it changed, unless that changed again since.

Values and edges are restored by :mod:`app.graph.writing.handlers.revert_fields`. An alias points at its former version
again, with all checks of `setAlias`, and an alias that was new is removed. A deleted asset is restored, and a
registered or restored one is deleted. A revert is a change itself, and can be reverted.
"""

from collections.abc import Callable, Mapping
from typing import Final

from app.graph.records.vertex_record import ALIASES, is_deleted, kind_of
from app.graph.writing.handlers.delete import delete, restore
from app.graph.writing.handlers.plan_change import FIELD as PLANS
from app.graph.writing.handlers.revert_fields import nothing_to_restore, restore_fields
from app.graph.writing.handlers.set_alias import audited_alias, put_alias, set_alias, visible_alias
from app.graph.writing.handlers.track_incident import FIELD as INCIDENTS
from app.graph.writing.rules.permissions import refuse_deleted, require_right, require_visible
from app.graph.writing.rules.result_rights import without_protection
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import conflict, invalid, not_found
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.commands import DeleteCommand, RestoreCommand, RevertCommand, SetAliasCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record

Undo = Callable[[ItemUnit, Record, Record], WriteOutcome]
"""A function that undoes a change. It takes the unit, the record of the subject and the record of the change."""

_NOT_REVERTED: Final[Mapping[str, str]] = {
    INCIDENTS: "An incident is not reverted; resolve it with `resolveIncident`, or open one with `openIncident`.",
    PLANS: "A change plan is not reverted; close it with `closeChangePlan`, or decide again with `acknowledgeChange`.",
    "approvals": "A decision is not reverted; record another with `approve`, such as REVOKED.",
}
"""Fields whose changes cannot be reverted, with the message that names the mutation to use."""


def revert(unit: ItemUnit, command: RevertCommand) -> WriteOutcome:
    """Revert a change.

    Raises RejectedItemError if the change or its subject is hidden, its fields changed again since, it cannot be
    reverted, or the caller may not. The error is also raised if a mutation that undoes it rejects this: ``setAlias``
    because of a closed gate, or ``deleteAsset`` because the asset is in use.
    """
    change = unit.visibility.visible(command.change)
    if change is None:
        unit.visibility.report_hidden_id(command.change)
        raise not_found(f"The change {command.change} does not exist or is not visible to you; check the id.", "change")
    record = require_visible(unit, change["subject"], "change")
    if change["action"] == ChangeAction.MERGED.name or record["id"] != change["subject"]:
        raise conflict(
            f"The change {command.change} is about a merge, or about a dataset before its merge, and is not reverted; "
            f"set what you want at {record['id']}.",
            record["revision"],
            "change",
        )
    done = _undo_of(change)(unit, record, change)
    if done.outcome is Outcome.UPDATED:
        vid = unit.lookup.vid(record["id"])
        unit.audit.record_action(vid, ChangeAction.REVERTED, command.reason, reverts=command.change)
    return done


def _undo_of(change: Record) -> Undo:
    """Return the function that undoes a change, chosen by its fields; only a registration is known by its action.

    The action of a revert is REVERTED, whatever the revert has changed.
    """
    if any(entry["field"] == ALIASES and "part" in entry for entry in change["fields"]):
        return _undo_alias
    if change["fields"] and all(entry["field"] in _NOT_REVERTED for entry in change["fields"]):
        return _refuse
    deleted = next((entry for entry in change["fields"] if entry["field"] == "deletedAt"), None)
    if deleted is not None:
        return _undo_existence if deleted["after"] is None else _undo_deletion
    return _undo_existence if change["action"] == ChangeAction.REGISTERED.name else restore_fields


def _refuse(_unit: ItemUnit, _record: Record, change: Record) -> WriteOutcome:
    field = next(entry["field"] for entry in change["fields"] if entry["field"] in _NOT_REVERTED)
    raise invalid(_NOT_REVERTED[field], "change")


def _undo_deletion(unit: ItemUnit, record: Record, _change: Record) -> WriteOutcome:
    if not is_deleted(record):
        raise conflict(f"{record['id']} is no longer deleted; there is nothing to revert.", record["revision"])
    return restore(unit, RestoreCommand(record["id"]))


def _undo_existence(unit: ItemUnit, record: Record, _change: Record) -> WriteOutcome:
    if not KINDS[kind_of(record)].asset:
        raise invalid(f"The registration of {record['id']} is not reverted: only assets can be deleted.", "change")
    if is_deleted(record):
        raise conflict(f"{record['id']} is already deleted; there is nothing to revert.", record["revision"])
    return delete(unit, DeleteCommand(record["id"]))


def _undo_alias(unit: ItemUnit, record: Record, change: Record) -> WriteOutcome:
    """Point an alias at its former version, with all checks of ``setAlias``; without a former version, remove it.

    Only entries whose versions the caller may see count. Raises RejectedItemError without any, or if the alias changed
    again since.
    """
    visible = [entry for entry in change["fields"] if _shows_versions(unit, entry)]
    if not visible:
        raise invalid(nothing_to_restore(change), "change")
    name, after = visible[-1]["part"], visible[-1]["after"]
    before = next((entry["before"] for entry in visible if entry["before"] is not None), None)
    if audited_alias(visible_alias(unit, record, name)) != after:
        raise conflict(
            f"The alias {name!r} of {record['id']} changed again after {change['id']}; set it with `setAlias`.",
            record["revision"],
            "change",
        )
    if before is None:
        return _remove_alias(unit, record, name)
    return set_alias(unit, SetAliasCommand(record["id"], name, before["version"], protected=before["protected"]))


def _remove_alias(unit: ItemUnit, model: Record, name: str) -> WriteOutcome:
    alias = visible_alias(unit, model, name)
    require_right(unit, "promote", model)
    refuse_deleted(model)
    if alias is None:
        return WriteOutcome(Outcome.UNCHANGED, model["id"], model["revision"])
    require_right(unit, "promote", require_visible(unit, alias["version"], "change"))
    if alias["protected"]:
        model = without_protection(unit, model)
    put_alias(unit, model, name, None)
    return WriteOutcome(Outcome.UPDATED, model["id"], unit.lookup.known(unit.lookup.vid(model["id"]))["revision"])


def _shows_versions(unit: ItemUnit, entry: Record) -> bool:
    """Return whether the caller may see the versions that a changed alias points at, before and after."""
    versions = [entry[side]["version"] for side in ("before", "after") if entry[side] is not None]
    return all(unit.visibility.visible(version) is not None for version in versions)
