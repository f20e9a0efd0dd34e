"""`mlg serve` with `MLG_STORE_URL` on the distributed store: a process that is killed, and two that write one asset."""

import asyncio
import os
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.servers.distributed.cluster import Cluster
from support.servers.server_process import Serving, register

ROUNDS = int(os.environ.get("ROUNDS", "20"))
"""Rounds of two writers on one id: ``make test-distributed ROUNDS=1000``."""

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(600)]

READ = "query ($id: ID!) { asset(id: $id) { revision } }"
LISTING = '{ assets(first: 500, filter: {name: {prefix: "written"}}) { totalCount } }'


def items(call: int) -> list[dict[str, Any]]:
    """Return the items of a call."""
    return [{"dataset": {"id": f"mlg://dataset/served/default/written-{call}-{number}"}} for number in range(20)]


async def test_a_killed_api_finds_its_writes_by_another_server(cluster: Cluster, tmp_path: Path) -> None:
    """After a kill, the API returns confirmed results again, also when it is started at the other JanusGraph server."""
    serving = Serving(tmp_path, {"MLG_STORE_URL": cluster.urls[0]})
    await serving.start()
    try:
        async with httpx2.AsyncClient(headers=serving.headers(), timeout=120, trust_env=False) as http:
            confirmed = [await register(http, serving.url, items(call), f"served {call}") for call in range(3)]
            serving.kill_api()
            await serving.gone()
            serving.environment["MLG_STORE_URL"] = cluster.urls[1]
            await serving.start()
            repeated = [await register(http, serving.url, items(call), f"served {call}") for call in range(3)]
            listed = (await http.post(f"{serving.url}/graphql", json={"query": LISTING})).json()
    finally:
        await serving.stop()
    assert [[each["outcome"] for each in results or []] for results in confirmed] == [["CREATED"] * 20] * 3
    assert repeated == confirmed
    assert listed["data"]["assets"]["totalCount"] == 60


@pytest.mark.timeout(300 + 5 * ROUNDS)
async def test_of_two_writers_in_two_processes_one_wins(cluster: Cluster, tmp_path: Path) -> None:
    """Two `mlg serve` over both servers write one revision of one id at once: one UPDATED in each round, one CONFLICT.

    The asset then has one revision for each round, and neither process lost a write.
    """
    store = {"MLG_STORE_URL": ",".join(cluster.urls)}
    both = [Serving(tmp_path / name, store) for name in ("first", "second")]
    urn = "mlg://dataset/served/default/contended"
    async with AsyncExitStack() as stack:
        for serving in both:
            stack.push_async_callback(serving.stop)
            await serving.start()
        clients = [
            await stack.enter_async_context(httpx2.AsyncClient(headers=serving.headers(), timeout=120, trust_env=False))
            for serving in both
        ]

        async def write(number: int, **fields: Any) -> str:
            item = {"dataset": {"id": urn, **fields}}
            (result,) = await register(clients[number], both[number].url, [item], None) or [{"outcome": "FAILED"}]
            outcome: str = result["outcome"]
            return outcome

        assert await write(0, description="0") == "CREATED"
        for revision in range(1, ROUNDS + 1):
            texts = [f"{revision} of {number}" for number in (0, 1)]
            written = [write(number, description=texts[number], expectedRevision=revision) for number in (0, 1)]
            assert Counter(await asyncio.gather(*written)) == {"UPDATED": 1, "CONFLICT": 1}, revision
        query = {"query": READ, "variables": {"id": urn}}
        found = [
            (await http.post(f"{serving.url}/graphql", json=query)).json()["data"]["asset"]["revision"]
            for http, serving in zip(clients, both, strict=True)
        ]
    assert found == [ROUNDS + 1] * 2
