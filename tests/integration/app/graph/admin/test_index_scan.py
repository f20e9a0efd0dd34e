"""The scan of all vertices, on a JanusGraph with its index in Lucene; tests/distributed covers Elasticsearch."""

import pytest
from support.servers.in_process import client_of, no_jobs, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.admin.index_repair import IndexNotComparableError
from app.graph.admin.index_scan import NEXT, IndexScan, repair_store
from app.graph.driver.errors import StoreFailedError
from app.graph.records.vertex_id import vertex_id
from app.settings import Settings
from policies.errors import ConfigurationError

JOB = {"job": "mlgraph.scan.test", "prefix": "mlgraph.scan."}
URNS = [f"mlg://dataset/scan/default/d{number}" for number in range(30)]


async def test_a_scan_returns_each_vertex_once(graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> None:
    """All stored vertices are returned, in parts, and the scan ends; it can be begun again, in the same order."""
    async with open_api(graph, tmp_path_factory.mktemp("keys"), no_jobs) as api, client_of(graph) as client:
        await api.load(*({"dataset": {"id": urn}} for urn in URNS))
        orders = []
        for _ in range(2):
            found: list[int] = []
            begins, done = True, False
            while not done:
                ((vids, done),) = await client.submit(NEXT, {**JOB, "begins": begins, "count": 7})
                assert len(vids) <= 7
                found += vids
                begins = False
            orders.append(found)
        with pytest.raises(StoreFailedError) as ended:
            await client.submit(NEXT, {**JOB, "begins": False, "count": 7})
    assert ended.value.classes == ("IllegalStateException",)
    assert orders[0] == orders[1]
    assert len(set(orders[0])) == len(orders[0])
    assert {vertex_id("default", urn) for urn in URNS} <= set(orders[0])


async def test_an_index_in_lucene_is_not_compared(graph: StoreGraph) -> None:
    """A scan of a store whose index is not in Elasticsearch is refused with advice."""
    await graph.run("g.addV('Dataset').property(T.id, 256L * 7).property('tenant', 'x').iterate()")
    async with client_of(graph) as client:
        with pytest.raises(IndexNotComparableError, match="JanusGraph's management"):
            await IndexScan(client).run()


async def test_the_embedded_store_is_refused() -> None:
    """Without MLG_STORE_URL the error names the command that rebuilds the index of the embedded store."""
    with pytest.raises(ConfigurationError, match="mlg store reindex"):
        await repair_store(Settings.from_env({}), lambda *_: None)
