"""Checks the mixed index, and rebuilds it from the stored vertices; embedded store only, which serves no API meanwhile.

The work is done by the reindexing job of JanusGraph inside the JVM; this module starts the job and polls it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from app.graph.admin.schema_steps import SchemaPath
from app.graph.admin.schema_upgrade import SchemaUpgrade
from app.graph.admin.store_probe import StoreProbe
from app.graph.admin.store_schema import store_schema
from app.graph.admin.stored_schema import STATE, read_stored_schema
from app.graph.commits.write_statements import INDEX_MARK
from app.graph.driver.errors import StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.native.mixed_index import INDEX
from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.errors import IndexIncompleteError, StoreReason
from app.store.self_check import VERTEX_ID
from app.store.store_endpoint import StoreEndpoint
from policies.errors import ConfigurationError

_log = structlog.get_logger(__name__)

PAUSE: Final = 0.5
"""Seconds between two requests for the progress of the job."""

LOGGED_STEP: Final = 1_000
"""Vertices between two log lines."""

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
    name="reindex",
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
    name="reindex",
)
"""Reads the progress of the job under the system property ``job``.

The response is one row ``[whether the job has ended, count of processed vertices, count of failed vertices]``. The
request fails if the job failed, or if the store was restarted after the job began.
"""

_SELF_CHECKS: Final = PreparedStatement.traversal(g.V(param("xs")).count(), "reindex")
"""Counts the stored vertices among the vertex ids ``xs``, which are those of the self-check."""

_JOB: Final = {"job": "mlgraph.reindexing"}


async def reindex(settings: Settings, report: Callable[[int], None]) -> int:
    """Rebuild the index and return the number of vertices processed, without those of the self-check.

    All vertices of the store count, also those that are not indexed, such as receipts. ``report`` is called with the
    number of vertices processed so far, including those of the self-check.

    Raises ConfigurationError if ``settings.store_url`` is set, and StoreFailedError if vertices could not be indexed.
    Raises the errors of :mod:`app.store.errors` if the store does not start, such as DataMissingError without data and
    DataInUseError if another process runs on the data. Raises the errors of the driver too. If a run fails after it
    deleted the old index, the next start of the store rebuilds the index.
    """
    if settings.store_url:
        raise ConfigurationError(
            "MLG_STORE_URL names an external store, which JanusGraph's management API must reindex. Unset "
            "MLG_STORE_URL to reindex the embedded store."
        )
    index = MixedIndex(settings.store_deadline, report)
    keeper = SchemaUpgrade(alone=True)
    async with EmbeddedStore(settings, store_schema(), index=index, keeper=keeper, reindexing=True):
        return index.count


class EachStep:
    """Passes the last multiple of ``step`` that a growing count reached to ``show``, each once: 1000 for 1042."""

    def __init__(self, step: int, show: Callable[[int], None]) -> None:
        self._step = step
        self._show = show
        self._shown = 0

    def report(self, count: int) -> None:
        """Call ``show`` with the greatest multiple of ``step`` up to ``count``, unless it is 0 or was shown before."""
        if count >= self._shown + self._step:
            self._shown = count - count % self._step
            self._show(self._shown)


def _log_count(count: int) -> None:
    _log.info("store_index_rebuilding", vertices=count)


class MixedIndex:
    """Implements :class:`app.store.embedded.index_files.IndexKeeper`.

    ``deadline`` is in seconds, for each request. ``report`` is called with the number of vertices processed so far; if
    it is None, each LOGGED_STEP vertices are logged. ``count`` is the number of vertices that the last completed
    rebuild processed, without those of the self-check; 0 before.
    """

    def __init__(self, deadline: float, report: Callable[[int], None] | None = None) -> None:
        self.count = 0
        self._deadline = deadline
        self._report = report
        self._was_rebuilt = False

    async def check(self, endpoint: StoreEndpoint) -> None:
        """Raise IndexIncompleteError if the probe of the store finds that the index is incomplete or not readable.

        The same is raised for a store with an unfinished copy, whose transactions the probe does not notice, unless the
        index was rebuilt just before. Raises StoreUnavailableError if the probe fails for another reason.
        """
        was_rebuilt, self._was_rebuilt = self._was_rebuilt, False
        async with GremlinClient(endpoint, deadline=self._deadline) as client:
            state = await read_stored_schema(client, SchemaPath(), INDEX)
            if state.copying is not None and not was_rebuilt:
                raise IndexIncompleteError("An interrupted copy may have stored what is not in the index.")
            try:
                await StoreProbe(client).check_index()
            except StoreFailedError as error:
                raise IndexIncompleteError(f"The index cannot be read: {error}") from error
            except StoreUnavailableError as error:
                if error.reason not in {StoreReason.INDEX, StoreReason.STORAGE}:
                    raise
                raise IndexIncompleteError(f"The index is incomplete or damaged: {error}") from error

    async def rebuild(self, endpoint: StoreEndpoint) -> None:
        """Index all vertices anew, report the progress, and set ``count``.

        Raises StoreFailedError if vertices could not be indexed, and the errors of the driver.
        """
        report = self._report or EachStep(LOGGED_STEP, _log_count).report
        async with GremlinClient(endpoint, deadline=self._deadline) as client:
            (own,) = await client.submit(_SELF_CHECKS, {"xs": [VERTEX_ID, INDEX_MARK, STATE]})
            self.count = await _run(client, report) - own
        self._was_rebuilt = True


async def _run(client: GremlinClient, report: Callable[[int], None]) -> int:
    """Start the job, report its progress, and return the number of vertices; raises StoreFailedError if one failed."""
    await client.submit(BEGIN, {"nodes": INDEX, **_JOB}, writes=True)
    while True:
        ((done, count, failed),) = await client.submit(PROGRESS, _JOB)
        report(count)
        if failed:
            raise StoreFailedError(
                f"{failed} vertices could not be indexed; see the log of the store for the reasons, then reindex again."
            )
        if done:
            return int(count)
        await asyncio.sleep(PAUSE)
