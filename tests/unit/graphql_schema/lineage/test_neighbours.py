"""Direct neighbours of an asset, with the edges that join them."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.relations import Direction
from graphql_schema.lineage.neighbours import neighbours_of

Run = Callable[..., Awaitable[ExecutionResult]]
CLICKS, MODEL, VERSION = (
    "mlg://dataset/test/default/clicks",
    "mlg://model/test/default/ranker",
    "mlg://model-version/test/default/ranker@1",
)
NEIGHBOURS = """query ($id: ID!, $filter: LineageFilter, $first: Int, $after: Cursor) { asset(id: $id) {
  upstream(filter: $filter, first: $first, after: $after) { totalCount pageInfo { endCursor }
    nodes { asset { id } edgeId relation confidence runId } }
  downstream { nodes { asset { id } relation } } } }"""


@pytest.fixture
def graph(graph: PlainGraph) -> PlainGraph:
    """Fill the graph: a dataset feeds a model, and a run that reads the dataset produces a version of the model."""
    clicks, model = graph.add("DATASET", "clicks"), graph.add("MODEL", "ranker")
    version = graph.add("MODEL_VERSION", "ranker", version="1")
    run = graph.add("RUN", "train")
    graph.join("VERSION_OF", version, model, at=1)
    graph.join("FEEDS", clicks, model, confidence=0.5, runId=run)
    graph.join("INPUT_TO", clicks, run)
    graph.join("PRODUCES", run, version, runId="mlg://run/test/default/hidden")
    return graph


async def upstream(run: Run, urn: str, **variables: Any) -> dict[str, Any]:
    """Return the neighbours of an asset, upstream."""
    found = await run(NEIGHBOURS, id=urn, **variables)
    assert found.errors is None
    page: dict[str, Any] = found.data["asset"]["upstream"]
    return page


async def test_an_asset_lists_its_own_edges_and_those_of_its_versions(run: Run, graph: PlainGraph) -> None:
    """One entry for each edge, with what the edge has; a run that is hidden is not named (rule 3.3)."""
    page = await upstream(run, MODEL)
    assert page["totalCount"] == 2
    assert page["nodes"] == [
        {
            "asset": {"id": CLICKS},
            "edgeId": graph.edge_id("FEEDS", CLICKS, MODEL),
            "relation": "FEEDS",
            "confidence": 0.5,
            "runId": "mlg://run/test/default/train",
        },
        {
            "asset": {"id": "mlg://run/test/default/train"},
            "edgeId": graph.edge_id("PRODUCES", "mlg://run/test/default/train", VERSION),
            "relation": "PRODUCES",
            "confidence": None,
            "runId": None,
        },
    ]


@pytest.mark.usefixtures("graph")
async def test_downstream_follows_the_data(run: Run) -> None:
    """A dataset lists what it feeds and what reads it."""
    found = await run(NEIGHBOURS, id=CLICKS)
    assert found.data["asset"]["upstream"]["nodes"] == []
    assert [node["relation"] for node in found.data["asset"]["downstream"]["nodes"]] == ["FEEDS", "INPUT_TO"]


@pytest.mark.usefixtures("graph")
async def test_a_filter_restricts_list_and_total(run: Run) -> None:
    """The filter is applied after the policy, and to the edge as well as to the neighbour."""
    assert (await upstream(run, MODEL, filter={"kinds": ["RUN"]}))["totalCount"] == 1
    assert (await upstream(run, MODEL, filter={"minConfidence": 0.6}))["totalCount"] == 1
    assert (await upstream(run, MODEL, filter={"origins": ["OBSERVED"]}))["totalCount"] == 0


@pytest.mark.usefixtures("graph")
async def test_pages_of_neighbours_concatenate(run: Run) -> None:
    """A cursor belongs to the filter of its list."""
    first = await upstream(run, MODEL, first=1)
    second = await upstream(run, MODEL, first=1, after=first["pageInfo"]["endCursor"])
    assert [node["relation"] for node in (*first["nodes"], *second["nodes"])] == ["FEEDS", "PRODUCES"]
    found = await run(NEIGHBOURS, id=MODEL, filter={"kinds": ["RUN"]}, after=first["pageInfo"]["endCursor"])
    assert found.errors[0].extensions == {"code": "INVALID"}


def test_the_query_of_a_kind_is_made_once() -> None:
    """Loaders group lists by their query, so equal queries must be one object."""
    assert neighbours_of("Model", Direction.IN) is neighbours_of("Model", Direction.IN)
    assert neighbours_of("Model", Direction.IN) != neighbours_of("Model", Direction.OUT)
