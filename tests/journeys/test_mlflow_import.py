"""A registry of MLflow, made by its own client, becomes the graph that plain SQL over its database expects."""

import asyncio
import json
import os
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.estates.mlflow_registry import DATA, RANKING, importer, make_registry, maker
from support.oracles.mlflow_graph import GraphOfRegistry, read_registry
from support.servers.in_process import Api
from support.servers.websocket_client import serving
from support.source_tree import code_blocks

from app.ingest.load.api_client import ApiClient
from app.ingest.load.batches import ItemResult
from app.ingest.load.import_state import ImportState
from app.ingest.load.incremental_load import IncrementalLoad
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_client import open_registry
from app.ingest.sources.mlflow.registry_import import RegistryImport

EXPECTED: dict[str, Any] = json.loads((DATA / "expected.json").read_bytes())
ROLES = ("automation", "approver")
SET_ALIAS = "mutation ($input: SetAliasInput!) { setAlias(input: $input) { changed errors { message } } }"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a registry."""
    return make_registry(tmp_path_factory.mktemp("registry"))


async def imported(api: Api, registry: Path, state: Path | None = None, **options: Any) -> list[ItemResult]:
    """Import a registry as a service account, and return the results.

    Options: ``stop_after`` a number of pages, ``retire``, and the ``roles`` of the account.
    """
    source = RegistryImport(open_registry(f"sqlite:///{registry}"), RegistryMapping(owner=RANKING))
    transport, token = httpx2.MockTransport(api.http.send), importer(api, *options.get("roles", ROLES))
    results: list[ItemResult] = []
    with ImportState(state, str(registry), "test") as opened:
        async with ApiClient("http://127.0.0.1:8000", token, transport=transport) as client:
            loading = IncrementalLoad(client, source, opened, retire=options.get("retire", False))
            number = 0
            async for page in loading.results():
                results += page
                number += 1
                if number == options.get("stop_after"):
                    break
    return results


async def graph_of(api: Api) -> GraphOfRegistry:
    """Return the graph of the registry as an administrator with break-glass reads it."""
    return await read_registry(partial(api.ask, "root breaking glass"))


async def test_the_graph_is_what_plain_sql_expects(api: Api, registry: Path, tmp_path: Path) -> None:
    """An import that is interrupted and continued gives what `expected.json` says, and a repetition changes nothing."""
    state = tmp_path / "state.db"
    await imported(api, registry, state, stop_after=9)
    first = await imported(api, registry, state)
    assert {each.outcome for each in first} <= {"CREATED", "UPDATED", "UNCHANGED"}, [r for r in first if r.reasons]
    graph = await graph_of(api)
    found = graph.expected()
    verdicts = {each["displayName"]: each["contamination"]["verdict"] for each in graph.evaluations.values()}
    assert verdicts == {
        "churn-logreg-model on churn_test": "CLEAN",
        "churn-forest-1-model on churn_test": "CLEAN",
        "churn-forest-2-model on churn_test": "CLEAN",
        "ltv-ridge-model on ltv_test": "CLEAN",
        "ltv-boost-model on ltv_test": "DIRECT",  # validation data shapes a model
    }
    assert found["counts"] == EXPECTED["counts"]
    assert found == {key: EXPECTED[key] for key in found}
    history = EXPECTED["metric_history"]
    assert graph.histories() == {
        name: {"points": len(values), "least": min(values), "greatest": max(values), "latest": values[-1]}
        if values != ["NaN"]
        else {"latest": "NaN"}
        for name, values in history.items()
    }
    again = await imported(api, registry, state)
    without = await imported(api, registry)
    assert {each.outcome for each in (*again, *without)} == {"UNCHANGED"}
    assert len(again) < len(without)
    assert (await graph_of(api)).expected() == found


async def test_what_the_account_may_not_do_is_reported(api: Api, registry: Path, tmp_path: Path) -> None:
    """Without the role approver each alias is DENIED with a reason, and nothing else; the next import tries again."""
    for _ in range(2):
        results = await imported(api, registry, tmp_path / "state.db", roles=("automation",))
        denied = [each for each in results if each.outcome == "DENIED"]
        assert len(denied) == EXPECTED["counts"]["aliases"]
        assert all("promote" in reason or "approver" in reason for each in denied for reason in each.reasons)
        assert {each.outcome for each in results} <= {"DENIED", "CREATED", "UNCHANGED"}


async def test_deleted_assets_are_retired_on_request(api: Api, registry: Path, tmp_path: Path) -> None:
    """What MLflow deletes is RETIRED on request, restored runs are ACTIVE, and assets of others stay as they are."""
    file, state = tmp_path / "registry.db", tmp_path / "state.db"
    shutil.copy(registry, file)
    roles = ("automation", "approver", "engineer")
    others = "mlg://model/mlflow/default/by%20hand"
    await api.register("ada", {"model": {"id": others, "owners": [{"owner": RANKING}]}})
    await imported(api, file, state, roles=roles)
    graph = await graph_of(api)
    runs = {each["displayName"]: urn for urn, each in graph.runs.items()}
    assert {each["stage"] for each in graph.runs.values()} == {"ACTIVE"}
    client = maker().MlflowClient(f"sqlite:///{file}", f"sqlite:///{file}")
    client.delete_run(runs["churn-broken"].rpartition("/")[2])
    client.delete_model_version("ltv", "2")
    client.delete_registered_model("abandoned")
    results = await imported(api, file, state, retire=True, roles=roles)
    assert {each.outcome for each in results} == {"UPDATED", "UNCHANGED"}, [each for each in results if each.reasons]
    ended = [runs["churn-broken"], runs["fraud-deleted"], "mlg://model/mlflow/default/abandoned"]
    assert await retired(api) == sorted([*ended, "mlg://model-version/mlflow/default/ltv@2"])
    client.restore_run(runs["churn-broken"].rpartition("/")[2])
    await imported(api, file, state, retire=True, roles=roles)
    assert runs["churn-broken"] not in await retired(api)
    again = await imported(api, file, state, retire=True, roles=roles)
    assert {each.outcome for each in again} == {"UNCHANGED"}


async def test_aliases_that_mlflow_removed_are_removed_on_request(api: Api, registry: Path, tmp_path: Path) -> None:
    """Only those of the import end: one that a person set, and one that a person moved since, stay."""
    file, state = tmp_path / "registry.db", tmp_path / "state.db"
    shutil.copy(registry, file)
    model = "mlg://model/mlflow/default/churn"
    await imported(api, file, state)
    before = await aliases(api, model)
    assert set(before) == {"champion", "challenger", "previous"}
    by_hand = {"model": model, "version": before["champion"]}
    for name in ("previous", "by-hand"):
        await api.ask("eli", SET_ALIAS, input={**by_hand, "alias": name})
    client = maker().MlflowClient(f"sqlite:///{file}", f"sqlite:///{file}")
    for name in ("challenger", "previous"):
        client.delete_registered_model_alias("churn", name)
    assert {each.outcome for each in await imported(api, file, state)} == {"UNCHANGED", "UPDATED"}
    assert "challenger" in await aliases(api, model)
    results = await imported(api, file, state, retire=True)
    assert [each.location for each in results if each.outcome == "UPDATED"] == [f"end of challenger of {model}"]
    assert await aliases(api, model) == dict.fromkeys(("champion", "previous", "by-hand"), before["champion"])
    assert {each.outcome for each in await imported(api, file, state, retire=True)} == {"UNCHANGED"}


async def aliases(api: Api, model: str) -> dict[str, str]:
    """Return the version of each alias of a model."""
    query = "query ($id: ID!) { asset(id: $id) { ... on Model { aliases { name version { id } } } } }"
    found = (await api.ask("root", query, id=model))["asset"]["aliases"]
    return {each["name"]: each["version"]["id"] for each in found}


async def retired(api: Api) -> list[str]:
    """Return the ids of the assets of MLflow that are RETIRED."""
    query = """{ assets(filter: {source: {eq: "mlflow"}, stages: [RETIRED]}, orderBy: {field: ID}) { nodes { id } } }"""
    return [each["id"] for each in (await api.ask("root", query))["assets"]["nodes"]]


async def test_the_commands_of_the_page_run(api: Api, tmp_path: Path) -> None:
    """The commands of docs/mlflow.md, in a shell with the real client, make the version that its query then reads."""
    (commands,) = code_blocks("docs/mlflow.md", "sh")
    (query,) = code_blocks("docs/mlflow.md", "graphql")
    folder = Path(sys.executable).parent
    async with serving(api.app) as address:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", commands.replace("import mlflow sqlite", f"import mlflow --url http://{address} sqlite")),
            cwd=tmp_path,
            env={
                "PATH": f"{folder}:{os.environ['PATH']}",
                "MLG_TOKEN": importer(api, "automation"),
                "HOME": str(tmp_path),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    assert printed.splitlines()[-1].endswith(b"0 failed")
    assert (await api.ask("ada", query))["asset"] == {
        "version": "1",
        "metrics": [{"name": "auc", "value": 0.83}],
        "trainingRun": {
            "displayName": "first",
            "state": "COMPLETE",
            "params": [{"key": "trees", "value": "100"}],
            "workflow": {"displayName": "Default"},
        },
    }
