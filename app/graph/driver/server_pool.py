"""The servers of one store: which of them gets the next request, and which get none for a while.

A server is **ejected** when it does not connect, breaks a connection, does not respond, or fails at its storage. It
then gets no request until a probe succeeds (:mod:`app.graph.driver.server_watch`). The pauses before the probes grow
while the server fails. If all servers are ejected, they get requests nevertheless, and one that responds is readmitted
at once. The only server of a store is never ejected.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import structlog

from app.store.growing_pauses import GrowingPauses, PausePolicy
from app.store.store_endpoint import StoreEndpoint

PAUSES: Final = PausePolicy(first_pause=1.0, max_pause=30.0, good_uptime=60.0)
"""The pauses before the probes of an ejected server."""

SILENT_SECONDS: Final = 2.0
"""Seconds without any response, while requests wait, after which the server is checked."""

_log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class Server:
    """One server: its address and headers, and its state in the pool.

    ``ejections`` counts its ejections. ``ejected_at`` is None if it is not ejected; a probe is due at ``probe_at``. A
    ``suspect`` failed at its storage or index, and is probed before it is ejected. Times are in seconds of the clock.
    """

    url: str
    headers: Mapping[str, str]
    ejections: int = 0
    ejected_at: float | None = None
    probe_at: float = 0.0
    readmitted_at: float = 0.0
    suspect: bool = False
    turn: int = 0
    responded_at: float = 0.0
    begun: dict[object, float] = field(default_factory=dict)
    pauses: GrowingPauses = field(default_factory=lambda: GrowingPauses(PAUSES))
    _patience: set[asyncio.Timeout] = field(default_factory=set)

    @property
    def in_flight(self) -> int:
        """The number of requests that wait for a response."""
        return len(self.begun)

    def is_silent(self, now: float) -> bool:
        """Return whether requests wait and there was no response for SILENT_SECONDS."""
        oldest = next(iter(self.begun.values()), now)
        return now - max(oldest, self.responded_at) >= SILENT_SECONDS

    @asynccontextmanager
    async def interruptible(self) -> AsyncIterator[None]:
        """End the context with TimeoutError when :meth:`interrupt` is called."""
        async with asyncio.timeout(None) as patience:
            self._patience.add(patience)
            try:
                yield
            finally:
                self._patience.discard(patience)

    def interrupt(self) -> None:
        """End the wait of all reads in :meth:`interruptible`, which can then be sent to another server."""
        now = asyncio.get_running_loop().time()
        for patience in self._patience:
            if not patience.expired():
                patience.reschedule(now)


class ServerPool:
    """The servers of one store, as one process knows them. ``clock`` returns seconds of a clock that is never set."""

    def __init__(self, endpoints: Sequence[StoreEndpoint], clock: Callable[[], float] = monotonic) -> None:
        self.servers = [Server(endpoint.url, endpoint.headers) for endpoint in endpoints]
        self.clock = clock
        self._turn = 0

    @property
    def spreads(self) -> bool:
        """Whether there are several servers."""
        return len(self.servers) > 1

    def choose(self, failed: Collection[Server] = ()) -> Server:
        """Return the server with the least requests in flight, of equal ones the one whose last turn is the oldest.

        Servers in ``failed``, which must not be all, are left out. So are ejected ones, unless no other is left.
        """
        left = [server for server in self.servers if server not in failed]
        serving = [server for server in left if server.ejected_at is None] or left
        chosen = min(serving, key=lambda server: (server.in_flight, server.turn))
        self._turn += 1
        chosen.turn = self._turn
        return chosen

    @contextmanager
    def requesting(self, server: Server) -> Iterator[None]:
        """Count a request in flight; if it ends without an exception, the server has responded.

        A response to a request that was sent after the ejection readmits the server.
        """
        request, begun = object(), self.clock()
        server.begun[request] = begun
        try:
            yield
        finally:
            del server.begun[request]
        server.responded_at = self.clock()
        if server.ejected_at is not None and begun > server.ejected_at:
            self.readmit(server)

    def eject(self, server: Server, reason: str) -> None:
        """Send no more requests to a server; no effect for the only server, and for one that is ejected already."""
        if not self.spreads or server.ejected_at is not None:
            return
        server.ejected_at = self.clock()
        server.ejections += 1
        server.suspect = False
        pause = server.pauses.after(server.ejected_at - server.readmitted_at)
        server.probe_at = server.ejected_at + pause
        _log.warning("store_server_ejected", server=server.url, reason=reason, seconds=pause)

    def postpone(self, server: Server) -> None:
        """Keep a server ejected whose probe failed, until the next pause is over."""
        server.probe_at = self.clock() + server.pauses.after(0.0)

    def readmit(self, server: Server) -> None:
        """Send requests to a server again; no effect if it is not ejected."""
        if server.ejected_at is not None:
            server.ejected_at = None
            server.readmitted_at = server.responded_at = self.clock()
            _log.info("store_server_readmitted", server=server.url)
