"""SIGKILL to the JVM of the store during a load: callers get an error, the store restarts, confirmed items are kept."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
from support.servers.in_process import REGISTER
from support.stores.janusgraph import store_settings, url_with_user_info
from support.waiting import until

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.factory import create_app
from app.graph.admin.store_schema import store_schema
from app.runtime.process import Process
from app.store.embedded.embedded_store import EmbeddedStore

ASSETS, BATCH = 600, 50


def _batches() -> list[list[dict[str, Any]]]:
    urns = [f"mlg://dataset/crash/default/d{number}" for number in range(ASSETS)]
    items = [{"dataset": {"id": urn, "derivedFrom": urns[max(0, at - 3) : at]}} for at, urn in enumerate(urns)]
    return [items[start : start + BATCH] for start in range(0, ASSETS, BATCH)]


EDGES = sum(min(3, at) for at in range(ASSETS))


async def test_a_killed_store_restarts_with_all_confirmed_items(tmp_path: Path) -> None:
    """Calls during the outage get 503 with a code; confirmed items survive the restart, and a rerun adds the rest."""
    settings = store_settings(tmp_path)
    headers = {"Authorization": f"Bearer {DevIssuer(settings).mint(persona('root'))}"}
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(EmbeddedStore(settings, store_schema()))
        app = create_app(Process(replace(settings, store_url=url_with_user_info(store.endpoint))))
        await stack.enter_async_context(app.router.lifespan_context(app))
        http = await stack.enter_async_context(
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api", headers=headers)
        )

        async def send(query: str, **variables: Any) -> httpx2.Response:
            return await http.post("/graphql", json={"query": query, "variables": variables}, timeout=120)

        async def register(items: list[dict[str, Any]]) -> httpx2.Response:
            return await send(REGISTER, input={"items": items})

        done: list[str] = []
        refused: list[httpx2.Response] = []
        for number, items in enumerate(_batches()):
            if number == 4:
                assert store.jvm_pid is not None
                kill = asyncio.get_running_loop().call_later(0.02, os.kill, store.jvm_pid, signal.SIGKILL)
                assert not kill.cancelled()
            response = await register(items)
            if response.status_code == 200 and "errors" not in response.json():
                done += [item["dataset"]["id"] for item in items]
            else:
                refused.append(response)
        assert refused
        assert {response.status_code for response in refused} == {503}
        assert {response.json()["errors"][0]["extensions"]["code"] for response in refused} == {"STORE_UNAVAILABLE"}
        assert all(response.headers["retry-after"] for response in refused)

        async def ready() -> bool:
            return (await http.get("/health/ready")).status_code == 200

        await until(ready)
        for start in range(0, len(done), 100):
            ids = done[start : start + 100]
            found = (await send("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)).json()
            assert [node["id"] for node in found["data"]["nodes"]] == ids
        for items in _batches():
            payload = (await register(items)).json()["data"]["registerAssets"]
            assert payload["failed"] == 0
        assert await _counts(send) == (ASSETS, EDGES)


async def _counts(send: Any) -> tuple[int, int]:
    """Return the number of assets in the index and of edges between them, read page by page."""
    query = """query ($after: Cursor) { assets(first: 500, after: $after) { totalCount
      pageInfo { hasNextPage endCursor } nodes { hydration upstream { totalCount } } } }"""
    total, edges, after, more = 0, 0, None, True
    while more:
        page = (await send(query, after=after)).json()["data"]["assets"]
        assert all(node["hydration"] == "FULL" for node in page["nodes"])
        total, edges = page["totalCount"], edges + sum(node["upstream"]["totalCount"] for node in page["nodes"])
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return total, edges
