"""Inputs of a worker: what reaches the writer, what is refused at its field, and which events are returned."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.commands import Command
from graphql_schema.ports.events.event_commands import (
    FinishThinEventCommand,
    ReplayThinEventCommand,
    TakeThinEventCommand,
)
from graphql_schema.ports.outcomes import MutationErrorCode, Outcome, WriteOutcome, refused

Run = Callable[..., Awaitable[ExecutionResult]]
EVENT, RUN = "mlg://thin-event/test/default/e", "mlg://run/mlflow/default/r"
FINISH = """mutation ($input: FinishThinEventInput!) { finishThinEvent(input: $input) {
  changed event { id } errors { code message inputPath } } }"""
MANY = """mutation ($ids: [ID!]!) { %s(input: {events: $ids}) {
  events { id } errors { code message inputPath } } }"""


@pytest.mark.parametrize(
    ("name", "command"), [("takeThinEvents", TakeThinEventCommand), ("replayThinEvents", ReplayThinEventCommand)]
)
async def test_changed_events_are_returned_and_errors_have_their_index(
    run: Run, graph: PlainGraph, monkeypatch: pytest.MonkeyPatch, name: str, command: type[Any]
) -> None:
    """Of a changed, an unchanged, a refused and an invalid id, the first is returned and the last two have errors."""
    first, second = graph.add("THIN_EVENT", "a"), graph.add("THIN_EVENT", "b")
    hidden = f"{EVENT}-hidden"
    sent: list[Command] = []

    async def write(items: Sequence[Command], **_: object) -> list[WriteOutcome]:
        sent.extend(items)
        lost = refused(Outcome.INVALID, MutationErrorCode.NOT_FOUND, "absent", "event")
        return [WriteOutcome(Outcome.UPDATED), WriteOutcome(Outcome.UNCHANGED), lost]

    monkeypatch.setattr(graph, "write", write)
    found = (await run(MANY % name, ids=[first, RUN, second, hidden])).data[name]
    assert sent == [command(first), command(second), command(hidden)]
    assert found["events"] == [{"id": first}]
    assert [(each["code"], each["inputPath"]) for each in found["errors"]] == [
        ("INVALID", ["events", "1"]),
        ("NOT_FOUND", ["events", "3"]),
    ]


@pytest.mark.parametrize("number", [0, 101])
async def test_a_call_has_one_to_a_hundred_events(run: Run, graph: PlainGraph, number: int) -> None:
    """Another number fails the request, and the writer is not called."""
    found = await run(MANY % "takeThinEvents", ids=[EVENT] * number)
    assert found.errors is not None
    assert "give 1 to 100" in str(found.errors[0])
    assert graph.registered == []


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({"reason": "NOT_FOUND"}, FinishThinEventCommand(EVENT, 2, "NOT_FOUND")),
        ({"outcome": "UPDATED"}, FinishThinEventCommand(EVENT, 2, None, "UPDATED")),
        ({"outcome": "CREATED", "asset": RUN}, FinishThinEventCommand(EVENT, 2, None, "CREATED", RUN)),
    ],
)
async def test_a_result_reaches_the_writer(
    run: Run, graph: PlainGraph, given: dict[str, Any], command: FinishThinEventCommand
) -> None:
    """A failure has a reason, a success an outcome and perhaps an asset."""
    found = (await run(FINISH, input={"event": EVENT, "attempt": 2, **given})).data["finishThinEvent"]
    assert found["errors"] == []
    assert graph.registered == [([command], False, False)]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "outcome"),
        ({"reason": "X", "outcome": "CREATED"}, "outcome"),
        ({"outcome": "DENIED"}, "outcome"),
        ({"reason": "x" * 65}, "reason"),
        ({"reason": " "}, "reason"),
        ({"outcome": "CREATED", "asset": EVENT}, "asset"),
        ({"outcome": "CREATED", "event": RUN}, "event"),
    ],
)
async def test_an_invalid_result_is_refused_at_its_field(
    run: Run, graph: PlainGraph, given: dict[str, Any], path: str
) -> None:
    """The writer is not called."""
    found = (await run(FINISH, input={"event": EVENT, "attempt": 1, **given})).data["finishThinEvent"]
    assert [(each["code"], each["inputPath"]) for each in found["errors"]] == [("INVALID", [path])]
    assert graph.registered == []
