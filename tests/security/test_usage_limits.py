"""What an operation may read and return is counted while it runs, also where its price is small."""

from collections.abc import AsyncIterator

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from graphql_schema.ports.operation_budget import UsageLimits


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return an API with a graph cache."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        yield api


@pytest.mark.parametrize("limit", ["values", "characters"])
async def test_nulls_under_long_aliases_count(api: Api, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of unstated size has a small price; the null of each alias is a value, and its key has characters."""
    urn = "mlg://dataset/test/default/wide"
    await api.load({"dataset": {"id": urn, "columns": [{"name": f"c{number}"} for number in range(40)]}})
    aliases = [f"{'a' * 60}{number}" for number in range(30)]
    selected = " ".join(f"{alias}: nullable" for alias in aliases)
    query = f'{{ node(id: "{urn}") {{ ... on Dataset {{ columns {{ {selected} }} }} }} }}'
    assert (await api.ask("ada", query))["node"]["columns"] == [dict.fromkeys(aliases)] * 40
    used = {"values": 1 + 30 * 40, "characters": len("columns") + 40 * sum(map(len, aliases))}[limit]
    for maximum, code in ((used, None), (used - 1, "LIMIT_EXCEEDED")):
        limits = UsageLimits(**{limit: maximum})
        monkeypatch.setattr("app.runtime.operation_context.UsageLimits", lambda limits=limits: limits)
        [error] = (await api.send("ada", query)).get("errors", [{"extensions": {"code": None, "limit": limit}}])
        assert (error["extensions"]["code"], error["extensions"]["limit"]) == (code, limit)
