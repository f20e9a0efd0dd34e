"""A project that dbt builds in a real warehouse, and the events that the sender of OpenLineage for dbt posts of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sources.conftest import Command
from sources.programs import BIN, run
from support.servers.in_process import Api

pytestmark = pytest.mark.sources

SHOP = Path(__file__).parents[1] / "data/dbt/shop"
NAMESPACE, TABLE = "duckdb://shop.duckdb", "mlg://dataset/duckdb/shop.duckdb/"
OF_THE_SENDER = {f"{TABLE}shop.main_raw.purchases", f"{TABLE}shop.main_staging.stg_orders"}
"""Tables that only the sender names: it uses the name of a source, not its identifier, and names ephemeral models."""

TABLES = """{ assets(first: 100, filter: {kinds: [DATASET], namespace: {eq: "shop.duckdb"}}) { nodes { id
  ... on Dataset { columns { name } } } } }"""
CHECKS = """{ asset(id: "mlg://dataset/duckdb/shop.duckdb/shop.main_raw.orders") {
  checks(first: 5) { nodes { name latestResult { status } } } } }"""
RUNS = """{ assets(first: 100, filter: {kinds: [RUN], source: {eq: "openlineage"}}) {
  nodes { ... on Run { state inputs { nodes { id } } outputs { nodes { id } } } } } }"""


@pytest.fixture
async def target(tmp_path: Path) -> Path:
    """Build the project as docs/dbt.md says, and return its target folder; one of its models and one test fail."""
    folder = tmp_path / "shop"
    shutil.copytree(SHOP, folder, ignore=shutil.ignore_patterns("target", "*.duckdb"))
    dbt, built = str(BIN / "dbt"), folder / "target/run_results.json"
    await run(folder, dbt, "seed", "--profiles-dir", ".")
    await run(folder, dbt, "build", "--exclude", "resource_type:seed", "--profiles-dir", ".", accepted=(1,))
    results = built.read_bytes()
    await run(folder, dbt, "source", "freshness", "--profiles-dir", ".")
    await run(folder, dbt, "docs", "generate", "--profiles-dir", ".", accepted=(0, 1))
    built.write_bytes(results)
    return folder / "target"


def tables(target: Path) -> set[str]:
    """Return the ids of the tables of a project, by plain Python over its manifest."""
    manifest = json.loads((target / "manifest.json").read_text())
    built = [each for each in manifest["nodes"].values() if each["resource_type"] in {"model", "seed", "snapshot"}]
    stored = [each for each in built if each["config"]["materialized"] != "ephemeral"]
    names = [(each["database"], each["schema"], each["alias"]) for each in stored]
    names += [(each["database"], each["schema"], each["identifier"]) for each in manifest["sources"].values()]
    return {f"{TABLE}{'.'.join(name)}" for name in names}


async def stored(api: Api) -> dict[str, Any]:
    """Return the columns of each table in the graph, by id."""
    return {each["id"]: each["columns"] for each in (await api.ask("ada", TABLES))["assets"]["nodes"]}


async def test_artifacts_and_events_of_a_build_meet_in_one_graph(
    api: Api, mlg: Command, url: str, target: Path
) -> None:
    """The artifacts give each table with its checks; the events of the unchanged sender add runs to the same tables."""
    token = api.tokens["ci-ranking"]
    words = ("import", "dbt", str(target), "--namespace", NAMESPACE, "--no-owners")
    first, again = await mlg(token, *words), await mlg(token, *words)
    assert first["created"] == again["unchanged"] > len(tables(target))
    assert [again[name] for name in ("created", "updated", "failed")] == [0, 0, 0]
    of_artifacts = await stored(api)
    assert {*of_artifacts} == tables(target)
    checks = (await api.ask("ada", CHECKS))["asset"]["checks"]["nodes"]
    assert {each["name"]: each["latestResult"]["status"] for each in checks} == {
        "freshness": "WARN",
        "orders_have_customers": "FAIL",
    }
    auth = json.dumps({"type": "api_key", "apiKey": token})
    await run(
        target.parent,
        *(str(BIN / "dbt-ol"), "build", "--exclude", "resource_type:seed", "--profiles-dir", "."),
        accepted=(0, 1),
        OPENLINEAGE__TRANSPORT__TYPE="http",
        OPENLINEAGE__TRANSPORT__URL=url,
        OPENLINEAGE__TRANSPORT__AUTH=auth,
    )
    assert (await stored(api)).keys() == of_artifacts.keys() | OF_THE_SENDER
    runs = (await api.ask("ada", RUNS))["assets"]["nodes"]
    written = {each["id"] for one in runs if one["state"] == "COMPLETE" for each in one["outputs"]["nodes"]}
    read = {each["id"] for one in runs for each in one["inputs"]["nodes"]}
    assert f"{TABLE}shop.main_marts.daily_orders" in written & of_artifacts.keys()
    assert read & of_artifacts.keys()
    assert written | read <= of_artifacts.keys() | OF_THE_SENDER
