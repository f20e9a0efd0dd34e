"""Thin events as a viewer may see them: hidden assets are left out, and the list is filtered, the oldest first."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
PROD, MODEL = "mlg://workflow/test/default/prod", "mlg://model/test/default/m"
LIST = """query ($filter: ThinEventFilter) { thinEvents(filter: $filter) { totalCount nodes {
  objectId state dueAt receivedAt finishedAt reason outcome subject { id } asset { id } } } }"""


@pytest.fixture
def estate(graph: PlainGraph) -> PlainGraph:
    """Add a source with three events: one waits, one is done, and the asset of the last one does not exist."""
    graph.add("WORKFLOW", "prod")
    graph.add("MODEL", "m")
    for at, (state, more) in enumerate(
        [("PENDING", {}), ("DONE", {"asset": MODEL, "outcome": "CREATED"}), ("DEAD", {"asset": f"{MODEL}x"})], 1
    ):
        urn = graph.add(
            "THIN_EVENT",
            f"e{at}",
            subject=PROD,
            subjects=[PROD],
            actor="ci",
            source=f"s{at}",
            state=state,
            createdAt=at * 1000,
            dueAt=at * 1000,
            begins=at * 1000,
            objectType="registered_model",
            objectId=f"o{at}",
            attempts=at,
            **more,
        )
        graph.join("QUEUED_FOR", urn, PROD)
    return graph


@pytest.mark.usefixtures("estate")
async def test_only_a_pending_event_is_due(run: Run) -> None:
    """The instant is null for the others, and an asset that the viewer does not see is null, too."""
    found = (await run(LIST)).data["thinEvents"]
    shown = [(each["objectId"], each["dueAt"], each["asset"]) for each in found["nodes"]]
    assert shown == [("o1", "1970-01-01T00:00:01Z", None), ("o2", None, {"id": MODEL}), ("o3", None, None)]
    assert {each["subject"]["id"] for each in found["nodes"]} == {PROD}


async def test_an_asset_needs_the_right_to_read_its_history(estate: PlainGraph, run: Run) -> None:
    """That the object of an event became an asset is part of its history."""
    estate.hidden = {"MODEL": {"history"}}
    found = (await run(LIST, filter={"states": ["DONE"]})).data["thinEvents"]["nodes"]
    assert [each["asset"] for each in found] == [None]


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(
    ("where", "objects"),
    [
        (None, ["o1", "o2", "o3"]),
        ({"subjects": [PROD], "states": ["PENDING", "DEAD"]}, ["o1", "o3"]),
        ({"sources": ["s2"]}, ["o2"]),
        ({"since": "1970-01-01T00:00:02Z"}, ["o2", "o3"]),
        ({"dueBefore": "1970-01-01T00:00:02Z", "states": ["PENDING"]}, ["o1"]),
        ({"dueBefore": "1970-01-01T00:00:01Z", "states": ["PENDING"]}, []),
        ({"sources": []}, []),
    ],
)
async def test_the_list_is_filtered_oldest_first(run: Run, where: Any, objects: list[str]) -> None:
    """Every given condition holds, and an empty list matches nothing."""
    found = (await run(LIST, filter=where)).data["thinEvents"]
    assert [node["objectId"] for node in found["nodes"]] == objects
    assert found["totalCount"] == len(objects)
