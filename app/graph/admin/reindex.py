"""The mixed index made again from the vertices, by JanusGraph's own job; on the embedded store, unused meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Final

from app.graph.admin.store_schema import INDEX, store_schema
from app.graph.driver.errors import StoreFailedError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.settings import Settings
from app.store.embedded import index_files as index
from app.store.embedded.embedded_store import EmbeddedStore
from policies.errors import ConfigurationError

PAUSE: Final = 0.5
"""Seconds between two looks at the job."""

SELF_CHECKS: Final = 1
"""Vertices that every store keeps for its self-check and nobody put in."""

BEGIN: Final = PreparedStatement.of(
    """
def management = g.getGraph().openManagement()
def found = management.getGraphIndex(nodes)
System.properties[job] = management.updateIndex(found, org.janusgraph.core.schema.SchemaAction.REINDEX)
management.commit()
[true]
""",
    "nodes",
    "job",
)
"""Begins; a request has no memory, so the job is kept among the properties of the JVM."""

PROGRESS: Final = PreparedStatement.of(
    """
def running = System.properties[job]
if (running == null) throw new IllegalStateException('the store was started anew')
def done = running.isDone()
if (done) running.get()
def count = { running.getIntermediateResult()?.get(it) ?: 0 }
def of = org.janusgraph.diskstorage.keycolumnvalue.scan.ScanMetrics.Metric
[[done, count(of.SUCCESS), count(of.FAILURE)]]
""",
    "job",
)
"""Whether it is done, and how many vertices went in, and how many did not."""

_JOB: Final = {"job": "mlgraph.reindexing"}


async def reindex(settings: Settings, tell: Callable[[int], None]) -> int:
    """Make the index again and return how many vertices it went over; ``tell`` hears how many so far.

    Raises DataMissingError where there are none, DataInUseError while a process runs on the data, ConfigurationError
    where the store is not the embedded one, and StoreFailedError; what does not come to its end leaves an index that no
    store starts with.
    """
    if settings.store_url:
        raise ConfigurationError(
            "MLG_STORE_URL names a store that others run: reindex it there, by JanusGraph's management, or unset it."
        )
    async with EmbeddedStore(settings, store_schema(), reindexing=True) as store:
        async with GremlinClient(store.url, deadline=settings.store_deadline) as client:
            count = await _run(client, tell)
        index.finish_rebuild(store.folder)
    return count


async def _run(client: GremlinClient, tell: Callable[[int], None]) -> int:
    await client.submit(BEGIN, {"nodes": INDEX, **_JOB}, writes=True)
    while True:
        ((done, count, failed),) = await client.submit(PROGRESS, _JOB)
        tell(count)
        if failed:
            raise StoreFailedError(f"{failed} vertices could not be indexed; the log of the store says why.")
        if done:
            return int(count) - SELF_CHECKS
        await asyncio.sleep(PAUSE)
