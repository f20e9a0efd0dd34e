"""The queue of thin events: an event names an object of a source, and a worker reads the object there.

Each object has one record, which is PENDING until a worker has read it, and an instant ``dueAt``. A worker takes a due
event: ``dueAt`` moves by the duration of the lease, so that the event is due again if the worker is killed. The number
of the attempt proves the lease: ``attempts`` counts all attempts of the event, also those before it was sent again, of
which there were ``attemptsBefore``. The numbers of pending and of new events of a source are in a record of their own,
which the same transaction changes.
"""

from dataclasses import dataclass
from typing import Final, Self

from app.graph.records.vertex_record import DUE_AT
from app.graph.writing.rules.attach import amended, attached_urn, new_attached_record
from app.graph.writing.rules.permissions import refuse_deleted, refuse_stub, require_right, require_visible
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import conflict, invalid, over_limit
from graphql_schema.catalog.relations import QUEUED_FOR
from graphql_schema.catalog.thin_event_rules import (
    LEASE_MS,
    MAX_ATTEMPTS,
    MAX_PENDING,
    MAX_PER_MINUTE,
    MINUTE_MS,
    OBJECT_TYPES,
    is_due,
    retry_pause,
)
from graphql_schema.observability.thin_events import ThinEventState
from graphql_schema.ports.events.event_commands import (
    FinishThinEventCommand,
    QueueThinEventCommand,
    ReplayThinEventCommand,
    TakeThinEventCommand,
)
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Json, Record

_PENDING: Final = ThinEventState.PENDING.name
_DONE: Final = ThinEventState.DONE.name
_DEAD: Final = ThinEventState.DEAD.name

_BEFORE: Final = "attemptsBefore"

_UNFINISHED: Final = "TIMEOUT"
"""The reason of an event whose attempts all ended without a report, as those of a worker that was killed."""


@dataclass(slots=True)
class _Queue:
    """The numbers of a source: pending events, and those that became pending in a minute, with the minute."""

    unit: ItemUnit
    subject: str
    urn: str
    stored: Record | None

    @classmethod
    def of(cls, unit: ItemUnit, subject: str) -> Self:
        """Return the numbers of the source that a workflow represents."""
        urn = _queue_urn(unit, subject)
        return cls(unit, subject, urn, unit.lookup.record(urn))

    def add(self) -> None:
        """Count an event that becomes pending; raises RejectedItemError if there are too many."""
        minute = self.unit.now // MINUTE_MS
        pending, arrived = self._pending, self._arrived(minute)
        if pending >= MAX_PENDING:
            raise over_limit(f"{self.subject} has {pending} pending events, the maximum; send this one again later.")
        if arrived >= MAX_PER_MINUTE:
            raise over_limit(f"{self.subject} got {arrived} events in this minute, the maximum; wait until the next.")
        self._put(pending=pending + 1, minute=minute, arrived=arrived + 1)

    def remove(self) -> None:
        """Count an event that is no longer pending."""
        self._put(pending=max(0, self._pending - 1))

    @property
    def _pending(self) -> int:
        return 0 if self.stored is None else int(self.stored["pending"])

    def _arrived(self, minute: int) -> int:
        return 0 if self.stored is None or self.stored["minute"] != minute else int(self.stored["arrived"])

    def _put(self, **values: Json) -> None:
        unit, vid = self.unit, self.unit.lookup.vid(self.urn)
        if self.stored is None:
            numbers = {"pending": 0, "minute": 0, "arrived": 0, **values}
            unit.staging.put(vid, new_attached_record(unit, self.urn, unit.now, subjects=[self.subject], **numbers))
            unit.staging.attach(QUEUED_FOR, vid, unit.lookup.vid(self.subject), unit.now)
        else:
            unit.staging.put(vid, amended(unit, self.stored, **values))


def queue_thin_event(unit: ItemUnit, command: QueueThinEventCommand) -> WriteOutcome:
    """Make an event pending, or mark that it must be read again if it is taken.

    Raises RejectedItemError if the source is hidden, a stub or deleted, or if the caller may not update it. Also raises
    it if the source has no objects of this type, or too many events.
    """
    urn = attached_urn(unit.author.tenant, "thin-event", command.subject, command.object_type, command.object_id)
    unit.lookup.require_records(command.subject, urn, _queue_urn(unit, command.subject))
    source = require_visible(unit, command.subject, "source")
    require_right(unit, "update", source, "source")
    refuse_deleted(source)
    refuse_stub(source, "source")
    _require_type(source, command.object_type)
    event = unit.lookup.record(urn)
    vid = unit.lookup.vid(urn)
    if event is not None and event["state"] == _PENDING:
        if not event["taken"] or event["again"]:
            return WriteOutcome(Outcome.UNCHANGED, command.subject, created_record=urn)
        unit.staging.put(vid, amended(unit, event, again=True))
        return WriteOutcome(Outcome.UPDATED, command.subject, created_record=urn)
    _Queue.of(unit, command.subject).add()
    record = new_attached_record(
        unit,
        urn,
        unit.now,
        subject=command.subject,
        subjects=[command.subject],
        actor=unit.author.subject,
        source=source["name"],
        objectType=command.object_type,
        objectId=command.object_id,
        **_waiting(event, unit.now),
    )
    unit.staging.put(vid, record)
    if event is not None:
        return WriteOutcome(Outcome.UPDATED, command.subject, created_record=urn)
    unit.staging.attach(QUEUED_FOR, vid, unit.lookup.vid(command.subject), unit.now)
    return WriteOutcome(Outcome.CREATED, command.subject, created_record=urn)


def take_thin_event(unit: ItemUnit, command: TakeThinEventCommand) -> WriteOutcome:
    """Take an event that is due, for the duration of the lease.

    It is dead instead if the last attempt had no report; but if the source sent it again during that attempt, this is
    the first attempt. Raises RejectedItemError if the event is hidden, or the caller may not update its source.
    """
    event = _event(unit, command.event)
    if event["state"] != _PENDING or not is_due(event[DUE_AT], unit.now):
        return WriteOutcome(Outcome.UNCHANGED, created_record=command.event)
    before = _attempts_before(event)
    if event["attempts"] - before >= MAX_ATTEMPTS:
        if not event["again"]:
            return _ended(unit, event, _DEAD, reason=_UNFINISHED)
        before = event["attempts"]
    attempts = {"attempts": event["attempts"] + 1, _BEFORE: before}
    taken = {"taken": True, "again": False, **attempts, DUE_AT: unit.now + LEASE_MS}
    unit.staging.put(unit.lookup.vid(event["id"]), amended(unit, event, **taken))
    return WriteOutcome(Outcome.UPDATED, created_record=command.event)


def finish_thin_event(unit: ItemUnit, command: FinishThinEventCommand) -> WriteOutcome:
    """Record the result of an attempt: the event is done, waits for the next attempt, or is dead.

    If the source sent the event again during the attempt, it is neither done nor dead: what was read may be older.
    Raises RejectedItemError if the event is hidden, if the caller may not update its source, or if the attempt is not
    the one that has the event now. Also raises it for an asset that the caller cannot have written: it is hidden or
    absent, was only referenced, or the caller may not update it.
    """
    event = _event(unit, command.event)
    if event["state"] != _PENDING or not event["taken"] or event["attempts"] != command.attempt:
        raise conflict(
            f"Attempt {command.attempt} does not have {command.event} any longer; nothing is to be done.",
            None,
            "attempt",
        )
    if command.reason is None:
        if command.asset is not None:
            _require_written(unit, command.asset)
        values = {"outcome": command.outcome, "asset": command.asset, "reason": None}
        if not event["again"]:
            return _ended(unit, event, _DONE, **values)
        return _put(unit, event, **values, **_waiting(event, unit.now))
    attempts = max(1, event["attempts"] - _attempts_before(event))  # an older release may have made this one
    if attempts >= MAX_ATTEMPTS:
        if not event["again"]:
            return _ended(unit, event, _DEAD, reason=command.reason)
        return _put(unit, event, reason=command.reason, **_waiting(event, unit.now))
    due = unit.now + retry_pause(event["id"], attempts)
    return _put(unit, event, reason=command.reason, taken=False, again=False, **{DUE_AT: due})


def replay_thin_event(unit: ItemUnit, command: ReplayThinEventCommand) -> WriteOutcome:
    """Make a dead event pending, and due now.

    Raises RejectedItemError if the event is hidden, if the caller may not update its source, or if the source has too
    many events.
    """
    event = _event(unit, command.event)
    if event["state"] != _DEAD:
        return WriteOutcome(Outcome.UNCHANGED, created_record=command.event)
    _Queue.of(unit, event["subject"]).add()
    return _put(unit, event, finishedAt=None, **_waiting(event, unit.now))


def _queue_urn(unit: ItemUnit, subject: str) -> str:
    return attached_urn(unit.author.tenant, "thin-event-queue", subject)


def _waiting(event: Record | None, due: int) -> Record:
    """Return the values of an event that waits from an instant on; ``event`` is the stored one, None if it is new.

    A number of an attempt is not used again: a worker may report a former attempt late, or twice.
    """
    attempts = 0 if event is None else event["attempts"]
    return {"state": _PENDING, "taken": False, "again": False, "attempts": attempts, _BEFORE: attempts, DUE_AT: due}


def _attempts_before(event: Record) -> int:
    """Return the number of attempts before an event became pending; 0 for what an older release made pending.

    That one counts attempts from 0 again, and keeps the value of a newer release.
    """
    before: int = event.get(_BEFORE, 0)
    return before if before <= event["attempts"] else 0


def _event(unit: ItemUnit, urn: str) -> Record:
    """Return the record of a visible event whose source the caller may update; else raise RejectedItemError."""
    event = require_visible(unit, urn, "event")
    source = require_visible(unit, event["subject"], "event")
    require_right(unit, "update", source, "event")
    refuse_deleted(source)
    return event


def _require_written(unit: ItemUnit, urn: str) -> None:
    """Raise RejectedItemError for an asset that the caller cannot have written."""
    asset = require_visible(unit, urn, "asset")
    refuse_stub(asset, "asset")
    require_right(unit, "update", asset, "asset")


def _require_type(source: Record, object_type: str) -> None:
    kind = source.get("workflowKind", "")
    types = OBJECT_TYPES.get(kind)
    if types is None:
        known = ", ".join(OBJECT_TYPES)
        raise invalid(f"{source['id']} has no `workflowKind` of a source; register it with one of: {known}.", "source")
    if object_type not in types:
        raise invalid(f"{kind} has no type {object_type!r}; use one of: {', '.join(types)}.", "type")


def _ended(unit: ItemUnit, event: Record, state: str, **values: Json) -> WriteOutcome:
    """Stage an event that is no longer pending."""
    _Queue.of(unit, event["subject"]).remove()
    return _put(unit, event, state=state, taken=False, again=False, finishedAt=unit.now, **values)


def _put(unit: ItemUnit, event: Record, **values: Json) -> WriteOutcome:
    """Stage an event with these values; None removes a value."""
    after = amended(unit, event, **values)
    kept = {name: value for name, value in after.items() if value is not None}
    unit.staging.put(unit.lookup.vid(event["id"]), kept)
    return WriteOutcome(Outcome.UPDATED, created_record=event["id"])
