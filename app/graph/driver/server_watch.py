"""The watch over the servers of one store: probes those that are ejected or suspect, and finds silent ones.

A server that accepts connections and does not respond would hold its requests until their deadline. So a server
without responses gets a small request that needs no thread of its queries. If it does not respond to that either, it
is ejected, and its reads are sent to another server. A server that is only busy responds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog

from app.graph.driver.server_pool import Server, ServerPool

TICK_SECONDS: Final = 0.5
"""Seconds between two looks at the servers."""

_log = structlog.get_logger(__name__)


class ServerChecks(Protocol):
    """What the watch sends to a server; both return False after a failure of any kind, within a few seconds."""

    async def responds(self, server: Server) -> bool:
        """Return whether the server responds at all, however busy it is."""

    async def works(self, server: Server) -> bool:
        """Return whether the server reads from its storage: the probe that readmits it."""


class ServerWatch:
    """Checks the servers of ``pool`` until cancelled."""

    def __init__(self, pool: ServerPool, checks: ServerChecks) -> None:
        self._pool = pool
        self._checks = checks

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look every TICK_SECONDS; an unexpected failure is logged, and the next look takes place."""
        while True:
            await pause(TICK_SECONDS)
            try:
                await self.tick()
            except Exception:  # noqa: BLE001 - the job boundary
                _log.exception("server_watch_failed")

    async def tick(self) -> None:
        """Look at all servers once, at the same time: a check of a silent one takes seconds."""
        await asyncio.gather(*map(self._look, self._pool.servers))

    async def _look(self, server: Server) -> None:
        """Check a server if there is a cause, and change its state in the pool by the result."""
        now = self._pool.clock()
        if server.ejected_at is not None:
            if now >= server.probe_at:
                await self._probe(server)
        elif server.suspect:
            server.suspect = False
            if not await self._checks.works(server):
                self._pool.eject(server, "BACKEND")
        elif server.is_silent(now):
            if await self._checks.responds(server):
                server.responded_at = self._pool.clock()
            else:
                self._pool.eject(server, "SILENT")
                server.interrupt()

    async def _probe(self, server: Server) -> None:
        """Readmit an ejected server if one probe succeeds; otherwise the next probe is later."""
        if await self._checks.works(server):
            self._pool.readmit(server)
        else:
            self._pool.postpone(server)
            server.interrupt()
