"""Faults of the parts of the distributed store during a load: nothing confirmed is lost, and no call has two effects.

Each test prints what the clients saw. They repeat failed calls with the same idempotency key.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest
from support.servers.distributed.cluster import Cluster
from support.servers.distributed.component import report
from support.servers.distributed.repeated_load import CLIENTS, RepeatedLoad
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.waiting import until

from policies.errors import CodedError

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(900)]

STOPPED_SECONDS = 20.0
"""Seconds for which a part of the store is stopped."""


@pytest.fixture
async def api(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Api]:
    """Run the API without a cache over the graph that the servers open at their start."""
    graph = StoreGraph(cluster.urls[0], "g", tuple(cluster.urls[1:]))
    async with open_api(graph, tmp_path, MLG_CACHE_MB="0") as opened:
        await ready(opened)
        yield opened


async def ready(api: Api) -> None:
    """Wait until the store is ready, with every server and a complete index."""
    begun = monotonic()

    async def succeeds() -> bool:
        try:
            await api.process.opened.readiness.check()
        except CodedError:
            return False
        return not any(server.ejected_at for server in api.client.pool.servers)

    await until(succeeds, within=300)
    report(f"ready after {monotonic() - begun:.1f} s")


async def stopped_for(seconds: float) -> None:
    """Return after some seconds, during which a part of the store is stopped."""
    end = monotonic() + seconds
    await until(lambda: monotonic() >= end, within=2 * seconds)


async def test_a_killed_janusgraph_fails_no_read(cluster: Cluster, api: Api) -> None:
    """While one of two JanusGraph servers is killed and started again, no read fails, and the other server writes."""
    load = RepeatedLoad(api, "janusgraph")
    async with load.running():
        await cluster.janusgraphs[0].kill()
        await load.more(CLIENTS)
        await cluster.janusgraphs[0].start()
    await load.check()
    assert load.reads.failures == []
    assert api.client.pool.servers[0].ejections > 0
    assert api.client.pool.servers[1].ejections == 0
    await ready(api)
    assert await load.listed() == set(load.urns)


async def test_a_stopped_janusgraph_fails_no_read(cluster: Cluster, api: Api) -> None:
    """While one of two JanusGraph servers accepts requests and returns nothing, the other one serves all reads."""
    load = RepeatedLoad(api, "silent")
    async with load.running():
        cluster.janusgraphs[1].pause()
        try:
            await stopped_for(STOPPED_SECONDS)
        finally:
            cluster.janusgraphs[1].resume()
    await load.check()
    assert load.reads.failures == []
    assert api.client.pool.servers[1].ejections > 0
    await ready(api)
    assert await load.listed() == set(load.urns)


async def test_a_killed_cassandra_loses_and_doubles_nothing(cluster: Cluster, api: Api) -> None:
    """While the only node of Cassandra is killed and started again, calls fail; then each item is stored once."""
    load = RepeatedLoad(api, "cassandra")
    async with load.running():
        await cluster.cassandra.kill()
        await cluster.cassandra.start()
    await load.check()
    await ready(api)
    assert await load.listed() == set(load.urns)


async def test_a_stopped_cassandra_loses_and_doubles_nothing(cluster: Cluster, api: Api) -> None:
    """While the only node of Cassandra accepts requests and returns nothing, calls wait or fail; nothing is lost."""
    load = RepeatedLoad(api, "slow")
    async with load.running():
        cluster.cassandra.pause()
        try:
            await stopped_for(STOPPED_SECONDS)
        finally:
            cluster.cassandra.resume()
    await load.check()
    await ready(api)
    assert await load.listed() == set(load.urns)


async def test_a_killed_elasticsearch_is_repaired(cluster: Cluster, api: Api) -> None:
    """While Elasticsearch is killed, no write and no read by id fails; then the job indexes what was written."""
    load = RepeatedLoad(api, "elasticsearch")
    state = api.coordinator.index_state
    async with load.running():
        await cluster.elasticsearch.kill()
        await load.more(2 * CLIENTS)
        with pytest.raises(CodedError):
            await api.process.opened.readiness.check()
        await cluster.elasticsearch.start()
    begun = monotonic()
    await ready(api)
    await until(lambda: state.lag == 0, within=120)
    report(f"index complete after {monotonic() - begun:.1f} s, {state.differing} documents were repaired")
    assert state.differing > 0
    assert state.failed == 0
    assert load.writes.failures == []
    assert load.reads.failures == []
    await load.check()
    assert await load.listed() == set(load.urns)
