"""Models: one version by name or alias, the data of a version, and the services of a model."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
VERSION = """query ($id: ID!, $v: String, $a: String) { asset(id: $id) { ... on Model {
  version(version: $v, alias: $a) { version } } } }"""


def ranker(graph: PlainGraph) -> str:
    """Add a model with two versions, and an alias for the first."""
    versions = [graph.add("MODEL_VERSION", "ranker", version=name) for name in ("1", "2")]
    champion = {"version": versions[0], "protected": False, "since": 5, "setBy": "ada"}
    model = graph.add("MODEL", "ranker", aliases={"champion": champion})
    for at, version in enumerate(versions):
        graph.join("VERSION_OF", version, model, at=at)
    return model


@pytest.mark.parametrize(
    ("version", "alias", "found"),
    [
        ("2", None, "2"),
        (None, "champion", "1"),
        ("1", "champion", "1"),
        ("2", "champion", None),
        ("", "champion", "1"),
        ("1", "", "1"),
        ("3", None, None),
        (None, "challenger", None),
        ("1", "challenger", None),
        (None, None, None),
        ("", "", None),
    ],
)
async def test_a_version_is_found_by_name_or_alias(
    run: Run, graph: PlainGraph, version: str | None, alias: str | None, found: str | None
) -> None:
    """If both are given, both must name the same version; an empty text counts as absent."""
    response = await run(VERSION, id=ranker(graph), v=version, a=alias)
    shown = None if found is None else {"version": found}
    assert (response.errors, response.data) == (None, {"asset": {"version": shown}})


async def test_data_of_a_version_is_declared_or_read_by_its_run(run: Run, graph: PlainGraph) -> None:
    """Declared data and the inputs of the training run are one list, each asset once; features are not data."""
    ranker(graph)
    version = "mlg://model-version/test/default/ranker@1"
    clicks, views = graph.add("DATASET", "clicks"), graph.add("DATASET", "views")
    training, feature = graph.add("RUN", "train"), graph.add("FEATURE", "age")
    graph.join("FEEDS", clicks, version)
    graph.join("FEEDS", feature, version)
    graph.join("PRODUCES", training, version)
    graph.join("INPUT_TO", clicks, training)
    graph.join("INPUT_TO", views, training)
    query = """query ($id: ID!) { asset(id: $id) { ... on ModelVersion { trainedOn { nodes { name } }
      features { nodes { name } } trainingRun { name } } } }"""
    found = await run(query, id=version)
    assert found.errors is None
    assert found.data == {
        "asset": {
            "trainedOn": {"nodes": [{"name": "clicks"}, {"name": "views"}]},
            "features": {"nodes": [{"name": "age"}]},
            "trainingRun": {"name": "train"},
        }
    }


async def test_services_of_a_model_are_those_of_all_versions(run: Run, graph: PlainGraph) -> None:
    """A service that serves two versions is listed once."""
    model, service = ranker(graph), graph.add("SERVICE", "api")
    for number in ("1", "2"):
        deployment = graph.add("DEPLOYMENT", f"d{number}", status="ACTIVE")
        graph.join("DEPLOYED_AS", f"mlg://model-version/test/default/ranker@{number}", deployment)
        graph.join("SERVED_BY", deployment, service)
    query = "query ($id: ID!) { asset(id: $id) { ... on Model { services { totalCount nodes { name } } } } }"
    found: Any = (await run(query, id=model)).data
    assert found == {"asset": {"services": {"totalCount": 1, "nodes": [{"name": "api"}]}}}
