"""Rebuilds the mixed index from the stored vertices; embedded store only, which serves no API meanwhile.

The work is done by the reindexing job of JanusGraph inside the JVM; this module starts the job and polls it.
"""

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
"""Seconds between two requests for the progress of the job."""

SELF_CHECKS: Final = 1
"""Number of vertices that :mod:`app.store.self_check` keeps in the embedded store; the result does not count them."""

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
"""Starts the job. Requests share no variables, so the job is kept among the system properties of the JVM.

Parameters: ``nodes`` is the name of the index, ``job`` the name of the system property.
"""

PROGRESS: Final = PreparedStatement.of(
    """
def running = System.properties[job]
if (running == null) throw new IllegalStateException('the store was restarted')
def done = running.isDone()
if (done) running.get()
def count = { running.getIntermediateResult()?.get(it) ?: 0 }
def of = org.janusgraph.diskstorage.keycolumnvalue.scan.ScanMetrics.Metric
[[done, count(of.SUCCESS), count(of.FAILURE)]]
""",
    "job",
)
"""Reads the progress of the job under the system property ``job``.

The response is one row ``[done, processed vertices, failed vertices]``. It is an error if the store was restarted.
"""

_JOB: Final = {"job": "mlgraph.reindexing"}


async def reindex(settings: Settings, report: Callable[[int], None]) -> int:
    """Rebuild the index and return the number of vertices processed, without that of the self-check.

    All vertices of the store count, also those that are not indexed, such as receipts. ``report`` is called with the
    number of vertices processed so far, including that of the self-check.

    Raises ConfigurationError if the store is not the embedded one, DataMissingError if there is no data, and
    DataInUseError if a process runs on the data. Raises StoreFailedError if vertices could not be indexed. If a run
    fails after it deleted the old index, every start of the store is refused until a later run succeeds.
    """
    if settings.store_url:
        raise ConfigurationError(
            "MLG_STORE_URL names an external store, which JanusGraph's management API must reindex. Unset "
            "MLG_STORE_URL to reindex the embedded store."
        )
    async with EmbeddedStore(settings, store_schema(), reindexing=True) as store:
        async with GremlinClient(store.endpoint, deadline=settings.store_deadline) as client:
            count = await _run(client, report)
        index.finish_rebuild(store.folder)
    return count


async def _run(client: GremlinClient, report: Callable[[int], None]) -> int:
    """Start the job, report its progress until it is done, and return the number of vertices."""
    await client.submit(BEGIN, {"nodes": INDEX, **_JOB}, writes=True)
    while True:
        ((done, count, failed),) = await client.submit(PROGRESS, _JOB)
        report(count)
        if failed:
            raise StoreFailedError(
                f"{failed} vertices could not be indexed; see the log of the store for the reasons, then reindex again."
            )
        if done:
            return int(count) - SELF_CHECKS
        await asyncio.sleep(PAUSE)
