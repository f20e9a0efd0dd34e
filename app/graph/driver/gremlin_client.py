"""The driver: prepared Gremlin over HTTP, rows as plain JSON, failures as errors of the driver.

It needs a fifth of the CPU of bytecode over a WebSocket. The stock client of gremlinpython needs more than that, and
also owns event loops in threads, fails inside a running event loop and never reconnects
(docs/design/janusgraph.md). The store compiles each text once and caches it; see
:mod:`app.graph.driver.prepared_statement`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Protocol, Self

from app.fair_queue import PROCESS, FairQueue
from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.driver.server_pool import ServerPool
from app.graph.driver.transport import Exchange, Transport
from app.graph.records.log_entry import LogEntry
from app.graph.records.touched import EVERYTHING, Touched
from app.received_volumes import ReceivedVolumes
from app.store.store_endpoint import StoreEndpoint
from app.store.store_host import StoreHost
from app.telemetry.work import WorkMonitor
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Json, JsonObject
from policies.errors import Code, CodedError

LATE_READ_SECONDS: Final = 600.0
"""Seconds after which the embedded store counts as done with a read that missed its deadline."""

MANY_BYTES: Final = 8 * 1024 * 1024
"""Bytes of responses of a server of the store above which a caller has one slot of it, not three.

Requests for large levels take a core of the store each, and others of the caller follow at once.
"""

MANY_BYTES_PER_SECOND: Final = 4 * 1024 * 1024
"""Bytes that count no more after each second: those of some 2,500 assets that the cache does not have."""


@dataclass(frozen=True, slots=True)
class RequestReport:
    """One finished request, as reported to the observers.

    ``attempts`` counts the attempts to send the request; those without a connection do not count. ``seconds`` includes
    the wait for a slot. ``error`` is None if the request succeeded, was cancelled, or failed with an error that has no
    code.
    """

    prepared: PreparedStatement
    writes: bool
    attempts: int = 0
    seconds: float = 0.0
    error: Code | None = None


class Observer(Protocol):
    """Receives a report of each request, such as a metric or a trace; not of one whose bindings are invalid."""

    def exchanged(self, exchange: RequestReport) -> None:
        """Record a finished request. Runs in the event loop, so it must be quick and must not raise."""


class WriteWatch(Protocol):
    """Receives begin and end of each transaction that may change the store, or of each part of a large one.

    Both methods must be quick and must not raise. Each part has its own begin and end.
    """

    def begun(self, touched: Touched) -> None:
        """Record a transaction before it is sent."""

    def ended(self, touched: Touched, *, certain: bool) -> None:
        """Record the end of a transaction, before :meth:`GremlinClient.submit` returns or raises.

        ``certain`` is false if a request may have been sent, and no response states whether it was executed: the
        transaction may still be committed at any time. An error of the storage, such as a timeout, is no such response.
        """


class WriteOrder(Protocol):
    """The order of the transactions of all processes that write to a store, as one of them uses it.

    A transaction is planned after :meth:`begin` and written under the write lock of the process;
    :class:`app.graph.commits.write_log.WriteLog` implements this. ``head`` is the vertex id of the number of the last
    transaction. ``lag`` is the number of transactions of other processes that the last request for them found.
    """

    head: int
    lag: int

    @property
    def known(self) -> int:
        """The number of the last transaction that this process knows."""

    @property
    def leads(self) -> bool:
        """Whether this process is the one that runs the background jobs."""

    async def learn(self) -> None:
        """Learn what other processes have written before this call."""

    async def learn_to(self, number: int) -> None:
        """Learn the transactions up to a number, unless they are known."""

    async def begin(self, planner: str) -> None:
        """Learn what other processes have written, and begin the plan of a transaction.

        ``planner`` names who plans it: the lost turns of each planner are counted for itself.
        """

    async def end_plan(self) -> None:
        """End a plan that is not repeated; if it has no transaction, processes that wait for it go on."""

    def turn(self, entry: LogEntry) -> JsonObject:
        """Return the place of the planned transaction in the order, as a binding of the text ``WRITE``.

        ``entry`` lacks its number, its process and its instants.
        """

    def no_longer_sent(self) -> None:
        """Record that the transaction of the last :meth:`turn` has a response, or that this was lost."""

    def end_turn(self, *, written: bool) -> None:
        """Record the end of the transaction; raises LostTurnError if it was not written."""

    async def watch(self) -> None:
        """Until cancelled, learn what other processes write, and lead while none of them does."""

    async def resign(self) -> None:
        """Lead no more, so that another process can at once."""


class WriteEpoch(Protocol):
    """Excludes transactions without a response before the next one is planned, in a store that no other process writes.

    :class:`app.graph.commits.late_writes.WriterEpoch` implements this.
    """

    async def begin(self) -> None:
        """Begin a new epoch if a transaction may be without a response; call it before a plan reads anything."""

    def turn(self) -> JsonObject:
        """Return the epoch, as a binding of the text ``WRITE``."""

    def end_turn(self, *, written: bool) -> None:
        """Record the response to a transaction; raises LostTurnError if it was refused."""


class GremlinClient:
    """A client of one store; use it as an async context manager.

    ``endpoint`` may be a URL, also with user info, which is sent as credentials. It is a sequence if several servers
    share the storage of the store; the requests are then spread over them (:mod:`app.graph.driver.server_pool`).
    ``source`` is the name of the traversal source on each server. At most ``in_flight`` times the number of servers
    requests run at once, over all servers together; the others wait for a slot. One caller has at most three eighths of
    the slots, rounded up, or one for each server if it has lately received MANY_BYTES from each. All callers leave a
    quarter of the slots, two at most, to PROCESS. ``deadline`` is in seconds and covers the wait and the response. The
    client works again after a restart of the store without being reopened.
    With several servers, a request that failed and changed nothing is sent again to another one, within the deadline. A
    read whose connection broke is sent once more (:meth:`app.graph.driver.transport.Transport.rows`). A write that may
    have been committed is never sent again: ``unknown_outcome`` of the StoreUnavailableError is then true. ``host``
    runs the store, None for a store elsewhere. A request that begins during an outage that the host reports is refused;
    one that waits for its slot is still sent. A response to a read that ends during such an outage is refused as well.
    ``exclusive`` states that all writes to the store go through this client while it is open, as they do with a host.
    Each of ``write_watches`` receives begin and end of each write of this client. ``write_order``, if it is not None,
    orders the transactions of this client among those of other processes. Without it, ``write_epoch`` excludes those
    that may be completed late; None lets them be. ``work`` observes what sends the requests:
    transactions of writers, and steps of jobs.
    """

    def __init__(
        self,
        endpoint: StoreEndpoint | Sequence[StoreEndpoint] | str,
        *,
        source: str = "g",
        in_flight: int = 8,
        deadline: float = 30.0,
        host: StoreHost | None = None,
    ) -> None:
        found = StoreEndpoint.parse(endpoint) if isinstance(endpoint, str) else endpoint
        self._endpoints = [found] if isinstance(found, StoreEndpoint) else found
        self._source = source
        self.pool = ServerPool(self._endpoints)
        self.transport = Transport(self.pool, source, deadline if host is None else LATE_READ_SECONDS)
        self.observers: list[Observer] = []
        self.host = host
        self.exclusive = host is not None
        self.write_watches: list[WriteWatch] = []
        self.write_order: WriteOrder | None = None
        self.write_epoch: WriteEpoch | None = None
        self.work = WorkMonitor()
        self._deadline = deadline
        servers = len(self.pool.servers)
        slots = in_flight * servers
        self.slots = FairQueue(
            slots,
            per_caller=-(-slots * 3 // 8),
            waiting_per_caller=sys.maxsize,
            reserved=min(2, slots // 4),
            volumes=ReceivedVolumes(MANY_BYTES * servers, MANY_BYTES_PER_SECOND * servers),
            per_large_caller=servers,
        )

    async def __aenter__(self) -> Self:
        await self.transport.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.transport.close()

    @property
    def urls(self) -> str:
        """The URLs of the servers, without credentials, as messages show them."""
        return ", ".join(server.url for server in self.pool.servers)

    def single(self) -> "GremlinClient":
        """Return a client of one of the servers, for requests that depend on each other; open it before use."""
        chosen = self.pool.servers.index(self.pool.choose())
        return GremlinClient(self._endpoints[chosen], source=self._source, deadline=self._deadline)

    async def submit(
        self,
        prepared: PreparedStatement,
        bindings: Mapping[str, object],
        *,
        writes: Touched | bool = False,
        check: Callable[[], None] | None = None,
        caller: Hashable = PROCESS,
    ) -> list[Json]:
        """Run a prepared text as one transaction and return its rows as plain JSON values.

        Pass as ``writes`` what a text touches that changes the store, or True if that is not known. ``check`` is called
        when the request has a slot, and raises if it is no longer wanted: nothing is sent then. The slot is one
        of ``caller`` (:mod:`app.fair_queue`).

        Raises PreparedTextError, before anything is sent, if the bindings do not fit the text. Raises
        StoreUnavailableError, TransientConflictError, VertexExistsError or StoreFailedError if the store does not
        complete the request.
        """
        prepared.check(bindings)
        call = Exchange(prepared, self.transport.body(prepared, bindings), bool(writes))
        try:
            async with self._watched(call, EVERYTHING if isinstance(writes, bool) else writes):
                return await self._run(call, check, caller)
        except CodedError as error:
            call.error = error.code
            raise
        finally:
            exchange = RequestReport(prepared, call.writes, call.attempts, perf_counter() - call.started, call.error)
            for observer in self.observers:
                observer.exchanged(exchange)

    @asynccontextmanager
    async def _watched(self, call: Exchange, touched: Touched) -> AsyncIterator[None]:
        """Report begin and end of a write to the watches: the begin in parts, all of them before anything is sent."""
        begun: list[tuple[WriteWatch, Touched]] = []
        try:
            if call.writes:
                await _begin([*self.write_watches], touched, begun)
            yield
        finally:
            for watch, part in begun:
                watch.ended(part, certain=call.known_outcome or not call.is_write_sent)

    def refuse_outage(self) -> None:
        """Raise StoreUnavailableError during an outage that the host of the store reports; sends nothing."""
        if self.host and (outage := self.host.outage()):
            raise StoreUnavailableError.because(outage)

    async def _run(self, call: Exchange, check: Callable[[], None] | None, caller: Hashable) -> list[Json]:
        """Wait for a slot, and return the rows of the request within the deadline; a late read keeps its slot."""
        self.refuse_outage()
        try:
            async with asyncio.timeout(self._deadline):
                await self.slots.acquire(caller)
                try:
                    if check is not None:
                        check()
                    rows = await self.transport.rows(call)
                finally:
                    call.when_over(lambda: self.slots.release(caller, call.received))
        except TimeoutError:
            raise call.timed_out(self._deadline) from None
        if not call.writes:
            self.refuse_outage()  # an index that was lost meanwhile may have responded with too little
        return rows


async def _begin(watches: Sequence[WriteWatch], touched: Touched, begun: list[tuple[WriteWatch, Touched]]) -> None:
    """Report the begin of a write in parts, with turns of others between them; add each part to ``begun``."""
    turns = OperationBudget()
    for part in touched.parts() if watches else ():
        if begun:
            await turns.pause()
        for watch in watches:
            begun.append((watch, part))
            watch.begun(part)
