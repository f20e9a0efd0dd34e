"""`mlg import dbt` against a server: a real project, and one whose OpenLineage events name the same tables."""

import asyncio
import json
import shlex
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import serving
from support.source_tree import code_blocks
from support.stores.janusgraph import StoreGraph
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.ingest.sources.openlineage.event_names import EventNames

DATA = Path(__file__).parents[1] / "data"
SHOP, CHURN = DATA / "dbt/shop", DATA / "openlineage/dbt_churn"
EXPECTED: dict[str, Any] = json.loads((DATA / "openlineage/expected.json").read_text())
COMMAND = ("--namespace", "duckdb://shop.duckdb", "--no-owners", "--json")
OF_CHURN = ("--namespace", "duckdb://warehouse.duckdb", "--no-owners", "--json")

DATASETS = (
    """{ assets(first: 100, filter: {kinds: [DATASET], namespace: {eq: "warehouse.duckdb"}}) { nodes { id } } }"""
)

STATE = """query ($id: ID!) { asset(id: $id) { stage
  ... on Workflow { inputs { nodes { id } } outputs { nodes { id } } } ... on Report { inputs { nodes { id } } } } }"""

WALK = """query ($id: ID!) {
  lineage(roots: [$id], direction: DOWNSTREAM, maxDepth: 50, first: 500) { nodes { nodes { asset { id } } } } }"""


@pytest.fixture(scope="module")
async def url(api: Api) -> AsyncIterator[str]:
    """Return the address of a server of the API."""
    async with serving(api.app) as address:
        yield f"http://{address.removesuffix('/graphql')}"


async def run(token: str, url: str, *words: str) -> tuple[int, Any, str]:
    """Run a command; return its exit code, its summary, and what is on standard error."""
    result = await asyncio.to_thread(CliRunner().invoke, commands, [*words, "--url", url, "--token", token])
    return result.exit_code, json.loads(result.stdout.splitlines()[-1]), result.stderr


async def test_the_page_leads_from_artifacts_to_the_graph(api: Api, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command of docs/dbt.md imports real artifacts, its query reads them, and a repetition changes nothing."""
    (command,), (query,) = code_blocks("docs/dbt.md", "sh"), code_blocks("docs/dbt.md", "graphql")
    monkeypatch.chdir(SHOP)
    words = shlex.split(command)[1:]
    code, summary, errors = await run(api.tokens["ci-ranking"], url, *words, "--json")
    assert (code, summary["created"], summary["failed"]) == (0, 36, 0), errors
    assert summary["skipped"] == {"model skipped": 1, "test skipped": 3}
    found = (await api.ask("ada", query))["asset"]
    checks = {each["name"]: each["latestResult"]["status"] for each in found["checks"]["nodes"]}
    assert checks == {"freshness": "WARN", "orders_have_customers": "FAIL"}
    reports = {each["asset"]["displayName"] for each in found["lineage"]["nodes"]["nodes"]}
    assert {"Orders", "churn_model", "Revenue", "Average order"} <= reports
    code, summary, _ = await run(api.tokens["ci-ranking"], url, *words, "--json")
    counts = [summary[name] for name in ("created", "updated", "unchanged", "failed")]
    assert (code, counts) == (0, [0, 0, 36, 0])


async def test_owners_that_are_refused_fail_and_nothing_else(api: Api, url: str) -> None:
    """Unknown owners are named with their reason, the known one is set, and everything else is imported."""
    words = ("import", "dbt", str(SHOP / "target"), "--namespace", "duckdb://owned", "--json")
    code, summary, errors = await run(api.tokens["ci-ranking"], url, *words)
    assert (code, summary["failed"]) == (1, 5)
    assert "owners mlg://team/catalog/default/data-platform is not registered" in errors
    asked = """{ asset(id: "mlg://report/dbt/shop/exposure.shop.order_dashboard") { ownerTeam { id } } }"""
    assert (await api.ask("ada", asked))["asset"]["ownerTeam"] == {"id": "mlg://team/catalog/default/ranking"}


async def test_dbt_and_openlineage_meet_in_one_asset(api: Api, url: str, graph: StoreGraph, tmp_path: Path) -> None:
    """The tables of the artifacts are those of the recorded events, whichever came first, and neither loses a value."""
    token = api.tokens["ci-ranking"]
    steps = (("import", "openlineage", str(CHURN / "events.jsonl"), "--json"), ("import", "dbt", str(CHURN), *OF_CHURN))
    for step in steps:
        code, _, errors = await run(token, url, *step)
        assert code == 0, errors
    ids = {EventNames().dataset(*key.split("|")).urn: key for key in EXPECTED["dbt_churn"]["dataset_names"]}
    assert {each["id"] for each in (await api.ask("ada", DATASETS))["assets"]["nodes"]} == set(ids)
    source = EventNames().dataset("duckdb://warehouse.duckdb", "warehouse.main_raw.customers").urn
    below = {each["asset"]["id"] for each in (await api.ask("ada", WALK, id=source))["lineage"]["nodes"]["nodes"]}
    own = {urn.rpartition("/")[2] for urn in below if "/dbt/churn/" in urn}
    wanted = EXPECTED["dbt_churn_artifacts"]["downstream_of_source_customers"]
    assert own == {each for each in wanted if not each.startswith("test.")}
    async with open_api(graph, tmp_path) as other, serving(other.app) as address:
        there = f"http://{address.removesuffix('/graphql')}"
        for step in reversed(steps):
            code, _, errors = await run(other.tokens["ci-ranking"], there, *step)
            assert code == 0, errors
        ours = [each for each in await api.export() if "shop" not in str(each) and "team" not in each]
        assert by_id(await other.export()) == by_id(ours)


def by_id(items: Any) -> dict[str, Any]:
    """Return exported items by kind and id; the begin of links depends on the order of the imports."""
    found = {}
    for item in items:
        ((kind, values),) = item.items()
        parts = ("relation", "from", "to") if kind == "link" else ("id",)
        key = (kind, *(values.get(part) or values.get("name") for part in parts))
        found[str(key)] = {name: value for name, value in values.items() if name != "validFrom"}
    return found


async def test_what_the_project_no_longer_has_ends_on_request(api: Api, url: str, tmp_path: Path) -> None:
    """With `--end` a removed model and exposure end, others' assets stay, and they come back with the next import."""
    model, exposure = "model.shop.broken", "exposure.shop.churn_model"
    theirs = "mlg://report/dbt/shop/of-others"
    await api.load({"report": {"id": theirs, "reportKind": "chart"}})
    shutil.copytree(SHOP / "target", tmp_path / "target")
    manifest = json.loads((tmp_path / "target/manifest.json").read_text())
    del manifest["nodes"][model], manifest["exposures"][exposure]
    (tmp_path / "target/manifest.json").write_text(json.dumps(manifest))
    ids = [f"mlg://workflow/dbt/shop/{model}", f"mlg://report/dbt/shop/{exposure}", theirs]

    async def imported(folder: Path, *more: str) -> list[Any]:
        code, summary, errors = await run(api.tokens["ci-ranking"], url, "import", "dbt", str(folder), *COMMAND, *more)
        assert code == 0, errors
        return [summary["ended"], *[(await api.ask("ada", STATE, id=urn))["asset"] for urn in ids]]

    before = await imported(SHOP / "target")
    assert [each["stage"] for each in before[1:]] == ["ACTIVE"] * 3
    assert await imported(tmp_path / "target") == before
    none: dict[str, Any] = {"nodes": []}
    ended = [{"stage": "DEPRECATED", "inputs": none, "outputs": none}, {"stage": "DEPRECATED", "inputs": none}]
    assert await imported(tmp_path / "target", "--end") == [2, *ended, before[3]]
    assert await imported(tmp_path / "target", "--end") == [0, *ended, before[3]]
    assert await imported(SHOP / "target") == before
