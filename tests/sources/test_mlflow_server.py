"""A tracking server of MLflow over HTTP: what `mlg import mlflow` makes of it, and of what changes there."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sources.conftest import Command
from sources.programs import BIN, run, tracking_server
from support.estates.mlflow_registry import DATA, RANKING, importer, maker
from support.oracles.mlflow_graph import GraphOfRegistry, read_registry
from support.servers.in_process import Api

pytestmark = pytest.mark.sources

EXPECTED: dict[str, Any] = json.loads((DATA / "expected.json").read_bytes())
CHURN = "mlg://model/mlflow/default/churn"
ALIASES = "query ($id: ID!) { asset(id: $id) { ... on Model { aliases { name } } } }"


async def graph_of(api: Api) -> GraphOfRegistry:
    """Return the imported graph as an administrator with break-glass reads it."""
    return await read_registry(partial(api.ask, "root breaking glass"))


async def test_a_tracking_server_becomes_the_graph_and_what_changes_there_follows(
    api: Api, mlg: Command, tmp_path: Path
) -> None:
    """The graph is that of plain SQL; the next import sends what changed alone, and ends what the server lost."""
    database, state = tmp_path / "registry.db", tmp_path / "state.db"
    await run(tmp_path, str(BIN / "python"), str(DATA / "make_registry.py"), str(database))
    token = importer(api, "automation", "approver", "engineer")
    async with tracking_server(database) as server:
        words = ("import", "mlflow", server, "--owner", RANKING, "--state", str(state), "--retire")
        first = await mlg(token, *words)
        assert first["failed"] == 0
        graph = await graph_of(api)
        found = graph.expected()
        expected = {key: EXPECTED[key] for key in found}
        for model in (*found["models"].values(), *expected["models"].values()):
            model["description"] = model["description"] or None  # a server returns an absent one as empty
        assert found == expected
        again = await mlg(token, *words)
        counts = [again[name] for name in ("created", "updated", "failed", "keptAliases")]
        assert (counts, again["unchanged"] > 0) == ([0, 0, 0, 0], True)

        client = maker().MlflowClient(server, server)
        runs = {each["displayName"]: urn for urn, each in graph.runs.items()}
        gone = runs["churn-broken"].rpartition("/")[2]
        client.log_metric(runs["churn-logreg"].rpartition("/")[2], "auc", 0.99, step=1)
        client.delete_registered_model_alias("churn", "challenger")
        client.transition_model_version_stage("churn", "1", "Archived")
        client.delete_run(gone)
        client.delete_registered_model("abandoned")
        changed = await mlg(token, *words)
        assert (changed["failed"], changed["keptAliases"]) == (0, 0)
        assert changed["unchanged"] > changed["updated"] > 0
        after = await graph_of(api)
        stages = {
            urn: each["stage"] for kind in (after.runs, after.models, after.versions) for urn, each in kind.items()
        }
        archived = "mlg://model-version/mlflow/default/churn@1"
        ended = {runs["churn-broken"], runs["fraud-deleted"], archived}
        assert {urn for urn, stage in stages.items() if stage == "RETIRED"} == {
            *ended,
            "mlg://model/mlflow/default/abandoned",
        }
        assert {"name": "auc", "value": 0.99, "slice": None} in after.runs[runs["churn-logreg"]]["metrics"]
        aliases = (await api.ask("root", ALIASES, id=CHURN))["asset"]["aliases"]
        assert [each["name"] for each in aliases] == ["champion", "previous"]
        client.restore_run(gone)
        await mlg(token, *words)
        assert (await graph_of(api)).runs[runs["churn-broken"]]["stage"] == "ACTIVE"
