"""The mutations of a worker that reads the objects of thin events: take, finish and replay."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Final

import strawberry

from graphql_schema.catalog.thin_event_rules import LEASE_MS, MINUTE_MS
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.inputs.input_fields import optional_input
from graphql_schema.inputs.payloads import (
    CHANGED,
    MutationError,
    changed_field,
    errors,
    errors_field,
    payload,
    resolve_created_record,
)
from graphql_schema.inputs.submit import authorize, invalid_outcome, submit_one, write
from graphql_schema.inputs.values import InputError, asset_kind, check_text, require_kind
from graphql_schema.observability.thin_events import ThinEvent
from graphql_schema.ports.events.event_commands import (
    FinishThinEventCommand,
    ReplayThinEventCommand,
    TakeThinEventCommand,
)
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from policies.errors import LimitError

MAX_EVENTS: Final = 100
"""Maximal number of thin events of one call."""

MAX_REASON_LENGTH: Final = 64
"""Maximal number of characters of the code of an error."""

_OUTCOMES: Final = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED)
"""The outcomes of an attempt that succeeded."""


@strawberry.input(description="Thin events, by id.")
class ThinEventsInput:
    """Thin events, by id."""

    events: list[strawberry.ID] = strawberry.field(description=f"Ids of thin events, 1 to {MAX_EVENTS}.")


@strawberry.input(description="The result of an attempt to read and write the object of a thin event.")
class FinishThinEventInput:
    """The result of an attempt to read and write the object of a thin event."""

    event: strawberry.ID = strawberry.field(description="Id of the thin event.")
    attempt: int = strawberry.field(description="The number of the attempt: `attempts` of the event when it was taken.")
    reason: str | None = optional_input(
        f"The code of the error for which the attempt failed, up to {MAX_REASON_LENGTH} characters. Without it, the "
        "attempt succeeded."
    )
    outcome: Outcome | None = optional_input("What became of the object: CREATED, UPDATED or UNCHANGED.")
    asset: strawberry.ID | None = optional_input("The id of the asset that the object became, which you may update.")


async def _changed(root: Parent, info: Info) -> Resolved:
    """Return the events that the call changed, as the viewer may see them now."""
    rows = await info.context.reader.nodes(root["changed"])
    return [row for row in rows if row is not None]


@strawberry.type(description="The result of taking or replaying thin events.")
class ThinEventsPayload:
    """The result of taking or replaying thin events."""

    events: list[ThinEvent] = strawberry.field(
        description="The events that the call changed, as stored now, in the order of the input.", resolver=_changed
    )
    errors: list[MutationError] = stored_field(
        "The errors of rejected events; `inputPath` begins with `events` and the index of the event."
    )


@strawberry.type(description="The result of finishing a thin event.")
class FinishThinEventPayload:
    """The result of finishing a thin event."""

    event: ThinEvent | None = strawberry.field(
        description="The event as stored now; null if the call was rejected.", resolver=resolve_created_record
    )
    changed: bool = changed_field()
    errors: list[MutationError] = errors_field()


EventsArg = Annotated[ThinEventsInput, strawberry.argument(description="The events.")]
FinishArg = Annotated[FinishThinEventInput, strawberry.argument(description="The result of the attempt.")]


async def _take(info: Info, input: EventsArg) -> Resolved:
    return await _written(info, input.events, TakeThinEventCommand)


async def _replay(info: Info, input: EventsArg) -> Resolved:
    return await _written(info, input.events, ReplayThinEventCommand)


async def _finish(info: Info, input: FinishArg) -> Resolved:
    return payload(await submit_one(info, _finishing, input))


take_thin_events: ThinEventsPayload = strawberry.field(
    description="Takes thin events that are due, for a worker that reads their objects. An event that is taken is "
    f"not due for others for {LEASE_MS // MINUTE_MS} minutes, and `finishThinEvent` needs its `attempts`. An event "
    "that is not due is not changed; one whose attempts are used up becomes DEAD. Needs the right to update the "
    "source.",
    resolver=_take,
)


finish_thin_event: FinishThinEventPayload = strawberry.field(
    description="Reports the result of an attempt. After a failure the event is due again later, and DEAD after too "
    "many. After a success it is DONE, or due again if another event about the object arrived meanwhile. CONFLICT if "
    "the event was taken again. Needs the right to update the source.",
    resolver=_finish,
)


replay_thin_events: ThinEventsPayload = strawberry.field(
    description="Makes dead thin events pending and due now; others are not changed. Needs the right to update the "
    "source.",
    resolver=_replay,
)


async def _written(
    info: Info, ids: Sequence[str], make: Callable[[str], TakeThinEventCommand | ReplayThinEventCommand]
) -> Resolved:
    """Write a command for each event, and return the source of the payload; raises LimitError for too many."""
    authorize(info)
    if not 1 <= len(ids) <= MAX_EVENTS:
        raise LimitError(f"`events` has {len(ids)} entries; give 1 to {MAX_EVENTS} in one call.", limit=MAX_EVENTS)
    accepted: dict[int, TakeThinEventCommand | ReplayThinEventCommand] = {}
    results: dict[int, WriteOutcome] = {}
    for index, urn in enumerate(ids):
        try:
            require_kind(urn, ("ThinEvent",))
        except InputError as error:
            results[index] = invalid_outcome(error)
        else:
            accepted[index] = make(urn)
    results |= dict(zip(accepted, await write(info, [*accepted.values()]), strict=True))
    ordered = sorted(results.items())
    changed = dict.fromkeys(ids[index] for index, result in ordered if result.outcome in CHANGED)
    return {
        "changed": [*changed],
        "errors": [
            error
            for index, result in ordered
            for error in errors([replace(each, path=()) for each in result.errors], "events", str(index))
        ],
    }


def _finishing(given: FinishThinEventInput) -> FinishThinEventCommand:
    """Return the command that finishes an attempt; raises InputError if the input is invalid."""
    require_kind(given.event, ("ThinEvent",), "event")
    check_text(given.reason, MAX_REASON_LENGTH, "reason")
    if given.asset is not None:
        asset_kind(given.asset, "asset")
    if given.outcome is not None and given.outcome not in _OUTCOMES:
        raise InputError("`outcome` is the outcome of a success; give CREATED, UPDATED or UNCHANGED.", "outcome")
    if (given.reason is None) == (given.outcome is None):
        raise InputError("Give `reason` for a failure, or `outcome` for a success, and not both.", "outcome")
    outcome = None if given.outcome is None else given.outcome.name
    return FinishThinEventCommand(given.event, given.attempt, given.reason, outcome, given.asset)
