"""The plan of a batch: items in order over what is stored; pure, so it can be made again when that moved on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from app.graph.writing.audit_entries import audit
from app.graph.writing.handlers.approve import approve
from app.graph.writing.handlers.count_usage import record_usage
from app.graph.writing.handlers.delete import delete, restore
from app.graph.writing.handlers.link import link, unlink
from app.graph.writing.handlers.register import register
from app.graph.writing.handlers.report_check import report
from app.graph.writing.handlers.revert import revert
from app.graph.writing.handlers.set_alias import set_alias
from app.graph.writing.handlers.track_incident import open_incident, resolve_incident
from app.graph.writing.idempotent_replay import keep, replay
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.read_set import NotReadError
from app.graph.writing.unit.rejections import RejectedItemError
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.ports.commands import (
    AliasSetting,
    Approving,
    CheckReporting,
    Command,
    Deleting,
    IdempotencyKey,
    IncidentOpening,
    IncidentResolving,
    LinkCommand,
    RegisterCommand,
    Restoring,
    Reverting,
    Unlinking,
    UsageRecording,
)
from graphql_schema.ports.outcomes import Outcome, WriteOutcome

HANDLERS: Final[Mapping[type, Callable[[ItemUnit, Any], WriteOutcome]]] = {
    RegisterCommand: register,
    LinkCommand: link,
    Unlinking: unlink,
    Deleting: delete,
    Restoring: restore,
    Reverting: revert,
    CheckReporting: report,
    IncidentOpening: open_incident,
    IncidentResolving: resolve_incident,
    UsageRecording: record_usage,
    AliasSetting: set_alias,
    Approving: approve,
}
"""What drafts each kind of item."""

_UNREAD: Final = WriteOutcome(Outcome.INVALID)
"""Of an item that cannot be planned yet: the plan is made again when more was read."""


def plan(items: Sequence[Command], state: WorkingSet, author: Author, *, dry_run: bool) -> list[WriteOutcome]:
    """One outcome per item, in order; ``state`` holds afterwards what is to be written.

    An item sees what earlier ones made, except a dry run's. While ``state.wants`` more, the outcomes mean nothing.
    """
    return [_one(item, ItemUnit(state, author), dry_run=dry_run) for item in items]


def keys_of(item: Command) -> list[IdempotencyKey]:
    """The idempotency keys of an item: that of the call that it is a part of, and its own."""
    key: IdempotencyKey | None = getattr(item, "key", None)
    return [] if key is None else [*((key.within,) if key.within else ()), key]


def _one(item: Command, unit: ItemUnit, *, dry_run: bool) -> WriteOutcome:
    dry = dry_run or (isinstance(item, RegisterCommand) and item.dry_run)
    try:
        done = _drafted(item, unit, dry=dry)
    except RejectedItemError as refused:
        done = refused.registered
    except NotReadError:
        return _UNREAD
    return replace(done, hidden=tuple(unit.hidden)) if unit.hidden else done


def _drafted(item: Command, unit: ItemUnit, *, dry: bool) -> WriteOutcome:
    """Draft an item with its audit, and adopt it; what was done under its key before is not done again."""
    keys = keys_of(item)
    before = [replay(unit, key) for key in keys]
    if before and before[-1] is not None:
        return before[-1]
    done = HANDLERS[type(item)](unit, item)
    if not dry:
        audit(unit)
        for key, answer in zip(keys, before, strict=True):
            if answer is None:  # the call's own has one since its first item
                keep(unit, key, done)
        unit.adopt()
    return done
