"""`mlg import feast` against a server, with the registry of a real repository."""

import asyncio
import json
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api
from support.servers.websocket_client import serving
from support.source_tree import code_blocks
from typer.testing import CliRunner

from app.cli.command_line import commands

SHOP = Path(__file__).parents[1] / "data/feast/shop"
SERVICE = "mlg://feature-set/feast/shop/service%3Achurn_v1"

UPSTREAM = """query ($id: ID!) { asset(id: $id) { stage lineage(direction: UPSTREAM, filter: {kinds: [DATASET]}) {
  nodes { nodes { asset { id } } } } } }"""


@pytest.fixture(scope="module")
async def url(api: Api) -> AsyncIterator[str]:
    """Return the address of a server of the API."""
    async with serving(api.app) as address:
        yield f"http://{address.removesuffix('/graphql')}"


async def run(api: Api, url: str, *words: str) -> Any:
    """Run a command with the token of the pipelines of team ranking; return its summary, if it exits with 0."""
    given = [*words, "--json", "--url", url, "--token", api.tokens["ci-ranking"]]
    result = await asyncio.to_thread(CliRunner().invoke, commands, given)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


async def test_the_page_leads_from_a_registry_to_the_graph(
    api: Api, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The command of docs/feast.md imports it, its query reads it, a repetition changes nothing, and a service ends."""
    (command,), (query,) = code_blocks("docs/feast.md", "sh"), code_blocks("docs/feast.md", "graphql")
    words = shlex.split(command)[1:]
    monkeypatch.chdir(SHOP)
    summary = await run(api, url, *words)
    assert (summary["created"], summary["failed"], summary["skipped"]) == (14, 0, {"request source": 1})
    found = (await api.ask("ada", query))["asset"]
    features = {each["id"].rpartition("%3A")[2]: each for each in found["features"]["nodes"]}
    assert {name: each["dataType"] for name, each in features.items()} == {"orders": "INT64", "amount": "DOUBLE"}
    assert (found["entityKeys"], found["online"]) == (["customer_id"], True)
    service = (await api.ask("ada", UPSTREAM, id=SERVICE))["asset"]
    assert {each["asset"]["id"] for each in service["lineage"]["nodes"]["nodes"]} == {
        "mlg://dataset/s3/lake/features%2Fcustomer_orders.parquet",
        "mlg://dataset/feast/shop/orders_push",
        "mlg://dataset/openlineage/bigquery/acme.crm.profile",
    }
    again = await run(api, url, *words)
    assert [again[name] for name in ("created", "updated", "unchanged")] == [0, 0, 14]
    registry = json.loads((SHOP / "registry.json").read_text())
    (tmp_path / "registry.json").write_text(json.dumps({**registry, "featureServices": []}))
    monkeypatch.chdir(tmp_path)
    assert (await run(api, url, *words, "--end"))["ended"] == 1
    ended = (await api.ask("ada", UPSTREAM, id=SERVICE))["asset"]
    assert (ended["stage"], ended["lineage"]["nodes"]["nodes"]) == ("DEPRECATED", [])
