"""The index of the distributed store has the settings of production, and returns each confirmed write."""

from pathlib import Path

import aiohttp
import pytest
from support.servers.distributed.cluster import Cluster
from support.servers.in_process import open_api
from support.stores.janusgraph import StoreGraph

pytestmark = pytest.mark.distributed

URNS = [f"mlg://dataset/index/default/d{number}" for number in range(10)]
LISTING = '{ assets(first: 50, filter: {name: {prefix: "d"}}) { nodes { id } } }'


async def test_each_write_is_listed_by_every_server(graph: StoreGraph, tmp_path: Path) -> None:
    """A listing after a confirmed write has the asset, by whichever server the listing is read."""
    async with open_api(graph, tmp_path) as api:
        for count, urn in enumerate(URNS, 1):
            await api.load({"dataset": {"id": urn}})
            for _ in range(2):
                found = (await api.ask("root", LISTING))["assets"]["nodes"]
                assert sorted(node["id"] for node in found) == URNS[:count]


async def test_the_index_has_the_settings_of_production(cluster: Cluster, graph: StoreGraph) -> None:
    """Elasticsearch refreshes the index of a new graph every 100 ms, so that a confirmed write waits no second."""
    url = f"http://127.0.0.1:{cluster.backends.elasticsearch}/{graph.source}_nodes/_settings"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        (found,) = (await response.json()).values()
    assert found["settings"]["index"]["refresh_interval"] == "100ms"
    assert found["settings"]["index"]["number_of_replicas"] == "0"
