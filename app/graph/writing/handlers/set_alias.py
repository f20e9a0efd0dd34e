"""Aliases: names of a model that stand for one of its versions, kept in the model's record.

An alias that stands for what the caller may not know of is not there for that caller: it neither conflicts nor holds
its protection, and is replaced.
"""

from dataclasses import replace
from typing import Any, Final

from app.graph.records.vertex_record import ALIASES, Record
from app.graph.writing.rules.gate_evidence import gate_of
from app.graph.writing.rules.permissions import refuse_deleted, refuse_stub, require_right, require_visible
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import RejectedItemError, blocked, conflict, invalid
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.ports.commands import AliasSetting, AnyVersion
from graphql_schema.ports.outcomes import GateResult, Outcome, WriteOutcome

MAX_ALIASES: Final = 100
"""Aliases of one model: all of them travel with its record."""


def set_alias(unit: ItemUnit, item: AliasSetting) -> WriteOutcome:
    """Draft an alias; raises RejectedItemError where it may not stand there, with what its gate says."""
    model, version = require_visible(unit, item.model, "model"), require_visible(unit, item.version, "version")
    for record in (model, version):
        require_right(unit, "promote", record)
        refuse_deleted(record)
    refuse_stub(version, "version")
    gate = gate_of(unit, model, version, item.alias)
    try:
        return replace(_set(unit, item, model, gate), gate=gate)
    except RejectedItemError as refused:
        raise RejectedItemError(replace(refused.registered, gate=gate)) from None


def known_alias(unit: ItemUnit, model: Record, name: str) -> Record | None:
    """The alias of a name, where there is one and the caller may know of what it stands for."""
    alias: Record | None = model.get(ALIASES, {}).get(name)
    return alias if alias is not None and unit.visible(alias["version"]) is not None else None


def put_alias(unit: ItemUnit, model: Record, name: str, after: Record | None) -> None:
    """Draft what a name of a model stands for now, with its fields in the audit; None for nothing any more."""
    vid, before = unit.vid(model["id"]), model.get(ALIASES, {}).get(name)
    others = {each: alias for each, alias in model.get(ALIASES, {}).items() if each != name}
    aliases = others if after is None else {**others, name: after}
    unit.put(vid, {**{key: value for key, value in model.items() if key != ALIASES}, ALIASES: aliases})
    steps = [(as_told(before), as_told(after))]
    if before is not None and known_alias(unit, model, name) is None:
        steps = [(as_told(before), None), (None, as_told(after))]  # two, for readers are told of what they may know of
    for was, now in steps:
        unit.record_field(vid, ALIASES, was, now, part=name)
    unit.bump_revisions()


def as_told(alias: Record | None) -> dict[str, Any] | None:
    """What the audit says of an alias."""
    return None if alias is None else {"version": alias["version"], "protected": alias["protected"]}


def _set(unit: ItemUnit, item: AliasSetting, model: Record, gate: GateResult) -> WriteOutcome:
    before = known_alias(unit, model, item.alias)
    _refuse_unexpected(item, before, model)
    held = before is not None and before["protected"]
    protected = held if item.protected is None else item.protected
    moves = before is None or before["version"] != item.version
    if not moves and held == protected:
        return WriteOutcome(Outcome.UNCHANGED, item.model, model["revision"])
    if held and not protected:
        require_right(unit, "approve", model)
    if (protected or (held and moves)) and not gate.open:
        raise blocked(_closed(item, gate), gate)
    if before is None:
        _refuse_many(unit, item, model)
    since = {"since": unit.now, "setBy": unit.author.subject}
    kept = {} if moves or before is None else {name: before[name] for name in since}
    put_alias(unit, model, item.alias, {"version": item.version, "protected": protected, **since, **kept})
    unit.record_action(unit.vid(item.model), ChangeAction.ALIAS_SET, item.reason)
    return WriteOutcome(Outcome.UPDATED, item.model, unit.known(unit.vid(item.model))["revision"])


def _refuse_unexpected(item: AliasSetting, before: Record | None, model: Record) -> None:
    if isinstance(item.expected, AnyVersion):
        return
    stands = None if before is None else before["version"]
    if stands != item.expected:
        there = f"stands for {stands}" if stands else "stands for nothing"
        wanted = item.expected or "nothing"
        raise conflict(
            f"The alias {item.alias!r} of {item.model} {there} and {wanted} was expected; read it again.",
            model["revision"],
            "expectedVersion",
        )


def _refuse_many(unit: ItemUnit, item: AliasSetting, model: Record) -> None:
    known = [name for name in model.get(ALIASES, {}) if known_alias(unit, model, name) is not None]
    if len(known) >= MAX_ALIASES:
        raise invalid(f"{item.model} has {len(known)} aliases, and no model has more; move one of them.", "alias")


def _closed(item: AliasSetting, gate: GateResult) -> str:
    """What keeps a gate closed, in words."""
    lacks = [f"needs an approval by {name}" for name in gate.missing_approvals]
    lacks += [f"fails {each}" for each in gate.failing_evaluations]
    lacks += [f"has the open incident {each}" for each in gate.blocking_incidents]
    lacks += [text.rstrip(".") for text in gate.sensitivity_violations]
    return (
        f"{item.version} may not stand for the protected alias {item.alias!r}: {'; '.join(lacks)}. Put that right and "
        "call again."
    )
