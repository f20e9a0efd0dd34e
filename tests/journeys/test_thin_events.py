"""Thin events of an MLflow registry become the graph that plain SQL expects, whatever their order and repetition."""

import asyncio
import json
import os
import random
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rich.console import Console
from support.estates.mlflow_registry import DATA, RANKING, importer, make_registry, maker
from support.oracles.mlflow_graph import read_registry
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import serving
from support.source_tree import code_blocks
from support.stores.janusgraph import StoreGraph
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.ingest.hydrate.object_writer import write_registered
from app.ingest.hydrate.worker import Worker
from app.ingest.load.api_client import ApiClient
from app.ingest.load.load_report import LoadReport
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_client import open_registry
from app.ingest.sources.mlflow.registry_import import RegistryImport
from app.ingest.sources.mlflow.registry_object import RegistryObject

EXPECTED: dict[str, Any] = json.loads((DATA / "expected.json").read_bytes())
SOURCE = {
    "workflow": {
        "id": "mlg://workflow/ingest/default/mlflow-prod",
        "workflowKind": "mlflow",
        "owners": [{"owner": RANKING}],
    }
}
FILES = Path(__file__).parents[1] / "data"
DBT, FEAST = FILES / "dbt/shop/target", FILES / "feast/shop/registry.json"
OF_DBT, OF_FEAST = ("--namespace", "duckdb://shop.duckdb", "--no-owners"), ("--no-owners",)
OF_THE_PAGE = {"mlflow-prod": "mlflow-page", "churn": "upsell"}
"""Other names for the source and the model of the page, because the graph has those of the registry already."""

ALIASES = "query ($id: ID!) { asset(id: $id) { ... on Model { aliases { name } } } }"
LIST = """{ thinEvents(filter: {sources: ["mlflow-prod"]}, first: 100) { totalCount nodes {
  state objectType objectId attempts reason outcome actor dueAt finishedAt asset { id } subject { id } } } }"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a registry."""
    return make_registry(tmp_path_factory.mktemp("registry"))


def objects(registry: Path) -> list[dict[str, str]]:
    """Return an event about each object of the registry, as MLflow's client names it."""
    client = open_registry(f"sqlite:///{registry}")
    experiments = [each for page in client.experiments() for each in page]
    models = [each for page in client.registered_models() for each in page]
    runs = [run for each in experiments for page in client.runs(each.id) for run in page]
    logged = [model for each in experiments for page in client.logged_models(each.id) for model in page]
    versions = [version for each in models for page in client.versions(each) for version in page]
    named = [
        *(("experiment", each.id) for each in experiments),
        *(("run", each.id) for each in runs),
        *(("logged_model", each.key.id) for each in logged),
        *(("registered_model", each.name) for each in models),
        *(("model_version", f"{each.model}/{each.version}") for each in versions),
    ]
    return [{"source": "mlflow-prod", "type": kind, "id": each} for kind, each in named]


async def post(api: Api, events: Any, token: str) -> Any:
    """Return the response to events."""
    return await api.http.post("/ingest/events", json=events, headers={"Authorization": f"Bearer {token}"})


async def work(api: Api, registry: Path, token: str, *, remove_aliases: bool = False) -> LoadReport:
    """Work all due events off, and return the report."""
    importing = RegistryImport(open_registry(f"sqlite:///{registry}"), RegistryMapping(owner=RANKING))
    write_object = write_registered(partial(RegistryObject, importing), remove_aliases=remove_aliases)
    report = LoadReport(Console(stderr=True))
    transport = httpx2.MockTransport(api.http.send)
    async with ApiClient("http://127.0.0.1:8000", token, transport=transport) as client:
        await Worker(client, "mlflow-prod", write_object, report, once=True).run()
    return report


async def test_events_in_any_order_make_the_graph_of_the_registry(api: Api, registry: Path) -> None:
    """Shuffled and repeated, before and after a restart, they give what `expected.json` says; a replay nothing new."""
    token = importer(api, "automation", "approver")
    await api.load({"team": {"name": "ranking"}}, SOURCE)
    events = objects(registry)
    mixed = events * 2
    random.Random(7).shuffle(mixed)
    response = await post(api, mixed, token)
    assert response.status_code == 202
    outcomes = [each["outcome"] for each in response.json()["events"]]
    assert (outcomes.count("CREATED"), outcomes.count("UNCHANGED")) == (len(events), len(events))
    report = await work(api, registry, token)
    assert (report.failed, sum(report.counts.values())) == (0, len(events))
    graph = await read_registry(partial(api.ask, "root breaking glass"))
    found = graph.expected()
    assert found == {key: EXPECTED[key] for key in found}
    listed = (await api.ask("ada", LIST))["thinEvents"]
    assert listed["totalCount"] == len(events)
    assert {(each["state"], each["attempts"], each["reason"], each["dueAt"]) for each in listed["nodes"]} == {
        ("DONE", 1, None, None)
    }
    assert all(each["asset"] and each["finishedAt"] for each in listed["nodes"])
    await post(api, events[:2], token)
    again = await work(api, registry, token)
    assert (again.failed, dict(again.counts)) == (0, {"unchanged": 2})
    await _aliases_end(api, registry, token)


async def _aliases_end(api: Api, registry: Path, token: str) -> None:
    """Check that a worker with the option removes what MLflow removed and the account set, and nothing else."""
    copy = registry.with_name("without.db")
    shutil.copy(registry, copy)
    client = open_registry(f"sqlite:///{copy}")
    model = next(each for page in client.registered_models() for each in page if each.aliases)
    ours, version = next(iter(model.aliases.items()))
    given = {"model": f"mlg://model/mlflow/default/{model.name}", "alias": "of-people"}
    given["version"] = f"mlg://model-version/mlflow/default/{model.name}@{version}"
    payload = await api.ask("eli", "mutation ($i: SetAliasInput!) { setAlias(input: $i) { errors { code } } }", i=given)
    assert payload["setAlias"]["errors"] == []
    mlflow = maker().MlflowClient(f"sqlite:///{copy}", f"sqlite:///{copy}")
    mlflow.delete_registered_model_alias(model.name, ours)
    left = {*model.aliases, "of-people"}
    for remove_aliases, expected in ((False, left), (True, left - {ours})):
        await post(api, {"source": "mlflow-prod", "type": "registered_model", "id": model.name}, token)
        report = await work(api, copy, token, remove_aliases=remove_aliases)
        assert (report.failed, dict(report.counts)) == (0, {"unchanged": 1})
        found = (await api.ask("root", ALIASES, id=given["model"]))["asset"]["aliases"]
        assert {each["name"] for each in found} == expected


async def test_what_was_accepted_survives_the_server(graph: StoreGraph, registry: Path, tmp_path: Path) -> None:
    """An event that one server accepted, and one that a worker took from it and lost, are known to the next server."""
    take = "mutation ($ids: [ID!]!) { takeThinEvents(input: {events: $ids}) { events { attempts } errors { code } } }"
    version = {"source": "mlflow-prod", "type": "model_version", "id": "churn/1"}
    async with open_api(graph, tmp_path) as first:
        await first.load({"team": {"name": "ranking"}}, SOURCE)
        token = importer(first, "automation")
        ids = [
            each["id"] for each in (await post(first, [version, {**version, "id": "churn/2"}], token)).json()["events"]
        ]
        assert (await first.ask("root", take, ids=ids[1:]))["takeThinEvents"]["events"] == [{"attempts": 1}]
    async with open_api(graph, tmp_path) as second:
        report = await work(second, registry, token)
        assert (report.failed, dict(report.counts)) == (0, {"created": 1})
        states = {each["objectId"]: each for each in (await second.ask("ada", LIST))["thinEvents"]["nodes"]}
        assert (states["churn/1"]["state"], states["churn/1"]["actor"]) == ("DONE", "mlflow-import")
        assert (states["churn/2"]["state"], states["churn/2"]["attempts"]) == ("PENDING", 1)
        assert states["churn/2"]["dueAt"] is not None


def named_objects(kind: str) -> list[tuple[str, str]]:
    """Return type and id of each object of a source, from its file alone."""
    file = DBT / "manifest.json" if kind == "dbt" else FEAST
    content = json.loads(file.read_bytes())
    if kind == "dbt":
        sections = ("nodes", "sources", "exposures", "semantic_models", "metrics", "saved_queries")
        objects = [(each["resource_type"], uid) for section in sections for uid, each in content[section].items()]
        return [each for each in objects if each[0] != "test"]
    views = {"featureViews": "feature_view", "onDemandFeatureViews": "on_demand_feature_view"}
    sections_of = {**views, "featureServices": "feature_service", "entities": "entity", "dataSources": "data_source"}
    return [
        (object_type, each["spec"]["name"] if "spec" in each else each["name"])
        for section, object_type in sections_of.items()
        for each in content[section]
    ]


@pytest.mark.parametrize(("kind", "words"), [("dbt", (str(DBT), *OF_DBT)), ("feast", (str(FEAST), *OF_FEAST))])
async def test_events_of_files_make_the_graph_of_their_import(api: Api, kind: str, words: tuple[str, ...]) -> None:
    """After an event about each object, the import of the whole source changes nothing; an absent object waits."""
    token = api.tokens["ci-ranking"]
    source = {**SOURCE["workflow"], "id": f"mlg://workflow/ingest/default/{kind}-prod", "workflowKind": kind}
    await api.load({"team": {"name": "ranking"}}, {"workflow": source})
    address, *options = words
    named = [*named_objects(kind), (named_objects(kind)[0][0], "gone")]
    events = [{"source": f"{kind}-prod", "type": each, "id": name} for each, name in named]
    random.Random(3).shuffle(events)
    assert (await post(api, events, token)).status_code == 202
    async with serving(api.app) as at:
        here = ("--json", "--url", f"http://{at.removesuffix('/graphql')}", "--token", token)
        run = ("ingest", "run", f"{kind}-prod={kind}:{address}", "--once", *options, *here)
        worked = await asyncio.to_thread(CliRunner().invoke, commands, [*run])
        again = await asyncio.to_thread(CliRunner().invoke, commands, ["import", kind, address, *options, *here])
    assert worked.exit_code == 1
    failures = worked.stderr.splitlines()
    assert all(f"{named[-1][0]} gone: NOT_FOUND" in each for each in failures if each), worked.stderr
    summary = json.loads(again.stdout.splitlines()[-1])
    assert [summary[name] for name in ("created", "updated", "failed")] == [0, 0, 0]
    assert summary["unchanged"] > 0
    listed = (await api.ask("ada", LIST.replace("mlflow-prod", f"{kind}-prod")))["thinEvents"]["nodes"]
    states = {each["objectId"]: (each["state"], each["reason"]) for each in listed}
    assert states.pop("gone") == ("PENDING", "NOT_FOUND")
    assert {*states.values()} == {("DONE", None)}


async def test_the_commands_of_the_page_run(api: Api, tmp_path: Path) -> None:
    """The commands of docs/thin-events.md, after those that make the registry, give what its query then reads."""
    (commands,) = code_blocks("docs/thin-events.md", "sh")
    (query,) = code_blocks("docs/thin-events.md", "graphql")
    (registry,) = code_blocks("docs/mlflow.md", "sh")
    made = registry.partition("mlg import")[0]
    await api.load({"team": {"name": "ranking"}})
    async with serving(api.app) as address:
        here = f"http://{address.removesuffix('/graphql')}"
        text = f"{made}{commands}".replace("http://127.0.0.1:8000", here)
        for name, other in OF_THE_PAGE.items():
            text = text.replace(name, other)
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", text),
            cwd=tmp_path,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "MLG_TOKEN": importer(api, "automation"),
                "HOME": str(tmp_path),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    assert printed.splitlines()[-1].endswith(b"1 created, 0 updated, 0 unchanged, 0 failed")
    (node,) = (await api.ask("ada", query.replace("mlflow-prod", OF_THE_PAGE["mlflow-prod"])))["thinEvents"]["nodes"]
    assert node == {
        "state": "DONE",
        "objectType": "model_version",
        "objectId": "upsell/1",
        "outcome": "CREATED",
        "asset": {"id": "mlg://model-version/mlflow/default/upsell@1", "displayName": "upsell v1"},
    }
