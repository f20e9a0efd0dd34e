"""The view of events: what is read of a request, and when, by the rights of its caller and the slots of long bodies."""

import asyncio
import gzip
import json
from collections.abc import Generator
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message
from support.documents.lineage_events import LATER
from support.stores.writers import person

from app.fair_queue import FairQueue
from app.http.events.event_intake import EventIntake
from app.http.events.event_request import GivenEvents
from app.http.events.event_response import Responding
from app.http.events.event_view import EventForm, EventView, lineage_form
from app.http.graphql.body_queues import TINY, BodyQueues
from app.http.graphql.graphql_request import LONG_JSON, RequestLimits
from app.http.untaken_responses import UntakenResponses
from app.ingest.sources.openlineage.event_names import EventNames
from app.telemetry.operation_report import OperationReport
from graphql_schema.execution import side_thread
from graphql_schema.fields.context import Context
from graphql_schema.ports.policy_report import PolicyReport
from policies.principal import Principal, PrincipalKind

READER = Principal("bo", PrincipalKind.PERSON, "default", scopes=frozenset({"graph:read"}))
SENDER = person("sender", roles="automation")
SHORT = {"content-type": "application/json", "content-length": "2"}
LONG = {**SHORT, "content-length": str(LONG_JSON + 1)}
COMPRESSED = {**SHORT, "content-encoding": "gzip"}


class OneRequest:
    """A request to the view of events, whose caller has no slot for a long body; ``read`` counts parts of the body."""

    def __init__(self, body: bytes, headers: dict[str, str], who: Principal) -> None:
        self.body, self.read, self.sent = body, 0, list[Message]()
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        state = {"principal": who, "request_id": "r"}
        self.scope = {"type": "http", "method": "POST", "path": "/", "headers": given, "state": state}

    async def receive(self) -> Message:
        """Return the body; then the client stays until it has the response."""
        self.read += 1
        if self.read > 1:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": self.body}

    async def send(self, message: Message) -> None:
        """Keep a part of the response."""
        self.sent.append(message)

    async def error(self, *, all_wait: bool = False) -> Any:
        """Return the extensions of the error in the response; with ``all_wait`` no body of the caller has a slot."""
        full = FairQueue(per_caller=0, waiting_per_caller=0)  # refuses each body
        intake = EventIntake(EventNames(), lambda: LATER)
        view = EventView(
            lineage_form(intake, batch=False),
            _context,
            queue=FairQueue(),
            bodies=BodyQueues(full, full, full) if all_wait else BodyQueues(),
            long_bodies=full,
            untaken=UntakenResponses(),
            limits=RequestLimits(),
            observe=print,
        )
        await view(self.scope, self.receive, self.send)
        return json.loads(self.sent[-1]["body"])["errors"][0]["extensions"]


async def _context(_request: Request, who: Principal) -> Context:
    unused: Any = Mock()
    return Context(who, lambda *_: unused, unused, PolicyReport("1"), b"", lambda: LATER)


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b" " * (LONG_JSON + 1), LONG), (gzip.compress(b" " * (LONG_JSON + 1)), COMPRESSED)],
    ids=["long", "long after it is decompressed"],
)
async def test_a_long_body_waits_for_a_slot_before_it_is_decoded(body: bytes, headers: dict[str, str]) -> None:
    """One caller cannot fill the memory with bodies that wait: 8 KiB that are compressed can be 8 MiB of text."""
    request = OneRequest(body, headers, SENDER)
    assert (await request.error())["limit"] == "waiting"
    assert request.read


async def test_a_long_body_is_not_read_before_its_caller_has_a_slot() -> None:
    """One caller cannot fill the memory with bodies that arrive."""
    request = OneRequest(b"x", LONG, SENDER)
    assert (await request.error(all_wait=True))["limit"] == "waiting"
    assert not request.read


@pytest.mark.parametrize("length", [2, TINY, TINY + 1])
async def test_a_tiny_body_needs_no_slot(length: int) -> None:
    """It is read, and its event is refused by its own error; other short bodies wait, and so do compressed ones."""
    headers = {**SHORT, "content-length": str(length)}
    error = await OneRequest(b"{" + b" " * (length - 2) + b"}", headers, SENDER).error(all_wait=True)
    assert error.get("limit") == ("waiting" if length > TINY else None)
    assert (await OneRequest(b"", COMPRESSED, SENDER).error(all_wait=True))["limit"] == "waiting"


@pytest.mark.parametrize("headers", [SHORT, LONG, COMPRESSED])
async def test_the_body_of_a_caller_without_the_scope_is_not_decoded(headers: dict[str, str]) -> None:
    """The scope is missing, whatever the body: a malformed one is no other error, and a long one needs no slot."""
    assert (await OneRequest(b"{", headers, READER).error())["code"] == "FORBIDDEN"


async def test_no_response_is_made_for_a_client_that_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves at the second piece of a long response, and few follow; nothing is sent, and the slot is free again."""
    loop, left, pieces, reports = asyncio.get_running_loop(), asyncio.Event(), list[int](), list[OperationReport]()
    request, queue, queues = OneRequest(b"", SHORT, SENDER), FairQueue(), BodyQueues()

    def one_step(steps: Generator[None, None, Response], _seconds: float) -> tuple[()] | tuple[Response]:
        try:
            next(steps)
        except StopIteration as end:
            return (end.value,)
        return ()

    def respond(_results: object, _given: object, _request_id: str) -> Responding:
        for piece in range(100):
            pieces.append(piece)
            if piece == 1:
                loop.call_soon_threadsafe(left.set)
            yield
        return Response()

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    monkeypatch.setattr(side_thread, "_part", one_step)
    read = AsyncMock(return_value=GivenEvents([], are_long=True))
    view = EventView(
        EventForm("x", read, AsyncMock(return_value=[Mock(error=None)]), respond),
        _context,
        queue=queue,
        bodies=queues,
        long_bodies=queues.long,
        untaken=UntakenResponses(),
        limits=RequestLimits(),
        observe=reports.append,
    )
    await view(request.scope, receive, request.send)
    assert (len(pieces) < 20, request.sent, queue.running) == (True, [], 0)
    assert reports[0].code == "DISCONNECTED"
