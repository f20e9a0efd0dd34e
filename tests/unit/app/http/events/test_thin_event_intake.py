"""Thin events taken in: what is malformed, what its sender may not do, and what is beyond the limit of its source."""

import json
from typing import Any

import pytest
from support.documents.lineage_events import LATER
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import person, shipped_policy

from app.http.events.event_request import GivenEvents
from app.http.events.thin_event_intake import QueuedEvent, take_thin_events, thin_event_form
from graphql_schema.catalog.thin_event_rules import MAX_PENDING, source_urn
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.fields.context import Context
from graphql_schema.inputs.submit import ScopeError
from graphql_schema.ports.commands import RegisterCommand
from graphql_schema.ports.policy_report import PolicyReport
from policies.principal import Principal, PrincipalKind

POLICY = shipped_policy()
SENDER = person("sender", roles="automation")
EVENT = {"source": "prod", "type": "run", "id": "r1"}


class MemoryWriter:
    """Writes for one caller into a store in memory."""

    def __init__(self, memory: Memory, who: Principal) -> None:
        self._memory = memory
        self._who = who

    async def write(self, items: Any, *, dry_run: bool, atomic: bool) -> Any:
        """Write the items as one batch."""
        assert not atomic
        return self._memory.run(*items, who=self._who, dry_run=dry_run)


@pytest.fixture
def memory() -> Memory:
    """Return a store with one source."""
    return seeded(Memory(POLICY), RegisterCommand(source_urn("prod"), {"workflowKind": "mlflow"}))


async def taken(memory: Memory, *values: Any, who: Principal = SENDER) -> list[QueuedEvent]:
    """Take events in, and return their results."""
    reader: Any = None
    context = Context(who, lambda *_: reader, MemoryWriter(memory, who), PolicyReport("1"), b"", lambda: LATER)
    return await take_thin_events(context, GivenEvents([*values], is_batch=True))


def response(results: list[QueuedEvent], *, is_batch: bool = True) -> tuple[int, Any, Any]:
    """Return status, body and headers of the response."""
    sent = run_at_once(thin_event_form().respond(results, GivenEvents([], is_batch=is_batch), "r"))
    return sent.status_code, json.loads(bytes(sent.body)), sent.headers


async def test_an_event_has_the_id_of_its_receipt(memory: Memory) -> None:
    """202 with the id of the stored record, the same for a repetition."""
    status, body, _ = response(await taken(memory, EVENT), is_batch=False)
    (stored,) = [each["id"] for each in memory.vertices.values() if each["kind"] == "THIN_EVENT"]
    assert (status, body) == (202, {"id": stored, "outcome": "CREATED"})
    status, body, _ = response(await taken(memory, EVENT), is_batch=False)
    assert (status, body) == (202, {"id": stored, "outcome": "UNCHANGED"})


@pytest.mark.parametrize(
    "value",
    [
        7,
        {},
        {"source": "prod", "type": "run"},
        {**EVENT, "url": "http://169.254.169.254/"},
        {**EVENT, "id": 7},
        {**EVENT, "id": " "},
        {**EVENT, "id": "a\0"},
        {**EVENT, "id": "x" * 501},
        {**EVENT, "type": "table"},
    ],
    ids=str,
)
async def test_a_malformed_event_is_refused(memory: Memory, value: Any) -> None:
    """It has an error, other events of the request are stored; an event can have no address of a server."""
    good, refused = await taken(memory, EVENT, value)
    assert good.error is None
    assert refused.error is not None
    assert refused.error.code.value == "INVALID"
    status, body, _ = response([good, refused])
    assert (status, body["summary"]) == (207, {"received": 2, "successful": 1, "failed": 1})
    assert [(each["index"], each["retriable"]) for each in body["failed_events"]] == [(1, False)]
    assert sum(each["kind"] == "THIN_EVENT" for each in memory.vertices.values()) == 1


async def test_a_full_queue_asks_to_wait(memory: Memory) -> None:
    """429 with Retry-After, for one event and for a list of which none is stored; the event can be sent again."""
    await taken(memory, EVENT)
    ((vid, queue),) = [each for each in memory.vertices.items() if each[1]["kind"] == "THIN_EVENT_QUEUE"]
    memory.vertices[vid] = {**queue, "pending": MAX_PENDING}
    results = await taken(memory, {**EVENT, "id": "r2"})
    status, body, headers = response(results, is_batch=False)
    assert (status, headers["Retry-After"]) == (429, "60")
    assert body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    status, body, headers = response(results)
    assert (status, headers["Retry-After"], body["failed_events"][0]["retriable"]) == (429, "60", True)


async def test_rights_are_those_of_the_source(memory: Memory) -> None:
    """An unknown source is 404, a caller who may not update it 403, and one without the scope no operation at all."""
    (unknown,) = await taken(memory, {**EVENT, "source": "other"})
    assert response([unknown], is_batch=False)[0] == 404
    (denied,) = await taken(memory, EVENT, who=person("vera", roles="viewer"))
    assert response([denied], is_batch=False)[0] == 403
    reader = Principal("bo", PrincipalKind.PERSON, "default", scopes=frozenset({"graph:read"}))
    with pytest.raises(ScopeError):
        await taken(memory, EVENT, who=reader)
