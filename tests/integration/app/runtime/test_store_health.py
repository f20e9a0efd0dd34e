"""The health of a running embedded store: its JVM, its disk and its starts."""

from app.graph.driver.gremlin_client import GremlinClient
from app.runtime.readiness import Readiness
from app.runtime.store_health import StoreHealth
from app.store.embedded.embedded_store import EmbeddedStore


async def test_the_jvm_of_the_store_is_sampled(janusgraph: EmbeddedStore) -> None:
    """Heap, collections, threads and disk are those of the process: possible numbers, and a heap within its maximum."""

    async def probe() -> None:
        return

    async with GremlinClient(janusgraph.endpoint, host=janusgraph) as client:
        health = StoreHealth(client, Readiness(probe, client.refuse_outage))
        await health.sample()
    found = {family.name: family.samples[0].value for family in health.metrics()}
    assert found["mlg_store_ready"] == 1
    assert 10_000_000 < found["mlg_jvm_heap_used_bytes"] <= found["mlg_jvm_heap_max_bytes"]
    assert 5 < found["mlg_jvm_threads"] < 1_000
    assert found["mlg_jvm_gc_seconds"] >= 0
    assert found["mlg_store_starts"] == janusgraph.starts
    assert found["mlg_store_free_bytes"] > 0
