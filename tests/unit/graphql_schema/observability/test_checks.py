"""Checks with their results, and the command of ``reportCheck`` with its refusals."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.commands import ReportCheckCommand

Run = Callable[..., Awaitable[ExecutionResult]]
DATA = "mlg://dataset/test/default/clicks"
CHECK = """query ($id: ID!) { node(id: $id) { ... on Check { asset { id } latestResult { status check { id } }
  results { nodes { status } } } } }"""
REPORT = """mutation ($input: ReportCheckInput!) { reportCheck(input: $input) {
  result { status } incident { id } errors { code message inputPath } } }"""
USUAL = {"asset": DATA, "check": "fresh", "checkKind": "FRESHNESS", "status": "PASS"}


async def test_a_check_lists_its_results_newest_first(run: Run, graph: PlainGraph) -> None:
    """The latest result is the first of the list, and each result names its check."""
    graph.add("DATASET", "clicks")
    check = graph.add("CHECK", "fresh", subjects=[DATA])
    for at, status in ((1, "PASS"), (3, "ERROR"), (2, "FAIL")):
        result = graph.add("CHECK_RESULT", f"r{at}", status=status, check=check, subjects=[DATA], observedAt=at)
        graph.join("RESULT_OF", result, check, at=at)
    found = await run(CHECK, id=check)
    assert found.errors is None
    assert found.data["node"] == {
        "asset": {"id": DATA},
        "latestResult": {"status": "ERROR", "check": {"id": check}},
        "results": {"nodes": [{"status": "ERROR"}, {"status": "FAIL"}, {"status": "PASS"}]},
    }


async def test_a_check_without_results_has_none(run: Run, graph: PlainGraph) -> None:
    """A hidden asset is null, and an empty list is no error."""
    found = await run(CHECK, id=graph.add("CHECK", "fresh", subjects=[DATA]))
    assert (found.errors, found.data["node"]) == (
        None,
        {"asset": None, "latestResult": None, "results": {"nodes": []}},
    )


@pytest.mark.parametrize(
    ("given", "rest"),
    [
        ({}, (None, {"value": None, "window": None, "threshold": None}, False)),
        (
            {"value": 0, "window": "eu", "threshold": "< 6h", "observedAt": "1970-01-01T00:00:01Z"},
            (1_000, {"value": 0.0, "window": "eu", "threshold": "< 6h"}, False),
        ),
        ({"openIncidentOnFail": True}, (None, {"value": None, "window": None, "threshold": None}, True)),
        ({"openIncidentOnFail": None}, (None, {"value": None, "window": None, "threshold": None}, False)),
    ],
)
async def test_the_command_has_what_was_given(
    run: Run, graph: PlainGraph, given: dict[str, Any], rest: tuple[int | None, dict[str, Any], bool]
) -> None:
    """A measured zero is a value, and no incident is opened unless requested."""
    found = await run(REPORT, input={**USUAL, **given})
    assert (found.errors, found.data["reportCheck"]["errors"]) == (None, [])
    observed, values, opens = rest
    assert graph.registered[0][0] == [
        ReportCheckCommand(DATA, "fresh", "FRESHNESS", "PASS", observed, values, open_incident=opens)
    ]


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"asset": "mlg://team/test/default/t"}, ["asset"], "is a Team"),
        ({"check": " "}, ["check"], "`check` needs 1 to 200 characters"),
        ({"check": "x" * 201}, ["check"], "`check` needs 1 to 200 characters"),
        ({"check": "a\u0000b"}, ["check"], "no NUL"),
        ({"window": ""}, ["window"], "`window` needs 1 to 200 characters"),
        ({"threshold": "x" * 1_001}, ["threshold"], "`threshold` needs 1 to 1000 characters"),
    ],
)
async def test_an_invalid_report_is_refused_at_its_field(
    run: Run, graph: PlainGraph, given: dict[str, Any], path: list[str], message: str
) -> None:
    """The writer is not called; neither a result nor an incident is shown."""
    payload = (await run(REPORT, input={**USUAL, **given})).data["reportCheck"]
    (error,) = payload["errors"]
    assert (error["code"], error["inputPath"]) == ("INVALID", path)
    assert message in error["message"]
    assert (payload["result"], payload["incident"]) == (None, None)
    assert graph.registered == []


async def test_the_longest_texts_are_accepted(run: Run, graph: PlainGraph) -> None:
    """200 characters of a name and a window, and 1,000 of a threshold."""
    given = {"check": "x" * 200, "window": "w" * 200, "threshold": "t" * 1_000}
    assert (await run(REPORT, input={**USUAL, **given})).data["reportCheck"]["errors"] == []
    assert len(graph.registered) == 1
