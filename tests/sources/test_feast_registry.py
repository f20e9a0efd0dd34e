"""A registry that Feast writes for a repository, and writes again after a change."""

import json
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import pytest
from sources.conftest import Command
from sources.programs import run
from support.servers.in_process import Api
from support.source_tree import code_blocks

pytestmark = pytest.mark.sources

SHOP = Path(__file__).parents[1] / "data/feast/shop"
SERVICE = "mlg://feature-set/feast/shop/service%3Achurn_v1"
SET = "mlg://feature-set/feast/shop/order_features"
STAGES = """query ($service: ID!, $set: ID!) { service: asset(id: $service) { stage }
  set: asset(id: $set) { stage ... on FeatureSet { features { nodes { name } } derivedFrom { nodes { id } } } } }"""
OTHER_EACH_TIME = {"createdTimestamp", "lastUpdatedTimestamp", "infra"}
"""Keys whose values are instants, or paths of the machine."""


def plain(value: Any) -> Any:
    """Return JSON without what differs from run to run, and with every list in one order."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if key not in OTHER_EACH_TIME}
    if isinstance(value, list):
        return sorted((plain(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


async def dumped(folder: Path) -> Any:
    """Run the commands of the page in a repository, without access to its warehouses; return the registry."""
    (commands,) = code_blocks("docs/feast.md", "console")
    script = commands.replace("$ ", "").replace("feast apply", "feast apply --skip-source-validation")
    await run(folder, "sh", "-euc", script)
    assert (folder / "registry.db").stat().st_size > 0
    return json.loads((folder / "registry.json").read_text())


async def test_a_registry_that_feast_writes_becomes_the_graph(api: Api, mlg: Command, tmp_path: Path) -> None:
    """Its dump is the committed one; it imports, a repetition changes nothing, and a removed service ends."""
    folder = tmp_path / "shop"
    copytree(SHOP, folder, ignore=ignore_patterns("*.json", "*.db", "__pycache__"))
    registry = await dumped(folder)
    assert plain(registry) == plain(json.loads((SHOP / "registry.json").read_text()))
    words = ("import", "feast", str(folder / "registry.json"), "--namespace", "snowflake://acme", "--no-owners")
    token = api.tokens["ci-ranking"]
    first, again = await mlg(token, *words), await mlg(token, *words)
    assert (first["created"], again["unchanged"], again["created"], again["updated"]) == (14, 14, 0, 0)
    found = await api.ask("ada", STAGES, service=SERVICE, set=SET)
    assert found["service"] == {"stage": "ACTIVE"}
    assert sorted(each["name"] for each in found["set"]["features"]["nodes"]) == [
        "order_features:amount",
        "order_features:orders",
    ]
    source = folder / "features.py"
    source.write_text(source.read_text().partition("churn_v1 = FeatureService(")[0])
    assert "featureServices" not in await dumped(folder)
    assert (await mlg(token, *words, "--end"))["ended"] == 1
    left = await api.ask("ada", STAGES, service=SERVICE, set=SET)
    assert left == {"service": {"stage": "DEPRECATED"}, "set": found["set"]}
