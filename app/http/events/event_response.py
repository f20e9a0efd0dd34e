"""The responses to requests with events: the report of one event, or of each event of a batch."""

from collections.abc import Callable, Generator, Sequence
from http import HTTPStatus
from typing import Protocol, TypeVar

from starlette.responses import Response

from app.errors import HTTP_STATUS, RETRY_AFTER_SECONDS
from app.http.encoded_content import GrowingBytes, json_pieces
from app.http.errors import HttpError
from app.http.graphql.operation_watch import SECONDS
from app.http.json_response import encoded_response, error_payload, error_response
from app.http.untaken_responses import UNTAKEN
from graphql_schema.ports.record import JsonObject
from policies.errors import Code, CodedError


class TakenEvent(Protocol):
    """An event that was taken in, or rejected with an error."""

    @property
    def error(self) -> CodedError | None:
        """The error that rejects the event, None if it is accepted."""


E = TypeVar("E", bound=TakenEvent)
Report = Callable[[E], JsonObject]
"""Returns what became of an accepted event."""


Responding = Generator[None, None, Response]
"""Makes a response, with a pause after each event and each piece of its JSON."""


def single_response(event: E, report: Report[E], status: HTTPStatus, request_id: str) -> Responding:
    """Make a response with ``status`` and the report of an accepted event, else with the status of the error."""
    if event.error is not None:
        return error_response(answered(event.error), request_id)
    body = report(event)
    yield
    return encoded_response((yield from _encoded(body)), status)


def batch_response(events: Sequence[E], report: Report[E], status: HTTPStatus, request_id: str) -> Responding:
    """Make a response with ``status`` if all events were accepted, 207 if some were, else that of the first error."""
    failed, reports = {}, list[JsonObject]()
    for index, each in enumerate(events):
        if each.error is not None:
            failed[index] = each.error
        else:
            reports.append({"index": index, **report(each)})
        yield
    body: JsonObject = {
        "status": "success" if not failed else "partial_success" if len(failed) < len(events) else "failure",
        "summary": {"received": len(events), "successful": len(events) - len(failed), "failed": len(failed)},
        "failed_events": [_failure(index, error, request_id) for index, error in failed.items()],
        "events": reports,
    }
    encoded = yield from _encoded(body)
    if not failed:
        return encoded_response(encoded, status)
    if len(failed) < len(events):
        return encoded_response(encoded, HTTPStatus.MULTI_STATUS)
    first = _first_late([answered(each) for each in failed.values()])
    if isinstance(first, HttpError):
        return encoded_response(encoded, first.status, headers=first.headers)
    return encoded_response(encoded, HTTP_STATUS[first.code])


def _encoded(content: JsonObject) -> Generator[None, None, memoryview]:
    """Return a content as JSON, with a pause after each piece of it."""
    encoded = GrowingBytes()
    for piece in json_pieces(content):
        encoded.add(piece)
        yield
    return encoded.view()


def answered(error: CodedError) -> CodedError:
    """Return the error of an event as it is answered: 503 if only the time for the operation was over.

    The event may have waited for those of others. It is also 503 if too many long events wait for other clients of
    their callers. Senders of OpenLineage repeat it after a 503, and not after a 400.
    """
    if error.code is Code.LIMIT_EXCEEDED and error.extensions.get("limit") in {SECONDS, UNTAKEN}:
        retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        late = HttpError(HTTPStatus.SERVICE_UNAVAILABLE, error.message, Code.LIMIT_EXCEEDED, retry)
        late.extensions |= error.extensions
        return late
    return error


def _first_late(errors: Sequence[CodedError]) -> CodedError:
    """Return the first error that says to send the events again, else the first one."""
    unavailable = HTTPStatus.SERVICE_UNAVAILABLE
    return next((each for each in errors if isinstance(each, HttpError) and each.status == unavailable), errors[0])


def _failure(index: int, error: CodedError, request_id: str) -> JsonObject:
    """Return the entry of a rejected event; it may be sent again later if only a limit rejected it."""
    retriable = error.code is Code.LIMIT_EXCEEDED
    return {"index": index, "reason": error.message, "retriable": retriable, **error_payload(error, request_id)}
