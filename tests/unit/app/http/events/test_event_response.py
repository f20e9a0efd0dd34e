"""The status of a request with events follows from the events that were accepted and rejected."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest

from app.http.encoded_content import PIECE
from app.http.errors import HttpError
from app.http.events.event_response import batch_response, single_response
from graphql_schema.execution.side_thread import run_at_once
from policies.errors import Code, CodedError, LimitError


@dataclass(frozen=True)
class Taken:
    """An event with an error, or without one."""

    error: CodedError | None = None


GOOD = Taken()
DENIED = Taken(CodedError("not yours", Code.DENIED))
LATE = Taken(LimitError("too long", limit="seconds", maximum=60))
UNTAKEN = Taken(LimitError("not received", limit="untaken", maximum=1))
BUSY = Taken(HttpError(429, "full", Code.LIMIT_EXCEEDED, {"Retry-After": "9"}))


def report(_event: Taken) -> dict[str, Any]:
    """Return what became of an accepted event."""
    return {"id": "i"}


@pytest.mark.parametrize(
    ("events", "status", "text"),
    [
        ([], 202, "success"),
        ([GOOD, GOOD], 202, "success"),
        ([DENIED, GOOD, BUSY], 207, "partial_success"),
        ([DENIED, BUSY], 403, "failure"),
        ([BUSY, DENIED], 429, "failure"),
        ([DENIED, LATE], 503, "failure"),
        ([DENIED, UNTAKEN], 503, "failure"),
    ],
)
def test_the_status_of_a_batch(events: list[Taken], status: int, text: str) -> None:
    """The status of the first error is that of a batch of which nothing was accepted; each event is in one list."""
    response = run_at_once(batch_response(events, report, HTTPStatus.ACCEPTED, "r"))
    body = json.loads(bytes(response.body))
    assert (response.status_code, body["status"]) == (status, text)
    assert [each["index"] for each in body["events"]] == [at for at, each in enumerate(events) if each is GOOD]
    assert [each["index"] for each in body["failed_events"]] == [at for at, each in enumerate(events) if each.error]
    assert ("Retry-After" in response.headers) == (status in {429, 503})


def test_one_event_has_the_status_of_its_error() -> None:
    """A rejected event is an error like every other one, with its request id."""
    assert run_at_once(single_response(GOOD, report, HTTPStatus.ACCEPTED, "r")).status_code == 202
    refused = run_at_once(single_response(DENIED, report, HTTPStatus.ACCEPTED, "r"))
    assert (refused.status_code, json.loads(bytes(refused.body))["errors"][0]["extensions"]["requestId"]) == (403, "r")


def test_a_long_response_is_made_in_parts() -> None:
    """Other calls of the side thread wait for a part, and what writes JSON lets no other thread run."""

    def long_report(_event: Taken) -> dict[str, Any]:
        return {"ignored": ["é" * 1_000] * 1_000}

    pieces = len([*single_response(GOOD, long_report, HTTPStatus.CREATED, "r")])
    assert pieces > 1_000 * 1_000 // PIECE
    assert len([*batch_response([GOOD] * 4, long_report, HTTPStatus.CREATED, "r")]) > 4 * (pieces - 1)
    assert len([*batch_response([GOOD] * 1_000, report, HTTPStatus.CREATED, "r")]) >= 1_000


def test_an_event_that_waited_too_long_is_sent_again() -> None:
    """Senders drop an event after a 400; this one waited for those of others."""
    response = run_at_once(single_response(LATE, report, HTTPStatus.CREATED, "r"))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    extensions = json.loads(bytes(response.body))["errors"][0]["extensions"]
    assert (extensions["code"], extensions["limit"]) == ("LIMIT_EXCEEDED", "seconds")
