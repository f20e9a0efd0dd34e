"""Points an alias of a model at a version, or removes it. Aliases are in the record of the model, one version each.

An alias of a hidden version counts as absent for the caller: it causes no conflict, and it is replaced. But if it is
protected, it stays so, and the gate applies: the caller may have hidden the version. One of a withheld version is
neither moved nor removed.
"""

from dataclasses import replace
from typing import Final

from app.graph.records.vertex_record import ALIASES
from app.graph.writing.rules.attach import attached_urn
from app.graph.writing.rules.gate_evidence import gate_of
from app.graph.writing.rules.permissions import (
    refuse_deleted,
    refuse_stub,
    refuse_withheld,
    require_right,
    require_visible,
)
from app.graph.writing.rules.result_rights import refuse_own_weakening, without_protection
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import RejectedItemError, blocked, conflict, invalid, some_of
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.ports.commands import AnyVersion, RemoveAliasCommand, SetAliasCommand
from graphql_schema.ports.outcomes import GateResult, Outcome, WriteOutcome
from graphql_schema.ports.record import JsonObject, Record

MAX_ALIASES: Final = 100
"""Maximal number of aliases of one model that a caller sees or has set, because its record holds all of them.

Those that others set on hidden versions do not count, because the rejection would disclose them. The own ones count
also if their versions are hidden now. Otherwise a caller could hide them and set further ones without end.
"""


def set_alias(unit: ItemUnit, command: SetAliasCommand) -> WriteOutcome:
    """Set an alias; the outcome has the result of the gate, unless the item is rejected before it is evaluated.

    Raises RejectedItemError if model or version is hidden or deleted, the version is a stub, or the caller may not. The
    error is also raised if the alias does not point at ``expected_version``, or the gate of a protected alias is
    closed. A further alias is also rejected if MAX_ALIASES others count for the caller.
    """
    model = require_visible(unit, command.model, "model")
    version = require_visible(unit, command.version, "version")
    for record, field in ((model, "model"), (version, "version")):
        require_right(unit, "promote", record, field)
        refuse_deleted(record)
    refuse_stub(version, "version")
    gate = gate_of(unit, model, version, command.alias)
    try:
        return replace(_set(unit, command, model, version, gate), gate=gate)
    except RejectedItemError as rejected:
        raise RejectedItemError(replace(rejected.outcome, gate=gate)) from None


def remove_alias(unit: ItemUnit, command: RemoveAliasCommand) -> WriteOutcome:
    """Remove an alias; unchanged if it is not set, or if its version is hidden.

    Raises RejectedItemError if the model is hidden or deleted, or the caller may promote the model or the version not.
    The error is also raised if the alias is protected, or is not the one that the command expects.
    """
    model = require_visible(unit, command.model, "model")
    require_right(unit, "promote", model, "model")
    refuse_deleted(model)
    alias = _changeable_alias(unit, model, command.alias)
    if alias is None:
        return WriteOutcome(Outcome.UNCHANGED, command.model, model["revision"])
    require_right(unit, "promote", require_visible(unit, alias["version"], "alias"), "alias")
    unlike = _unlike(unit, command, alias)
    if unlike is not None:
        field, found = unlike
        raise conflict(f"The alias {command.alias!r} of {command.model} {found}", model["revision"], field)
    put_alias(unit, model, command.alias, None)
    vid = unit.lookup.vid(command.model)
    unit.audit.record_action(vid, ChangeAction.ALIAS_SET, command.reason)
    return WriteOutcome(Outcome.UPDATED, command.model, unit.lookup.known(vid)["revision"])


def _unlike(unit: ItemUnit, command: RemoveAliasCommand, alias: Record) -> tuple[str, str] | None:
    """Return the field of the input and the reason why an alias is not removed, None if it is."""
    if command.expected_version not in {None, alias["version"]}:
        return "expectedVersion", f"points at {alias['version']}, not at `expectedVersion`; read the alias again."
    if command.own and alias["setBy"] != unit.author.subject:
        return "setByMe", "was set by another caller; omit `setByMe` to remove it all the same."
    if alias["protected"]:
        return "alias", "is protected; remove its protection with `setAlias` first."
    return None


def visible_alias(unit: ItemUnit, model: Record, name: str) -> Record | None:
    """Return the alias of a name, None if there is none or its version is hidden from the caller."""
    alias: Record | None = model.get(ALIASES, {}).get(name)
    return alias if alias is not None and unit.visibility.visible(alias["version"]) is not None else None


def _changeable_alias(unit: ItemUnit, model: Record, name: str) -> Record | None:
    """Return the alias of a name as the caller sees it; reject the item as DENIED if its version is withheld."""
    alias: Record | None = model.get(ALIASES, {}).get(name)
    absent = attached_urn(unit.author.tenant, "change", model["id"], name)
    version = unit.lookup.optional_record(None if alias is None else alias["version"], absent)
    if version is not None:
        refuse_withheld(unit, version, "alias")
    return visible_alias(unit, model, name)


def _is_protected(model: Record, name: str) -> bool:
    """Return whether the alias of a name is protected, also if its version is hidden from the caller."""
    return bool(model.get(ALIASES, {}).get(name, {}).get("protected"))


def put_alias(unit: ItemUnit, model: Record, name: str, after: Record | None) -> None:
    """Stage an alias with its audit field, and a new revision of the model; ``after`` None removes the alias."""
    vid, before = unit.lookup.vid(model["id"]), model.get(ALIASES, {}).get(name)
    others = {each: alias for each, alias in model.get(ALIASES, {}).items() if each != name}
    aliases = others if after is None else {**others, name: after}
    unit.staging.put(vid, {**{key: value for key, value in model.items() if key != ALIASES}, ALIASES: aliases})
    steps = [(audited_alias(before), audited_alias(after))]
    if before is not None and visible_alias(unit, model, name) is None:
        # two entries, because a reader of the audit may see one version and not the other
        steps = [(audited_alias(before), None), (None, audited_alias(after))]
    for was, now in steps:
        unit.audit.record_field(vid, ALIASES, was, now, part=name)
    unit.staging.bump_revisions()


def audited_alias(alias: Record | None) -> JsonObject | None:
    """Return the part of an alias that the audit records, None without an alias."""
    return None if alias is None else {"version": alias["version"], "protected": alias["protected"]}


def _set(unit: ItemUnit, command: SetAliasCommand, model: Record, version: Record, gate: GateResult) -> WriteOutcome:
    before = _changeable_alias(unit, model, command.alias)
    _refuse_unexpected(command, before, model)
    was_protected = _is_protected(model, command.alias)
    protected = was_protected if command.protected is None else command.protected
    moves = before is None or before["version"] != command.version
    if not moves and was_protected == protected:
        return WriteOutcome(Outcome.UNCHANGED, command.model, model["revision"])
    if was_protected and not protected:
        model = without_protection(unit, model, "protected")
    gated = protected or (was_protected and moves)
    if gated and not gate.open:
        raise blocked(_closed(command, gate), gate)
    if gated or moves:
        refuse_own_weakening(unit, model, version, gated=gated)
    if moves and (before is None or before["setBy"] != unit.author.subject):
        _refuse_many(unit, command, model, is_new=before is None)
    since = {"since": unit.now, "setBy": unit.author.subject}
    kept = {} if moves or before is None else {name: before[name] for name in since}
    put_alias(unit, model, command.alias, {"version": command.version, "protected": protected, **since, **kept})
    vid = unit.lookup.vid(command.model)
    unit.audit.record_action(vid, ChangeAction.ALIAS_SET, command.reason)
    return WriteOutcome(Outcome.UPDATED, command.model, unit.lookup.known(vid)["revision"])


def _refuse_unexpected(command: SetAliasCommand, before: Record | None, model: Record) -> None:
    if isinstance(command.expected_version, AnyVersion):
        return
    version = None if before is None else before["version"]
    if version != command.expected_version:
        found = f"points at {version}" if version else "is not set"
        raise conflict(
            f"The alias {command.alias!r} of {command.model} {found}, but `expectedVersion` is "
            f"{command.expected_version or 'null'}; read the alias again.",
            model["revision"],
            "expectedVersion",
        )


def _refuse_many(unit: ItemUnit, command: SetAliasCommand, model: Record, *, is_new: bool) -> None:
    """Reject the item as INVALID if the caller has set MAX_ALIASES other aliases of the model.

    If the alias ``is_new`` for the caller, other aliases of visible versions count as well.
    """
    others = {name: alias for name, alias in model.get(ALIASES, {}).items() if name != command.alias}
    counting = {name for name, alias in others.items() if alias["setBy"] == unit.author.subject}
    if is_new:
        unit.lookup.require_records(*(alias["version"] for alias in others.values()))
        counting |= {name for name in others if visible_alias(unit, model, name) is not None}
    if len(counting) >= MAX_ALIASES:
        raise invalid(
            f"{command.model} has {len(counting)} aliases that are visible to you or set by you; the maximum is "
            f"{MAX_ALIASES}. Point one of them at this version.",
            "alias",
        )


def _closed(command: SetAliasCommand, gate: GateResult) -> str:
    """Return the message that lists what the version is missing for its gate."""
    missing = [f"needs the approval {name!r}" for name in gate.missing_approvals]
    missing += [f"fails the evaluation {each}" for each in gate.failing_evaluations]
    missing += [
        f"has the evaluation {each}, which is not known to be uncontaminated" for each in gate.contaminated_evaluations
    ]
    missing += [f"has the open incident {each}" for each in gate.blocking_incidents]
    sentences = (*gate.repeated_approvers, *gate.sensitivity_violations, *gate.hidden_evaluations)
    missing += [text.rstrip(".") for text in sentences]
    return (
        f"The protected alias {command.alias!r} may not point at {command.version}: {some_of(missing)}. "
        "Resolve this and call again."
    )
