"""Plans the items of a batch over its working set. No I/O, so that it can be repeated after further reads."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from app.graph.writing.audit_entries import stage_audit_entries
from app.graph.writing.handlers.approve import approve
from app.graph.writing.handlers.count_usage import record_usage
from app.graph.writing.handlers.delete import delete, restore
from app.graph.writing.handlers.link import link, unlink
from app.graph.writing.handlers.merge import merge
from app.graph.writing.handlers.observe import observe
from app.graph.writing.handlers.plan_change import acknowledge_change, close_change_plan, plan_change
from app.graph.writing.handlers.record_ingestion import record_ingestion
from app.graph.writing.handlers.register import inherit_owner, register
from app.graph.writing.handlers.report_check import report
from app.graph.writing.handlers.revert import revert
from app.graph.writing.handlers.set_alias import remove_alias, set_alias
from app.graph.writing.handlers.thin_event_queue import (
    finish_thin_event,
    queue_thin_event,
    replay_thin_event,
    take_thin_event,
)
from app.graph.writing.handlers.track_incident import open_incident, resolve_incident
from app.graph.writing.idempotent_replay import replay, stage_receipt
from app.graph.writing.planned_end import planned_end, refuse_further_end
from app.graph.writing.rules.approved_content import bind_approvals, record_named_runs
from app.graph.writing.rules.first_owner import require_right_to_take
from app.graph.writing.rules.result_rights import (
    require_right_on_many_children,
    require_right_to_name_requesters,
    require_right_to_weaken_gates,
)
from app.graph.writing.rules.stored_values import (
    refuse_large_records,
    refuse_many_values,
    refuse_reversed_intervals,
)
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.current_ids import with_current_ids
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.read_set import NotReadError
from app.graph.writing.unit.rejections import RejectedItemError
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.ports.background.owner_commands import InheritOwnerCommand
from graphql_schema.ports.commands import (
    AcknowledgeChangeCommand,
    ApproveCommand,
    CloseChangePlanCommand,
    Command,
    DeleteCommand,
    EventCommand,
    IdempotencyKey,
    LinkCommand,
    MergeCommand,
    ObserveCommand,
    OpenIncidentCommand,
    PlanChangeCommand,
    RecordUsageCommand,
    RegisterCommand,
    RemoveAliasCommand,
    ReportCheckCommand,
    ResolveIncidentCommand,
    RestoreCommand,
    RevertCommand,
    SetAliasCommand,
    UnlinkCommand,
)
from graphql_schema.ports.events.event_commands import (
    FinishThinEventCommand,
    QueueThinEventCommand,
    RecordIngestionCommand,
    ReplayThinEventCommand,
    TakeThinEventCommand,
)
from graphql_schema.ports.outcomes import Outcome, WriteOutcome, outcome_of_event

HANDLERS: Final[Mapping[type, Callable[[ItemUnit, Any], WriteOutcome]]] = {
    RegisterCommand: register,
    ObserveCommand: observe,
    RecordIngestionCommand: record_ingestion,
    InheritOwnerCommand: inherit_owner,
    LinkCommand: link,
    UnlinkCommand: unlink,
    DeleteCommand: delete,
    RestoreCommand: restore,
    MergeCommand: merge,
    RevertCommand: revert,
    ReportCheckCommand: report,
    OpenIncidentCommand: open_incident,
    ResolveIncidentCommand: resolve_incident,
    RecordUsageCommand: record_usage,
    SetAliasCommand: set_alias,
    RemoveAliasCommand: remove_alias,
    ApproveCommand: approve,
    QueueThinEventCommand: queue_thin_event,
    TakeThinEventCommand: take_thin_event,
    FinishThinEventCommand: finish_thin_event,
    ReplayThinEventCommand: replay_thin_event,
    PlanChangeCommand: plan_change,
    AcknowledgeChangeCommand: acknowledge_change,
    CloseChangePlanCommand: close_change_plan,
}
"""The handler of each command; an event has none, because each of its commands is handled."""

_ID_FIELDS: Final[Mapping[type, str]] = {
    LinkCommand: "to",
    UnlinkCommand: "to",
    DeleteCommand: "asset",
    RestoreCommand: "asset",
    MergeCommand: "from",
    RevertCommand: "change",
    ReportCheckCommand: "asset",
    OpenIncidentCommand: "assets",
    ResolveIncidentCommand: "incident",
    RecordUsageCommand: "asset",
    SetAliasCommand: "version",
    ApproveCommand: "subject",
    PlanChangeCommand: "roots",
    AcknowledgeChangeCommand: "plan",
    CloseChangePlanCommand: "plan",
}
"""The input field that becomes the path of errors without one, by type of command.

A registration has its own in ``id_path``. For the other types, it is the name of their first field.
"""

_NOT_READ: Final = WriteOutcome(Outcome.INVALID)
"""Preliminary outcome of an item that needs further reads; the batch is planned again after them."""


def plan_item(command: Command, batch: WorkingSet, author: Author, *, dry_run: bool) -> WriteOutcome:
    """Return the outcome of a command, and merge into ``batch`` what it writes, unless it is rejected.

    Plan the commands of a batch in order, each on the state that the earlier ones leave. A dry run or a replay merges
    nothing. The id of a rejected registration is added to ``batch.refused_ids``. The outcome is preliminary if
    ``batch.missing`` contains reads that were not made.
    """
    if isinstance(command, EventCommand):
        return _plan_event(command, batch, author, dry_run=dry_run)
    unit = ItemUnit(batch, author)
    dry_run = dry_run or (isinstance(command, RegisterCommand | LinkCommand) and command.dry_run)
    try:
        outcome = _accept(with_current_ids(unit, command), unit, dry_run=dry_run)
    except RejectedItemError as rejected:
        outcome = _with_paths(rejected.outcome, command)
        batch.refused_ids |= registered_ids([command])
    except NotReadError:
        return _NOT_READ
    hidden = unit.visibility.hidden_ids
    return replace(outcome, hidden_ids=tuple(hidden)) if hidden else outcome


def _plan_event(event: EventCommand, batch: WorkingSet, author: Author, *, dry_run: bool) -> WriteOutcome:
    """Plan the commands of an event, then the record of what became of it."""
    parts = tuple(plan_item(each, batch, author, dry_run=dry_run) for each in event.commands)
    record = None if any(each is _NOT_READ for each in parts) else event.record(parts)
    if record is not None:
        plan_item(record, batch, author, dry_run=dry_run)
    return outcome_of_event(event.subject, parts)


def registered_ids(commands: Iterable[Command]) -> set[str]:
    """Return the ids that commands register."""
    return {each.urn for each in commands if isinstance(each, RegisterCommand)}


def _with_paths(outcome: WriteOutcome, command: Command) -> WriteOutcome:
    """Return a rejected outcome in which every error has a path: its own, else the input field of the command's id.

    Every error of a revert gets the path ``change``, because the input has none of the fields that it would restore.
    """
    first = next(iter(command.__dataclass_fields__))
    named = (command.id_path if isinstance(command, RegisterCommand) else _ID_FIELDS.get(type(command), first),)
    always = isinstance(command, RevertCommand)
    paths = [named if always or not error.path else error.path for error in outcome.errors]
    errors = tuple(replace(error, path=path) for error, path in zip(outcome.errors, paths, strict=True))
    return replace(outcome, errors=errors)


def keys_of(command: Command) -> list[IdempotencyKey]:
    """Return the idempotency keys of a command, empty without one.

    If the key of the command is derived from that of its bulk call, the key of the call is the first.
    """
    key: IdempotencyKey | None = getattr(command, "key", None)
    return [] if key is None else [*((key.call,) if key.call else ()), key]


def _accept(command: Command, unit: ItemUnit, *, dry_run: bool) -> WriteOutcome:
    """Plan one command in order: replay, handler, intervals, owners, gates and approvals, audit, receipts, merge.

    Ends in the future are limited before the handler, and count when the command is accepted. A replay or dry run
    merges nothing. Raises RejectedItemError, or NotReadError if a value was not read.
    """
    keys = keys_of(command)
    replayed = [replay(unit, key) for key in keys]
    if replayed and replayed[-1] is not None:
        return replayed[-1]
    planned = planned_end(command, unit.author)
    refuse_further_end(planned, unit.author)
    outcome = HANDLERS[type(command)](unit, command)
    if not isinstance(command, ObserveCommand):  # clocks of senders differ, and an event says more than when it was
        refuse_reversed_intervals(unit)
    record_named_runs(unit)
    refuse_large_records(unit)
    refuse_many_values(unit)
    require_right_to_take(unit)
    require_right_on_many_children(unit)
    require_right_to_weaken_gates(unit)
    require_right_to_name_requesters(unit)
    if voided := bind_approvals(unit):
        outcome = replace(outcome, voided_approvals=voided)
    if placeholders := unit.visibility.placeholders:
        outcome = replace(outcome, placeholders=tuple(placeholders))
    if dry_run:
        return outcome
    stage_audit_entries(unit)
    for key, before in zip(keys, replayed, strict=True):
        if before is None:  # the key of the call has a receipt since its first item
            stage_receipt(unit, key, outcome)
    if planned is not None:
        unit.author.planned_ends.add(unit.author.caller, *planned)
    unit.staging.merge()
    return outcome
