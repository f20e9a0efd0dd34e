"""`mlg demo`: the estate is consistent, covers the whole contract, and is the same on every run."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

import networkx as nx
import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLSchema
from graphql.utilities import coerce_input_value
from support.servers.contract_server import ContractServer
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.ingest.demo.cast import CAST
from app.ingest.demo.estate import demo_estate, demo_scenario
from app.ingest.demo.releases import FINAL_ASSET
from app.ingest.load.scenario import CreatedId

INPUT_RELATIONS: dict[tuple[str, str], tuple[str, str]] = {
    ("dataset", "derivedFrom"): ("DERIVES", "in"),
    ("feature", "derivedFrom"): ("DERIVES", "in"),
    ("featureSet", "derivedFrom"): ("DERIVES", "in"),
    ("featureSet", "features"): ("CONTAINS", "out"),
    ("feature", "featureSet"): ("CONTAINS", "in"),
    ("modelVersion", "trainingRun"): ("PRODUCES", "in"),
    ("modelVersion", "trainedOn"): ("FEEDS", "in"),
    ("modelVersion", "features"): ("FEEDS", "in"),
    ("modelVersion", "basedOn"): ("BASE_OF", "in"),
    ("modelVersion", "model"): ("VERSION_OF", "out"),
    ("datasetVersion", "dataset"): ("VERSION_OF", "out"),
    ("workflow", "inputs"): ("INPUT_TO", "in"),
    ("workflow", "outputs"): ("PRODUCES", "out"),
    ("workflow", "partOf"): ("CONTAINS", "in"),
    ("run", "inputs"): ("INPUT_TO", "in"),
    ("run", "outputs"): ("PRODUCES", "out"),
    ("run", "workflow"): ("RUN_OF", "out"),
    ("run", "parentRun"): ("CHILD_OF", "out"),
    ("run", "startedBy"): ("STARTED_BY", "out"),
    ("evaluation", "modelVersion"): ("EVALUATED_BY", "in"),
    ("evaluation", "evaluatedOn"): ("EVALUATED_BY", "in"),
    ("evaluation", "baseline"): ("EVALUATED_BY", "in"),
    ("service", "calls"): ("CALLED_BY", "in"),
    ("deployment", "modelVersion"): ("DEPLOYED_AS", "in"),
    ("deployment", "service"): ("SERVED_BY", "out"),
    ("experimentCell", "experiment"): ("CELL_OF", "out"),
    ("experimentCell", "subjects"): ("TESTED_IN", "in"),
    ("report", "inputs"): ("FEEDS", "in"),
}
"""The relation and direction of each reference in an input, seen from the item: written by hand, as an oracle."""


DEMONSTRATED = {
    "dataset", "datasetVersion", "featureSet", "feature", "model", "modelVersion", "workflow", "run", "evaluation",
    "service", "deployment", "experiment", "experimentCell", "report", "team", "user", "domain", "tag", "link",
}  # fmt: skip
"""The fields of AssetInput that the demo is to show; a later kind may do without an item there."""

DEMONSTRATED_RELATIONS = {
    "INPUT_TO", "PRODUCES", "DERIVES", "FEEDS", "BASE_OF", "EVALUATED_BY", "DEPLOYED_AS", "SERVED_BY", "TESTED_IN",
    "CELL_OF", "CALLED_BY", "TRIGGERS", "VERSION_OF", "PRECEDES", "RUN_OF", "CHILD_OF", "STARTED_BY", "CONTAINS",
    "REPLACED_BY",
}  # fmt: skip
"""The values of Relation that the demo is to show; a later relation may do without an edge there."""


def edges(items: list[dict[str, Any]]) -> "nx.MultiDiGraph[str]":
    """Draw the items' relations as a graph, by plain Python."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for item in items:
        ((kind, body),) = item.items()
        if kind == "link":
            graph.add_edge(body["from"], body["to"], body["relation"])
        for field, value in body.items():
            if (kind, field) not in INPUT_RELATIONS:
                continue
            relation, direction = INPUT_RELATIONS[kind, field]
            for other in [value] if isinstance(value, str) else value:
                source, target = (other, body["id"]) if direction == "in" else (body["id"], other)
                graph.add_edge(source, target, relation)
    return graph


@pytest.fixture(scope="module")
def story() -> list[dict[str, Any]]:
    """Return the items of the demo estate."""
    return list(demo_estate())


def test_every_item_is_an_input_of_the_contract(
    story: list[dict[str, Any]], asset_input: GraphQLInputObjectType
) -> None:
    """Each item coerces to AssetInput, and no id is registered twice."""
    for item in story:
        coerce_input_value(item, asset_input)
    ids = Counter(body["id"] for item in story for body in item.values() if "id" in body)
    assert set(ids.values()) == {1}
    assert 280 <= len(story) <= 340


def test_all_kinds_and_relations_occur(story: list[dict[str, Any]], contract: GraphQLSchema) -> None:
    """Every kind and relation of the first release, and links, have their place in the demo."""
    assert {next(iter(item)) for item in story} >= DEMONSTRATED
    relation = contract.get_type("Relation")
    assert isinstance(relation, GraphQLEnumType)
    shown = {name for *_, name in edges(story).edges(keys=True)}
    assert set(relation.values) >= shown >= DEMONSTRATED_RELATIONS


def test_every_reference_has_an_item(story: list[dict[str, Any]]) -> None:
    """Every reference has an item: owners, tags, domains, members and both ends of every edge."""
    reported = {body["id"] for item in story for body in item.values() if "id" in body}
    named = set(edges(story))
    for item in story:
        (body,) = item.values()
        named |= {one["owner"] for one in body.get("owners", [])} | set(body.get("tags", []))
        named |= {one["user"] for one in body.get("members", [])}
        named |= {body[name] for name in ("domain", "parent") if name in body}
    assert named <= reported


def test_the_circle_closes(story: list[dict[str, Any]]) -> None:
    """The ranking service logs the data that retrains its own model, a lineage cycle over service and model version."""
    graph = edges(story)
    lineage: nx.DiGraph[str] = nx.DiGraph(
        (a, b) for a, b, name in graph.edges(keys=True) if name not in {"VERSION_OF", "RUN_OF", "CHILD_OF"}
    )
    service = "mlg://service/kubernetes/production/ranking-service"
    version = "mlg://model-version/mlflow/harbour/homepage-ranker@2"
    assert nx.has_path(lineage, service, version)
    assert nx.has_path(lineage, version, service)


DAYS = [date(2026, 11, 25) + timedelta(days=day) for day in range(7)]


@pytest.mark.parametrize("today", DAYS)
def test_every_call_is_one_of_the_contract(contract: GraphQLSchema, today: date) -> None:
    """Each input coerces to that of its mutation, and each caller is a persona.

    The last call has the expected outcome.
    """
    assert contract.mutation_type is not None
    calls = list(chain.from_iterable(demo_scenario(today)))
    for call in calls:
        given = {key: "mlg:made" if isinstance(value, CreatedId) else value for key, value in call.input.items()}
        coerce_input_value(given, contract.mutation_type.fields[call.mutation].args["input"].type)
        assert call.caller in CAST
    assert calls[-1].input["id"] == FINAL_ASSET
    assert FINAL_ASSET not in {call.input.get("id") for call in calls if call.caller != calls[-1].caller}
    assert calls == list(chain.from_iterable(demo_scenario(today)))


@pytest.mark.parametrize("today", DAYS)
def test_no_observation_is_of_today_or_later(today: date) -> None:
    """Usage and observations end on the day before, on every day of the week; usage goes back thirty days."""
    calls = list(chain.from_iterable(demo_scenario(today)))
    observed = [datetime.fromisoformat(call.input["observedAt"]) for call in calls if "observedAt" in call.input]
    used = [date.fromisoformat(one["day"]) for call in calls for one in call.input.get("records", ())]
    assert max(observed) == datetime(today.year, today.month, today.day, 6, tzinfo=UTC) - timedelta(days=1)
    assert (min(used), max(used)) == (today - timedelta(days=30), today - timedelta(days=1))


def test_the_story_has_its_conflicts(story: list[dict[str, Any]]) -> None:
    """The estate holds the cases of the examples.

    Runs that fail, verdicts, sensitivities, visibilities and personas.
    """
    bodies = [body for item in story for body in item.values()]

    def values(name: str) -> set[Any]:
        return {body[name] for body in bodies if name in body}

    assert {"COMPLETE", "FAIL"} <= values("state")
    assert values("verdict") == {"PASS", "WARN", "FAIL"}
    assert values("sensitivity") == {"PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED"}
    assert values("visibility") == {"ORG", "TEAM"}
    assert {"ada", "bo", "cy", "root", "ci-ranking"} <= values("name")
    assert {body["origin"] for body in bodies if "origin" in body} == {"OBSERVED", "INFERRED"}


def test_the_same_story_in_another_process() -> None:
    """Two processes with different hash seeds print the same bytes."""
    first, second = (
        subprocess.run(
            [sys.executable, "-m", "app", "demo", "--print"],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert len(first.splitlines()) == len(list(demo_estate()))


def test_the_command_loads_the_story(server: ContractServer) -> None:
    """Every item is written through the API, and a second load changes nothing."""
    command = ["demo", "--url", server.url, "--token", "t", "--json"]
    first, second = (json.loads(CliRunner().invoke(commands, command).stdout.splitlines()[-1]) for _ in range(2))
    assert first["created"] == second["unchanged"] == len(list(demo_estate()))
