"""The job that follows the write log of an external store, and indexes what a transaction has left out.

JanusGraph confirms a transaction although its index failed (:mod:`app.graph.admin.index_repair`). So the process that
leads compares the vertices of each entry of the log with the index, a few seconds after it was written. The number of
the last compared entry is stored, and the next leader continues there. While Elasticsearch is away, comparisons fail,
and the index lags; when it is back, all transactions since then are compared.

The log keeps a limited number of entries. If the next one to compare was deleted, or an older release did not list its
vertices, all vertices are compared (:mod:`app.graph.admin.index_scan`). Meanwhile the index lags. Without a stored
number, the first entry is next.

The vertex of the readiness check has no entry in the log, so it is compared beside them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import accumulate
from typing import Final

import structlog

from app.graph.admin.index_repair import IndexNotComparableError, RepairCounts, repair
from app.graph.admin.index_scan import IndexScan
from app.graph.commits.index_state import IndexState
from app.graph.commits.write_log import HEAD, KEPT, LEARN
from app.graph.driver.gremlin_client import GremlinClient, WriteOrder
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.log_entry import LogEntry, entries_of, entry_vids
from app.graph.records.touched import NOTHING
from app.graph.records.vertex_id import internal_vertex_id
from app.store.growing_pauses import GrowingPauses, PausePolicy
from app.store.self_check import VERTEX_ID
from policies.errors import CodedError

POSITION: Final = internal_vertex_id("write log", "index")
"""Id of the vertex with the number of the last transaction that was compared, as the text ``note``."""

COMMIT_SECONDS: Final = 3.0
"""Seconds after which the commit of the index of a transaction has ended; before, it would seem to be missing."""

STEP_SECONDS: Final = 1.0
"""Seconds between two steps, unless the first one left entries to compare."""

PAUSES: Final = PausePolicy(first_pause=1.0, max_pause=15.0, good_uptime=60.0)
"""The pauses after failures in a row."""

_AT_ONCE: Final = 16
"""Maximal number of entries that one step reads."""

MAX_COMPARED: Final = 2_500
"""Maximal number of vertices that a step compares, unless one entry has more: ten requests, before the number moves.

Several large entries in one step would count as a lag although all are compared in time.
"""

_READ_STEPS: Final = 3
"""Steps between two reads of the stored number by a process that does not lead."""

_PROBE_STEPS: Final = 10
"""Steps between two comparisons of the vertex of the readiness check."""

READ_POSITION: Final = PreparedStatement.of("[g.V(x).values('note').tryNext().orElse(null)]", "x", name="index")

STORE_POSITION: Final = PreparedStatement.of(
    """
def v = g.V(x).tryNext().orElse(null) ?: g.addV('Logged').property(T.id, x).next()
v.property(single, 'note', number)
[true]
""",
    "x",
    "number",
    name="index",
)

_log = structlog.get_logger(__name__)


class IndexWatch:
    """Compares each transaction with the index, if its process leads, and otherwise reads how far another one is."""

    def __init__(self, client: GremlinClient, order: WriteOrder, state: IndexState) -> None:
        self._client = client
        self._order = order
        self._state = state
        self._led = False
        self._steps = 0

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Work until cancelled, or until the index proves not to be in Elasticsearch.

        Another failure is logged, and the next step follows after a pause that grows.
        """
        pauses = GrowingPauses(PAUSES)
        while True:
            seconds = STEP_SECONDS
            try:
                if await self.step():
                    seconds = 0.0
                pauses = GrowingPauses(PAUSES)
            except IndexNotComparableError as error:
                _log.info("store_index_not_watched", reason=str(error))
                self._state.end()
                return
            except CodedError as error:
                _log.warning("store_index_not_compared", code=str(error.code), lag=self._state.lag)
                seconds = pauses.after(0.0)
            except Exception:  # noqa: BLE001 - the job boundary
                _log.exception("index_watch_failed")
                seconds = pauses.after(0.0)
            await pause(seconds)

    async def step(self) -> bool:
        """Compare the next entries; return whether there are more.

        A process that does not lead only reads the stored number, each _READ_STEPS steps. One that has just begun to
        lead reads it first. The first step of each process also compares the vertex of the readiness check.
        """
        self._state.learned(self._order.known)
        if self._steps == 0:
            await repair(self._client, [VERTEX_ID])
        led, self._led = self._led, self._order.leads
        if self._led != led or self._state.compared is None or (not led and self._steps % _READ_STEPS == 0):
            await self._read_position()
        self._steps += 1
        if not self._led:
            return False
        if self._state.compared is None:
            await self._begin()
            return True
        if self._steps % _PROBE_STEPS == 0:
            self._count(await repair(self._client, [VERTEX_ID]), at=self._state.compared)
        return await self._compare_next(self._state.compared)

    async def _read_position(self) -> None:
        """Read the stored number, at most that of the log: a greater one is of another store."""
        (found,) = await self._client.submit(READ_POSITION, {"x": POSITION})
        if found is not None:
            self._state.has(min(int(found), self._order.known))

    async def _begin(self) -> None:
        """Begin with the first entry, if no entry of the log was deleted yet, and else with all vertices."""
        if self._order.known <= KEPT:
            await self._store(0)
        else:
            await self._compare_all()

    async def _compare_next(self, since: int) -> bool:
        """Compare the next entries that were committed a while ago; return whether there are more of them."""
        last = min(self._state.older_than(COMMIT_SECONDS), since + _AT_ONCE)
        if last <= since:
            return False
        wanted = entry_vids(range(since + 1, last + 1))
        (response,) = await self._client.submit(LEARN, {"x": HEAD, "since": since, "xs": wanted})
        entries = await entries_of(response["notes"])
        if len(entries) < len(wanted) or not all(map(_is_listed, entries)):
            await self._compare_all()
            return True
        first = _first_of(entries)
        await self._compare(first)
        await self._store(first[-1].number)
        return self._state.older_than(COMMIT_SECONDS) > first[-1].number

    async def _compare(self, entries: list[LogEntry]) -> None:
        vids = sorted({vid for entry in entries for vid in entry.touched.vertices})
        self._count(await repair(self._client, vids), at=entries[0].number)

    async def _compare_all(self) -> None:
        """Compare all vertices; all transactions that are known now are compared then."""
        last = self._order.known
        _log.warning("store_index_compared_as_a_whole", compared=self._state.compared, last=last)
        self._count(await IndexScan(self._client).run(), at=last)
        await self._store(last)

    def _count(self, found: RepairCounts, at: int) -> None:
        self._state.differing += found.differing
        self._state.failed += found.failed
        if found.differing:
            _log.warning("store_index_repaired", vertices=found.differing, failed=found.failed, transaction=at)

    async def _store(self, number: int) -> None:
        await self._client.submit(STORE_POSITION, {"x": POSITION, "number": str(number)}, writes=NOTHING)
        self._state.has(number)


def _first_of(entries: list[LogEntry]) -> list[LogEntry]:
    """Return the first entries: those that have at most MAX_COMPARED vertices together, and at least one."""
    sums = accumulate(len(entry.touched.vertices) for entry in entries)
    return entries[: max(sum(1 for count in sums if count <= MAX_COMPARED), 1)]


def _is_listed(entry: LogEntry) -> bool:
    """Return whether an entry lists the vertices of its transaction."""
    return bool(entry.touched.vertices) or not entry.touched.everything
