"""Compares the index of an external store with all stored vertices, and indexes what is missing.

The vertices are read in the order of the storage, always from the first one: one server of JanusGraph holds the
position of the scan in its memory. If the server ends, the scan begins again and passes over the vertices up to the
last one that was compared. Writers are not stopped; what they write meanwhile is indexed by their own transactions.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from uuid import uuid4

import structlog

from app.graph.admin.index_repair import BATCH, RepairCounts, create_absent_index, repair
from app.graph.driver.errors import StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.settings import Settings
from app.store.growing_pauses import GrowingPauses, PausePolicy
from app.store.store_endpoint import external_endpoints
from policies.errors import ConfigurationError

_log = structlog.get_logger(__name__)

LOGGED: Final = 2_000
"""Least number of compared vertices between two reports."""

PASSED: Final = 20_000
"""Maximal number of vertices that one request passes over."""

PAUSES: Final = PausePolicy(first_pause=0.5, max_pause=30.0, good_uptime=60.0)
"""The pauses before a scan that failed continues."""

NEXT: Final = PreparedStatement.of(
    """
def graph = g.getGraph()
def now = System.currentTimeMillis()
def end = { key -> System.properties.remove(key).tx.rollback() }
if (begins) {
  System.properties.keySet().findAll {
    it.toString().startsWith(prefix) && now - System.properties[it].used > 600_000L
  }.each { end(it) }
  def tx = graph.newTransaction()
  System.properties[job] = [tx: tx, ids: graph.getVertexIDs(tx.getTxHandle())]
}
def scan = System.properties[job]
if (scan == null) throw new IllegalStateException('the store was restarted')
scan.used = now
def found = []
while (found.size() < count && scan.ids.hasNext()) {
  def x = scan.ids.next()
  if (graph.getIDManager().isUserVertexId(x)) found << x
}
def done = !scan.ids.hasNext()
if (done) end(job)
[[found, done]]
""",
    "job",
    "begins",
    "count",
    "prefix",
    name="index",
)
"""Reads the next ``count`` vertex ids of the scan under the system property ``job``, from the first if it ``begins``.

The response is one row ``[vertex ids, whether these are the last ones]``. The request fails with IllegalStateException
if the server was started after the scan began. A beginning scan ends those that were not continued for ten minutes;
``prefix`` is that of the names of all scans.
"""

_PREFIX: Final = "mlgraph.scan."


@dataclass
class IndexScan:
    """Compares all vertices with the index.

    ``last`` is the id of the last vertex that was compared; a scan with a given one continues after it. ``report`` is
    called with ``counts`` after each batch. ``pause`` waits for a number of seconds.
    """

    client: GremlinClient
    report: Callable[[RepairCounts], None] = lambda _: None
    last: int | None = None
    counts: RepairCounts = field(default_factory=RepairCounts)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> RepairCounts:
        """Compare all vertices after ``last``, and return the counts.

        While the store is unavailable the scan waits, and then continues after ``last``. If ``last`` is not stored, it
        begins with the first vertex. Raises StoreFailedError if the store refuses a request.
        """
        pauses = GrowingPauses(PAUSES)
        while True:
            begun, last = monotonic(), self.last
            try:
                async with self.client.single() as server:
                    if await self._scanned(server):
                        return self.counts
                self.last = None
            except StoreUnavailableError as error:
                _log.warning("store_index_scan_waits", reason=str(error.reason))
            except StoreFailedError as error:
                if "IllegalStateException" not in error.classes:
                    raise
            await self.pause(pauses.after(monotonic() - begun if self.last != last else 0.0))

    async def _scanned(self, server: GremlinClient) -> bool:
        """Compare all vertices after ``last``; return False if there is none with that id.

        An index that is absent in Elasticsearch is created first.
        """
        if await create_absent_index(server):
            _log.warning("store_index_created")
            self.last = None
        job = f"{_PREFIX}{uuid4().hex}"
        begins, done, passing = True, False, self.last is not None
        while not done:
            bindings = {"job": job, "begins": begins, "count": PASSED if passing else BATCH, "prefix": _PREFIX}
            ((vids, done),) = await server.submit(NEXT, bindings)
            begins = False
            if passing and self.last in vids:
                passing = False
                vids = vids[vids.index(self.last) + 1 :]
            if not passing:
                await self._compare(vids)
        return not passing

    async def _compare(self, vids: Sequence[int]) -> None:
        """Compare vertices in batches."""
        for start in range(0, len(vids), BATCH):
            batch = vids[start : start + BATCH]
            self.counts += await repair(self.client, batch)
            self.last = batch[-1]
            self.report(self.counts)


async def repair_store(
    settings: Settings, report: Callable[[RepairCounts, int], None], after: int | None = None
) -> RepairCounts:
    """Compare the index of ``settings.store_url`` with all vertices after the one with the id ``after``.

    None for ``after`` is the begin. ``report`` gets the counts so far and the id of the last vertex, about each LOGGED
    vertices. Raises ConfigurationError without ``settings.store_url``, and otherwise as :meth:`IndexScan.run`.
    """
    endpoints = external_endpoints(settings)
    if not endpoints:
        raise ConfigurationError(
            "MLG_STORE_URL is not set, and the embedded store repairs its index at each start; set MLG_STORE_URL, or "
            "rebuild the index of the embedded store with `mlg store reindex`."
        )
    shown = 0

    def show(counts: RepairCounts) -> None:
        nonlocal shown
        if counts.compared >= shown + LOGGED and scan.last is not None:
            shown = counts.compared
            report(counts, scan.last)

    async with GremlinClient(endpoints, deadline=settings.store_deadline) as client:
        scan = IndexScan(client, show, after)
        return await scan.run()
