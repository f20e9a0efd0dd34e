"""The watch over a store that this process hosts: restarts it after failures that only a restart can end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

import structlog

from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient, RequestReport
from app.runtime.readiness import Readiness
from app.store.errors import StoreReason
from app.store.store_host import StoreHost
from policies.errors import Code, CodedError

WATCH_SECONDS: Final = 10.0
"""Seconds between two checks of a store that gives no cause for one."""

TICK_SECONDS: Final = 1.0
"""Seconds between two looks for a cause: a failed request, or an outage that the host reports."""

_RESTARTED: Final = frozenset({StoreReason.STORAGE, StoreReason.INDEX})
"""The reasons that end with a restart at once."""

_SILENT: Final = frozenset({StoreReason.BUSY, StoreReason.UNREACHABLE})
"""The reasons of a store that does not respond; they end with a restart if they last."""

_log = structlog.get_logger(__name__)


class StoreWatch:
    """Checks the readiness of the store of ``host``, regularly and after failed requests, and restarts it.

    A store that has not responded to any request for ``silent_seconds``, seconds, is restarted as well; 0 means never.
    It is an observer of the client (:class:`app.graph.driver.gremlin_client.Observer`).
    """

    def __init__(
        self,
        host: StoreHost,
        readiness: Readiness,
        clock: Callable[[], float] = monotonic,
        *,
        silent_seconds: float = 0.0,
    ) -> None:
        self._host = host
        self._readiness = readiness
        self._clock = clock
        self._silent_seconds = silent_seconds
        self._failed = False
        self._checked = self._responded = clock()

    def exchanged(self, exchange: RequestReport) -> None:
        """Cause a check if a request failed because of the store, and drop the last result of the readiness then."""
        if exchange.error is None:
            self._responded = self._clock()
        if exchange.error in {Code.STORE_UNAVAILABLE, Code.STORE_FAILED}:
            self._failed = True
            self._readiness.forget()

    async def run(self) -> None:
        """Check until cancelled; an unexpected failure is logged, and the next check takes place."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self.tick()
            except Exception:  # noqa: BLE001 - the job boundary
                _log.exception("store_watch_failed")

    async def tick(self) -> None:
        """Check if there is a cause, or if the last check was at least WATCH_SECONDS ago."""
        if not self._failed and not self._host.outage() and self._clock() < self._checked + WATCH_SECONDS:
            return
        await self.look()
        self._failed, self._checked = False, self._clock()  # a check that fails is no cause for the next one

    async def look(self) -> None:
        """Check the readiness once, and restart the store if only that can help."""
        try:
            await self._readiness.check()
        except StoreUnavailableError as error:
            if error.reason not in _SILENT:
                self._responded = self._clock()
            if error.reason in _RESTARTED or self._is_silent():
                await self._host.restart(error.reason)
                self._readiness.forget()
                self._responded = self._clock()
        except CodedError as error:
            _log.warning("store_not_ready", reason=str(error))

    def _is_silent(self) -> bool:
        """Return whether the store has not responded for so long that a restart is the lesser interruption."""
        return 0 < self._silent_seconds <= self._clock() - self._responded


@asynccontextmanager
async def watched(client: GremlinClient, readiness: Readiness, silent_seconds: float) -> AsyncIterator[None]:
    """Watch the store of ``client`` until exit; no effect for a store that another process hosts.

    ``silent_seconds`` is as for `StoreWatch`.
    """
    if client.host is None:
        yield
        return
    watch = StoreWatch(client.host, readiness, silent_seconds=silent_seconds)
    client.observers.append(watch)
    task = asyncio.create_task(watch.run(), name="store-watch")
    try:
        yield
    finally:
        client.observers.remove(watch)
        task.cancel()
        await asyncio.wait([task])
