"""``recordUsage``: many records in one call, each with its own outcome."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.commands import RecordUsageCommand
from policies.principal import Principal

Run = Callable[..., Awaitable[ExecutionResult]]
CLICKS, TEAM = "mlg://dataset/test/default/clicks", "mlg://team/test/default/search"
RECORD = """mutation ($input: RecordUsageInput!) { recordUsage(input: $input) {
  recorded errors { code message inputPath } } }"""


def usage(**values: Any) -> dict[str, Any]:
    """Return a record of one day of a team, with 5 reads unless other values are given."""
    return {"asset": CLICKS, "consumer": TEAM, "day": "2026-11-24", "reads": 5, **values}


async def recorded(run: Run, *records: dict[str, Any]) -> tuple[int, list[tuple[list[str], str]]]:
    """Return how many records were stored, and the path and message of each error."""
    found = await run(RECORD, input={"records": list(records)})
    assert found.errors is None
    payload = found.data["recordUsage"]
    return payload["recorded"], [(error["inputPath"], error["message"]) for error in payload["errors"]]


async def test_given_counters_reach_the_writer(run: Run, graph: PlainGraph) -> None:
    """Each record is one command, and a counter that is not given is absent."""
    service = "mlg://service/test/default/api"
    assert await recorded(
        run, usage(costUsd=0.5, distinctUsers=3, calls=0), usage(consumer=service, reads=None, calls=1)
    ) == (2, [])
    assert graph.registered[0][0] == [
        RecordUsageCommand(CLICKS, TEAM, "2026-11-24", {"reads": 5, "calls": 0, "distinctUsers": 3, "costUsd": 0.5}),
        RecordUsageCommand(CLICKS, service, "2026-11-24", {"calls": 1}),
    ]


@pytest.mark.parametrize(
    ("values", "path", "message"),
    [
        ({"asset": TEAM}, ["asset"], "is a Team"),
        ({"consumer": CLICKS}, ["consumer"], "Service or Team or User"),
        ({"asset": "clicks"}, ["asset"], "not an id"),
        ({"reads": None}, [], "`reads`, `calls`"),
        ({"reads": -1}, ["reads"], "is -1"),
        ({"calls": 1.1e15}, ["calls"], "1e+15"),
        ({"costUsd": -0.01}, ["costUsd"], "is -0.01"),
        ({"distinctUsers": -1}, ["distinctUsers"], "is -1"),
    ],
)
async def test_an_invalid_record_does_not_prevent_the_others(
    run: Run, graph: PlainGraph, values: dict[str, Any], path: list[str], message: str
) -> None:
    """The error leads to the record by its index, and the records around it are stored."""
    count, [(found_path, found_message)] = await recorded(
        run, usage(day="2026-11-22"), usage(**values), usage(day="2026-11-23")
    )
    assert (count, found_path) == (2, ["records", "1", *path])
    assert message in found_message
    assert [command.day for command in graph.registered[0][0] if isinstance(command, RecordUsageCommand)] == [
        "2026-11-22",
        "2026-11-23",
    ]


async def test_a_counter_may_be_zero_or_very_large(run: Run) -> None:
    """Zero and 10^15 are the bounds, both included."""
    assert await recorded(run, usage(reads=0), usage(reads=1e15, day="2026-11-23")) == (2, [])


async def test_one_day_of_a_consumer_is_recorded_once_in_a_call(run: Run, graph: PlainGraph) -> None:
    """A second record for the same asset, consumer and day is refused, and names the first."""
    count, [(path, message)] = await recorded(run, usage(), usage(reads=6), usage(day="2026-11-23"))
    assert (count, path) == (2, ["records", "1", "day"])
    assert "record 0 " in message.lower()
    assert len(graph.registered[0][0]) == 2


async def test_a_call_carries_at_most_1000_records(run: Run, graph: PlainGraph) -> None:
    """A larger call is refused as a request, and nothing is written."""
    records = [usage(consumer=f"mlg://user/test/default/u{number}") for number in range(1_001)]
    assert (await recorded(run, *records[:1_000]))[0] == 1_000
    found = await run(RECORD, input={"records": records})
    assert found.errors[0].extensions == {"code": "LIMIT_EXCEEDED", "limit": 1_000}
    assert len(graph.registered) == 1


async def test_recording_takes_the_scope_to_write(run: Run, graph: PlainGraph, ada: Principal) -> None:
    """A token without the scope is refused before any record is read."""
    found = await run(RECORD, replace(ada, scopes=frozenset({"graph:read"})), input={"records": [usage(asset="x")]})
    assert found.errors[0].extensions == {"code": "FORBIDDEN", "scope": "graph:write"}
    assert graph.registered == []


async def test_an_empty_call_records_nothing(run: Run, graph: PlainGraph) -> None:
    """The writer is not called."""
    assert await recorded(run) == (0, [])
    assert graph.registered == []
