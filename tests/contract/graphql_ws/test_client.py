"""The npm client graphql-ws follows the subscription `changes` of a running server."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.npm_packages import install, run
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import serving
from support.stores.janusgraph import StoreGraph

FOLDER = Path(__file__).parent


@pytest.fixture
async def api(graph: StoreGraph, tmp_path: Path) -> AsyncIterator[Api]:
    """Return the API over an empty graph."""
    async with open_api(graph, tmp_path) as api:
        yield api


@pytest.fixture(scope="module")
def client() -> Path:
    """Return the folder with the locked npm packages."""
    install(FOLDER)
    return FOLDER


async def follow(client: Path, address: str, tokens: list[str], after: str, count: int) -> dict[str, Any]:
    """Run the client until it has ``count`` changes after the cursor; return its report."""
    environment = {"WS_URL": f"ws://{address}", "TOKENS": json.dumps(tokens), "AFTER": after, "COUNT": str(count)}
    report: dict[str, Any] = json.loads(await run(client / "follow.mjs", environment=environment))
    return report


async def test_the_client_follows_the_changes(client: Path, api: Api) -> None:
    """With an invalid token and then a valid one, the client gets every change after its cursor, in order."""
    await api.load(*({"dataset": {"id": f"mlg://dataset/test/default/d{number}"}} for number in range(40)))
    listed = (await api.ask("ada", "{ changes(first: 40) { nodes { id cursor } } }"))["changes"]["nodes"][::-1]
    async with serving(api.app) as address:
        tokens = ["refused", api.tokens["ada"]]
        report = await follow(client, address, tokens, listed[0]["cursor"], 39)
    assert report["changes"] == [change["id"] for change in listed[1:]]
    assert report["closed"][0] == 4403
    assert report["refused"] == "BAD_REQUEST"
