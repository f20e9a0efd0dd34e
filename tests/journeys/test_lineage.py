"""Walks along lineage on a small estate, whose answers were written by hand from ADR 0010."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from harness.api import Api, open_api
from harness.janusgraph import StoreGraph

ROOT = "mlg://{}/t/default/{}"


def urn(kind: str, name: str) -> str:
    """An id of this estate."""
    return ROOT.format(kind, name)


RAW, CLEAN = urn("dataset", "raw"), urn("dataset", "clean")
RUN = urn("run", "train")
MODEL, V1, V2 = urn("model", "ranker"), urn("model-version", "ranker@1"), urn("model-version", "ranker@2")
DEPLOYMENT, SERVICE, CALLER = urn("deployment", "canary"), urn("service", "search"), urn("service", "app")
CELL, EXPERIMENT = urn("experiment-cell", "b"), urn("experiment", "ctr")
WALK = """query ($roots: [ID!]!, $direction: LineageDirection!, $depth: Int, $filter: LineageFilter, $asOf: DateTime,
  $first: Int, $after: Cursor) {
  lineage(roots: $roots, direction: $direction, maxDepth: $depth, filter: $filter, asOf: $asOf, first: $first,
    after: $after) {
    nodes { nodes { depth asset { id } } pageInfo { hasNextPage endCursor } totalCount }
    edges { from to relation origin }
    countsByKind { kind count }
    completeness { state reason visited depthReached hidden asOf }
    unknownRoots
  }
}"""


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over the estate."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.load(
            {"dataset": {"id": RAW}},
            {"dataset": {"id": CLEAN, "derivedFrom": [RAW]}},
            {"run": {"id": RUN, "state": "COMPLETE", "inputs": [CLEAN], "outputs": [V1]}},
            {"modelVersion": {"id": V2, "trainedOn": [CLEAN]}},
            {"service": {"id": SERVICE}},
            {"service": {"id": CALLER, "calls": [SERVICE]}},
            {"deployment": {"id": DEPLOYMENT, "modelVersion": V1, "service": SERVICE, "status": "ACTIVE"}},
            {"experiment": {"id": EXPERIMENT}},
            {"experimentCell": {"id": CELL, "experiment": EXPERIMENT, "subjects": [DEPLOYMENT]}},
        )
        yield api


async def walk(api: Api, *roots: str, direction: str = "DOWNSTREAM", **more: Any) -> Any:
    """The answer of a walk as root."""
    data = await api.ask("root", WALK, roots=roots, direction=direction, **more)
    return data["lineage"]


def depths(answer: Any) -> dict[str, int]:
    """The depth of each node."""
    return {node["asset"]["id"]: node["depth"] for node in answer["nodes"]["nodes"]}


async def test_a_walk_downstream_finds_everything_with_its_depth(api: Api) -> None:
    """What comes from the raw data is found, each at its least distance, and the answer is complete."""
    answer = await walk(api, RAW, depth=20)
    assert depths(answer) == {
        RAW: 0, CLEAN: 1, RUN: 2, V2: 2, V1: 3, DEPLOYMENT: 4, SERVICE: 5, CELL: 5, CALLER: 6, EXPERIMENT: 6
    }  # fmt: skip
    assert answer["completeness"]["state"] == "COMPLETE"
    assert len(answer["edges"]) == 9
