"""`mlg serve` with MLG_WORKERS=2 over one JanusGraph: two real processes write at once, and one is killed meanwhile."""

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.servers.server_process import Serving, register
from support.stores.janusgraph import store_settings, url_with_user_info
from support.waiting import until

from app.graph.admin.store_schema import store_schema
from app.store.embedded.embedded_store import EmbeddedStore

pytestmark = pytest.mark.long

CALLERS, CALLS = 6, 25
SOURCE = "mlg://dataset/workers/default/source-"
QUERY = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Dataset { id derivedFrom(first: 200) { nodes { id } } } } }"


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[Serving]:
    """Run two workers over a JanusGraph that this process started."""
    async with EmbeddedStore(store_settings(tmp_path / "store"), store_schema()) as store:
        url = url_with_user_info(store.endpoint)
        serving = Serving(tmp_path / "api", {"MLG_STORE_URL": url, "MLG_WORKERS": "2"})
        await serving.start()
        try:
            yield serving
        finally:
            await serving.stop()


def workers(serving: Serving) -> list[int]:
    """Return the pids of the worker processes."""
    return [int(pid) for pid in Path(f"/proc/{serving.pid}/task/{serving.pid}/children").read_text().split()]


async def write(url: str, headers: dict[str, str], items: list[Any], key: str) -> None:
    """Register items over a fresh connection; without a response, repeat the call under its key until there is one."""

    async def confirmed() -> bool:
        async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
            return await register(http, url, items, key) is not None

    await until(confirmed)


async def test_a_killed_worker_loses_nothing_and_is_replaced(serving: Serving) -> None:
    """Callers write to shared datasets over both workers; after a kill, both show all confirmed edges."""
    headers = serving.headers()
    expected: defaultdict[str, set[str]] = defaultdict(set)
    first, second = workers(serving)

    async def caller(number: int) -> None:
        for call in range(CALLS):
            urn, source = f"mlg://dataset/workers/default/d{(number + call) % 9}", f"{SOURCE}{number}-{call}"
            link = {"relation": "DERIVES", "from": source, "to": urn}
            await write(serving.url, headers, [{"dataset": {"id": source}}, {"link": link}], f"{number}-{call}")
            expected[urn].add(source)
            if (number, call) == (0, CALLS // 2):
                os.kill(first, signal.SIGKILL)

    await asyncio.gather(*map(caller, range(CALLERS)))
    await until(lambda: len(workers(serving)) == 2)
    assert second in workers(serving)
    await serving.ready()
    for _ in range(6):  # fresh connections reach both workers
        async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
            body = {"query": QUERY, "variables": {"ids": sorted(expected)}}
            nodes = (await http.post(f"{serving.url}/graphql", json=body)).json()["data"]["nodes"]
        found = {node["id"]: {each["id"] for each in node["derivedFrom"]["nodes"]} for node in nodes}
        assert found == expected


async def test_workers_end_with_their_parent(serving: Serving) -> None:
    """When the server is killed, its workers end too, so that none serves without limits and supervision."""
    pids = workers(serving)
    assert len(pids) == 2
    serving.kill_api()
    await serving.gone()
    await until(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()])


async def test_workers_need_a_store_that_they_can_share(tmp_path: Path) -> None:
    """Without MLG_STORE_URL the command ends with one line that says what to set."""
    serving = Serving(tmp_path, {"MLG_WORKERS": "2"})
    with pytest.raises(AssertionError, match="ended"):
        await serving.start()
    assert "set MLG_STORE_URL to a JanusGraph, or MLG_WORKERS to 1" in serving.output.read_text()
