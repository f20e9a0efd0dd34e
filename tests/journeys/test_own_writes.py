"""Payloads and later fields of an operation read the state that the operation has written."""

from collections.abc import AsyncIterator

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

DATA = "mlg://dataset/test/default/d"
MODEL = "mlg://model/test/default/m"
TEAM = "mlg://team/catalog/default/ranking"

STATE = """results { outcome asset { id ... on Asset { description owners { owner { ... on Team { name } } } }
... on Model { inputs { nodes { id } } } } }"""
TWICE = f"""mutation ($a: RegisterAssetsInput!, $b: RegisterAssetsInput!) {{
  a: registerAssets(input: $a) {{ {STATE} }} b: registerAssets(input: $b) {{ {STATE} }} }}"""


@pytest.fixture
async def api(graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over an empty graph."""
    async with open_api(graph, tmp_path_factory.mktemp("keys")) as api:
        yield api


async def test_payload_contains_the_written_state(api: Api) -> None:
    """The payload has values, owners and edges of a new asset, and a second mutation field has the second state."""
    first = {"id": MODEL, "description": "one", "owners": [{"owner": TEAM}], "inputs": [DATA]}
    second = {"id": MODEL, "description": "two", "owners": [], "inputs": []}
    data = await api.ask("root", TWICE, a={"items": [{"model": first}]}, b={"items": [{"model": second}]})
    assert data["a"]["results"] == [
        {
            "outcome": "CREATED",
            "asset": {
                "id": MODEL,
                "description": "one",
                "owners": [{"owner": {"name": "ranking"}}],
                "inputs": {"nodes": [{"id": DATA}]},
            },
        }
    ]
    assert data["b"]["results"] == [
        {
            "outcome": "UPDATED",
            "asset": {"id": MODEL, "description": "two", "owners": [], "inputs": {"nodes": []}},
        }
    ]


async def test_payload_of_a_link_has_no_asset(api: Api) -> None:
    """A link is no asset, so the asset of its result is null."""
    query = (
        "mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { results { outcome asset { id } } } }"
    )
    link = {"relation": "FEEDS", "from": DATA, "to": MODEL}
    data = await api.ask("root", query, input={"items": [{"link": link}]})
    assert data["registerAssets"]["results"] == [{"outcome": "CREATED", "asset": None}]
