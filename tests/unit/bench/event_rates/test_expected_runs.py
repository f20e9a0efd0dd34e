"""The made events of the measurement, and what a graph must have after them."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from bench.event_rates.expected_runs import WrongGraphError, check_graph, expected_runs
from bench.event_rates.made_events import made_events


def test_made_events_are_the_same_for_a_seed() -> None:
    """Another seed gives others; the first events of more events are those of fewer; some are repeated."""
    events = [*made_events(2_000)]
    assert [*made_events(500)] == events[:500]
    assert [*made_events(500, seed=2)] != events[:500]
    texts = [str(each) for each in events]
    assert 0 < len(texts) - len({*texts}) < 100
    assert {each["eventType"] for each in events} == {"START", "RUNNING", "COMPLETE", "FAIL"}


def test_the_order_of_events_does_not_matter() -> None:
    """The runs are those of shuffled and repeated events."""
    events = [*made_events(400)]
    mixed = events * 2
    random.Random(3).shuffle(mixed)
    assert expected_runs(mixed) == expected_runs(events)


def test_a_run_is_that_of_its_events() -> None:
    """The first instant, the final state and its instant, and all inputs and outputs count."""
    job: dict[str, Any] = {"namespace": "team", "name": "job"}
    base: dict[str, Any] = {"run": {"runId": "r"}, "job": job, "inputs": [], "outputs": []}
    data = {"namespace": "warehouse://main", "name": "t"}
    events = [
        {**base, "eventType": "COMPLETE", "eventTime": "2026-01-01T00:05:00.000Z", "outputs": [data]},
        {**base, "eventType": "START", "eventTime": "2026-01-01T00:00:00.000Z", "inputs": [data]},
        {**base, "eventType": "RUNNING", "eventTime": "2026-01-01T00:06:00.000Z"},
    ]
    ((urn, run),) = expected_runs(events).items()
    assert urn == "mlg://run/openlineage/default/r"
    assert run.shown() == {
        "state": "COMPLETE",
        "startedAt": datetime(2026, 1, 1, tzinfo=UTC),
        "endedAt": datetime(2026, 1, 1, 0, 5, tzinfo=UTC),
        "workflow": "mlg://workflow/openlineage/team/job",
        "inputs": {"mlg://dataset/warehouse/main/t"},
        "outputs": {"mlg://dataset/warehouse/main/t"},
    }


async def test_a_graph_without_a_run_is_wrong() -> None:
    """The comparison names the run that is absent, and a number that differs."""
    runs = expected_runs(made_events(3))

    async def nothing(_query: str, variables: dict[str, Any]) -> Any:
        return {"nodes": [None] * len(variables["ids"])}

    with pytest.raises(WrongGraphError, match="is None, and"):
        await check_graph(nothing, runs)

    async def more(_query: str, variables: dict[str, Any]) -> Any:
        info = {"hasNextPage": variables["after"] is None, "endCursor": "second"}
        return {"assets": {"nodes": [{"id": "x"}], "pageInfo": info}}

    with pytest.raises(WrongGraphError, match="2 assets are of the kind RUN, and 0"):
        await check_graph(more, {})
