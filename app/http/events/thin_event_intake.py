"""Takes thin events in: `POST /ingest/events` stores the names of objects that a worker reads later.

An event has a source, a type and an id. It has no address, so that it cannot make a process send a request, and no
content, so that its sender decides about nothing. docs/thin-events.md describes the behaviour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

from app.http.errors import HttpError
from app.http.events.event_request import GivenEvents, read_events
from app.http.events.event_response import Responding, batch_response, single_response
from app.http.events.event_view import EventForm
from graphql_schema.catalog.thin_event_rules import MINUTE_MS, source_urn
from graphql_schema.fields.context import Context
from graphql_schema.inputs.submit import authorize_in, write_in
from graphql_schema.ports.events.event_commands import QueueThinEventCommand
from graphql_schema.ports.outcomes import MutationErrorCode, WriteError, WriteOutcome
from graphql_schema.ports.record import Json, JsonObject
from policies.errors import Code, CodedError, InvalidError

PATH: Final = "/ingest/events"

MAX_LENGTHS: Final = {"source": 100, "type": 64, "id": 500}
"""The members of an event, each with its maximal number of characters."""

_EXAMPLE: Final = '{"source": "mlflow-prod", "type": "model_version", "id": "fraud/7"}'

_CODES: Final = {
    MutationErrorCode.DENIED: Code.DENIED,
    MutationErrorCode.CONFLICT: Code.CONFLICT,
    MutationErrorCode.NOT_FOUND: Code.NOT_FOUND,
}
"""The codes of a rejected event; INVALID for every other error except a limit."""


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """The outcome of an accepted event, whose record is then stored, or the error that rejects it."""

    outcome: WriteOutcome | None = None
    error: CodedError | None = None


def thin_event_form() -> EventForm[QueuedEvent]:
    """Return how requests with one thin event or a list of them are read, taken in and answered."""
    return EventForm("ingest/events", partial(read_events, batch=None), take_thin_events, _response)


async def take_thin_events(context: Context, given: GivenEvents) -> list[QueuedEvent]:
    """Store the events and return a result for each, in order.

    Raises ScopeError, and the CodedError of the writer: send all events again.
    """
    authorize_in(context)
    checked = [_checked(value) async for value in context.budget.in_turns(given.values)]
    commands = [each for each in checked if isinstance(each, QueueThinEventCommand)]
    outcomes = iter(await write_in(context, commands))
    return [QueuedEvent(error=each) if isinstance(each, CodedError) else _result(next(outcomes)) for each in checked]


def _checked(value: Json) -> QueueThinEventCommand | CodedError:
    """Return the command of an event, or the error of a malformed one."""
    if not isinstance(value, dict) or value.keys() != MAX_LENGTHS.keys():
        return InvalidError(f"An event has the members source, type and id, and no others. Write {_EXAMPLE}.")
    for name, maximum in MAX_LENGTHS.items():
        text = value[name]
        if not isinstance(text, str) or not text.strip() or len(text) > maximum or "\0" in text:
            return InvalidError(f"`{name}` needs 1 to {maximum} characters, not all of them blank, and no NUL.")
    try:
        return QueueThinEventCommand(source_urn(value["source"]), value["type"], value["id"])
    except InvalidError as error:
        return error


def _result(outcome: WriteOutcome) -> QueuedEvent:
    return QueuedEvent(outcome) if outcome.stored else QueuedEvent(error=_refusal(outcome.errors[0]))


def _refusal(error: WriteError) -> CodedError:
    """Return the error of a refused event: 429 beyond a limit of its source."""
    if error.code is MutationErrorCode.LIMIT_EXCEEDED:
        retry = {"Retry-After": str(MINUTE_MS // 1000)}
        return HttpError(HTTPStatus.TOO_MANY_REQUESTS, error.message, Code.LIMIT_EXCEEDED, retry)
    return CodedError(error.message, _CODES.get(error.code, Code.INVALID))


def _report(event: QueuedEvent) -> JsonObject:
    assert event.outcome is not None  # noqa: S101 - an accepted event has an outcome
    return {"id": event.outcome.created_record, "outcome": event.outcome.outcome.name}


def _response(events: Sequence[QueuedEvent], given: GivenEvents, request_id: str) -> Responding:
    """Return 202 with the ids of the receipts; for a list see :func:`batch_response`."""
    if given.is_batch:
        return batch_response(events, _report, HTTPStatus.ACCEPTED, request_id)
    return single_response(events[0], _report, HTTPStatus.ACCEPTED, request_id)
