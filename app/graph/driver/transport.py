"""HTTP between this process and the servers of one store: connections, attempts, and the checks of the servers."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter
from typing import Final

import aiohttp
import orjson

from app.graph.driver.errors import StoreUnavailableError, TransientConflictError, may_be_written
from app.graph.driver.gremlin_response import parse_rows
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.driver.server_pool import Server, ServerPool
from app.graph.driver.server_watch import ServerWatch
from app.store.errors import StoreReason
from app.store.self_check import VERTEX_ID
from graphql_schema.ports.record import Json
from policies.errors import Code, CodedError

_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/vnd.gremlin-v3.0+json;types=false"}
_KEEP_ALIVE_SECONDS: Final = 60
CONNECT_SECONDS: Final = 3.0
"""Seconds for a new connection to one of several servers: a machine that is off does not refuse the connection."""
RESPOND_SECONDS: Final = 2.0
"""Seconds in which a server must respond to a request without a query."""
PROBE_SECONDS: Final = 5.0
"""Seconds in which a server must read a vertex before it is readmitted."""
_NO_CONNECTION: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_BROKEN: Final = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, aiohttp.ClientResponseError)
"""Errors without a complete response; the last one is raised for a response that is not HTTP."""
_NOT_CONNECTED: Final = "No connection to the store could be opened; try again."
_SILENT: Final = "The store did not respond; try again."
_SERVER_FAILED: Final = frozenset({StoreReason.BACKEND, StoreReason.STORAGE})
_READ: Final = PreparedStatement.traversal(g.V(param("x")).count(), "probe")
"""Counts the vertices with the id ``x``: the smallest request that reads from the storage."""


@dataclass(slots=True)
class Exchange:
    """One request in flight: what is sent, and its state so far.

    ``known_outcome``, a flag, is set by a response that states whether the store has executed the request. ``late`` is
    the task of a read that goes on after it was cancelled, None for any other request. ``received`` is the number of
    bytes of all responses.
    """

    prepared: PreparedStatement
    body: bytes
    writes: bool
    attempts: int = 0
    known_outcome: bool = False
    late: asyncio.Task[tuple[int, bytes]] | None = None
    received: int = 0
    error: Code | None = None
    started: float = field(default_factory=perf_counter)

    def unavailable(
        self, message: str, reason: StoreReason = StoreReason.UNREACHABLE, *, retry_after: int = 1
    ) -> StoreUnavailableError:
        """Return the error for a request without a response; a write that may have been sent has an unknown outcome."""
        return StoreUnavailableError(message, reason, retry_after=retry_after, unknown_outcome=self.is_write_sent)

    def timed_out(self, seconds: float) -> StoreUnavailableError:
        """Return the error for a request that was not completed within a number of seconds."""
        message = (
            f"The store did not confirm a write within {seconds:g} s; read the state before you write again."
            if self.is_write_sent
            else f"The request to the store was not completed within {seconds:g} s; try again."
        )
        return self.unavailable(message, StoreReason.BUSY)

    def when_over(self, act: Callable[[], object]) -> None:
        """Call ``act`` when the store no longer works on the request: at once, unless it is ``late``."""
        if self.late is None:
            act()
        else:
            self.late.add_done_callback(lambda _: act())

    @property
    def is_write_sent(self) -> bool:
        """Whether a write may have been sent, so that its outcome is unknown without a response."""
        return self.writes and self.attempts > 0


class Transport:
    """Sends requests to the servers of ``pool``, whose traversal source has the name ``source``.

    A read that is cancelled goes on for ``late_seconds``, because the store works on it in any case. A write ends at
    once: it must not be sent after its deadline.

    It implements :class:`app.graph.driver.server_watch.ServerChecks`.
    """

    def __init__(self, pool: ServerPool, source: str, late_seconds: float) -> None:
        self._pool = pool
        self._aliases = {"g": source}
        self._late_seconds = late_seconds
        self._late: set[asyncio.Task[tuple[int, bytes]]] = set()
        self._watch: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the pool of connections, and watch the servers if there are several."""
        self.session = self._new_session(aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS))
        if self._pool.spreads:
            self._watch = asyncio.create_task(ServerWatch(self._pool, self).run(), name="server-watch")

    async def close(self) -> None:
        """End the watch and the late reads, and close all connections."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        for late in self._late:
            late.cancel()
        if self._late:
            await asyncio.wait(self._late)
        await self.session.close()

    def body(self, prepared: PreparedStatement, bindings: Mapping[str, object]) -> bytes:
        """Return the body of a request."""
        return orjson.dumps({"gremlin": prepared.text, "bindings": dict(bindings), "aliases": self._aliases})

    async def rows(self, exchange: Exchange) -> list[Json]:
        """Send a request and return its rows.

        An attempt that ends with StoreUnavailableError is repeated at another server if it changed nothing: a read, or
        a write that was refused or got no connection. A TransientConflictError is raised at once.
        If an open connection broke, the same server may get one more attempt, over a new connection: after a restart,
        all kept connections are closed. Raises the error of the last attempt.
        """
        failed: set[Server] = set()
        afresh = False
        while True:
            server = self._pool.choose(failed)
            try:
                return await self._attempt(exchange, server, afresh=afresh)
            except TransientConflictError:
                raise
            except StoreUnavailableError as error:
                if afresh or not isinstance(error, _BrokenConnectionError):
                    failed.add(server)
                if error.unknown_outcome or len(failed) == len(self._pool.servers):
                    raise
            afresh = True

    async def _attempt(self, exchange: Exchange, server: Server, *, afresh: bool) -> list[Json]:
        """Send a request to a server, over a new connection if ``afresh``; record in the pool how the server did."""
        exchange.known_outcome = False
        try:
            status, body = await self._exchanged(exchange, server, afresh=afresh)
        except _NO_CONNECTION as error:
            exchange.attempts -= 1  # no connection, so nothing was sent and the outcome of a write is known
            self._pool.eject(server, "UNREACHABLE")
            raise exchange.unavailable(_NOT_CONNECTED, retry_after=5) from error
        except _BROKEN as error:
            self._pool.eject(server, "BROKEN")
            raise _broken(exchange) from error
        except TimeoutError as error:  # the watch interrupted a read; a missed deadline would cancel the task
            raise exchange.unavailable(_SILENT, StoreReason.BUSY) from error
        try:
            rows = parse_rows(status, body, writes=exchange.writes)
        except CodedError as error:
            exchange.known_outcome = not may_be_written(error)
            if isinstance(error, StoreUnavailableError):
                self._record_failure(server, error.reason)
            raise
        exchange.known_outcome = True
        return rows

    def _record_failure(self, server: Server, reason: StoreReason) -> None:
        """Record in the pool that a server, or a proxy before it, returned an error that is not about the request."""
        if reason is StoreReason.UNREACHABLE:
            self._pool.eject(server, "UNREACHABLE")
        elif reason in _SERVER_FAILED:
            server.suspect = True

    async def _exchanged(self, exchange: Exchange, server: Server, *, afresh: bool) -> tuple[int, bytes]:
        """Return HTTP status and body of an attempt; a read goes on as ``late`` when this is cancelled.

        The pool counts it from here on, so that the next request sees it, until its end.
        """
        counted = ExitStack()
        counted.enter_context(self._pool.requesting(server))
        if exchange.writes:
            with counted:
                return await self._sent(exchange, server, afresh=afresh)
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        sending = loop.create_task(self._sent_until(over, counted, exchange, server, afresh=afresh))
        try:
            await over
            return sending.result()
        except asyncio.CancelledError:
            exchange.late = sending
            self._keep(sending)
            raise
        finally:
            del sending  # its error refers to this frame

    def _keep(self, late: asyncio.Task[tuple[int, bytes]]) -> None:
        """Let a read go on for ``late_seconds``."""
        bound = asyncio.get_running_loop().call_later(self._late_seconds, late.cancel)
        self._late.add(late)

        def forget(late: asyncio.Task[tuple[int, bytes]]) -> None:
            self._late.discard(late)
            bound.cancel()
            if not late.cancelled():
                late.exception()  # asyncio would log it

        late.add_done_callback(forget)

    async def _sent_until(
        self, over: asyncio.Future[None], counted: ExitStack, exchange: Exchange, server: Server, *, afresh: bool
    ) -> tuple[int, bytes]:
        """Send a request as :meth:`_sent`, and set ``over`` at the end: it is awaited in place of this task."""
        try:
            with counted:
                return await self._sent(exchange, server, afresh=afresh)
        finally:
            if not over.done():
                over.set_result(None)

    async def _sent(self, exchange: Exchange, server: Server, *, afresh: bool) -> tuple[int, bytes]:
        """Send a request to a server once, over a new connection if ``afresh``."""
        if not afresh:
            return await self._posted(self.session, server, exchange)
        async with self._new_session(aiohttp.TCPConnector(force_close=True)) as session:
            return await self._posted(session, server, exchange)

    async def _posted(self, session: aiohttp.ClientSession, server: Server, exchange: Exchange) -> tuple[int, bytes]:
        """Send a request once; a read at one of several servers can be interrupted."""
        is_interruptible = self._pool.spreads and not exchange.writes
        async with server.interruptible() if is_interruptible else nullcontext():
            status, body = await self.post(session, server, exchange)
        exchange.received += len(body)
        return status, body

    async def post(self, session: aiohttp.ClientSession, server: Server, exchange: Exchange) -> tuple[int, bytes]:
        """Send a request once, and return HTTP status and body."""
        exchange.attempts += 1
        async with session.post(server.url, data=exchange.body, headers={**_HEADERS, **server.headers}) as response:
            return response.status, await response.read()

    async def responds(self, server: Server) -> bool:
        """Return whether the server responds within RESPOND_SECONDS over a new connection, with any status.

        A request without a query is refused by a thread that executes none, also while all others execute queries.
        """
        async with self._new_session(aiohttp.TCPConnector(force_close=True)) as session:
            try:
                async with asyncio.timeout(RESPOND_SECONDS), session.get(server.url, headers=server.headers):
                    return True
            except (aiohttp.ClientError, OSError):
                return False

    async def works(self, server: Server) -> bool:
        """Return whether the server reads from its storage within PROBE_SECONDS, over a new connection."""
        body = self.body(_READ, {"x": VERTEX_ID})
        headers = {**_HEADERS, **server.headers}
        async with self._new_session(aiohttp.TCPConnector(force_close=True)) as session:
            try:
                async with (
                    asyncio.timeout(PROBE_SECONDS),
                    session.post(server.url, data=body, headers=headers) as response,
                ):
                    return response.status == HTTPStatus.OK
            except (aiohttp.ClientError, OSError):
                return False

    def _new_session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        """Return an HTTP session without cookies; the client limits the time of a request."""
        connect = CONNECT_SECONDS if self._pool.spreads else None
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect),
        )


class _BrokenConnectionError(StoreUnavailableError):
    """A connection broke before the response was complete."""


def _broken(exchange: Exchange) -> StoreUnavailableError:
    message = (
        "The connection broke before the store confirmed a write; read the state before you write again."
        if exchange.writes
        else "The connection to the store broke, and a second attempt failed; try again."
    )
    return _BrokenConnectionError(message, StoreReason.UNREACHABLE, unknown_outcome=exchange.is_write_sent)
