"""`mlg serve` with `MLG_STORE_URL` at one server of the distributed store, as a process that is killed."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.servers.distributed.cluster import Cluster
from support.servers.server_process import Serving, register

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(600)]

LISTING = '{ assets(first: 500, filter: {name: {prefix: "served"}}) { totalCount } }'


def items(call: int) -> list[dict[str, Any]]:
    """Return the items of a call."""
    return [{"dataset": {"id": f"mlg://dataset/served/default/served-{call}-{number}"}} for number in range(20)]


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
