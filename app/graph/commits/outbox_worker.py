"""The loop of a job that does what writes left pending, in small batches until it is cancelled.

It runs in the API process and takes the lock of its writers for each batch, so nothing is lost between reading and
writing, and writers come in between. What it has found is in the store before it goes on; after a crash it begins its
notes again, which changes nothing twice.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

import structlog

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.clock import epoch_milliseconds

MAX_PAUSE_SECONDS: Final = 60.0
"""Seconds, of the pauses after failures, and at most between two looks at what may have become due."""

_log = structlog.get_logger(__name__)


class OutboxWorker(ABC):
    """Does the notes of one kind; ``lock`` is that of the process's writers, ``failed`` the event that it logs."""

    failed = "job_failed"

    def __init__(
        self,
        client: GremlinClient,
        lock: asyncio.Lock,
        pending: Outbox,
        clock: Callable[[], int] = epoch_milliseconds,
    ) -> None:
        self._client = client
        self._lock = lock
        self._pending = pending
        self._clock = clock
        self._changed = pending.listen()

    @abstractmethod
    def handles(self, note: OutboxEntry) -> bool:
        """Whether a note is of the kind that this job does."""

    @abstractmethod
    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Do one batch of the notes that are due, the oldest first; whether there was anything to do."""

    async def run(self) -> None:
        """Work until cancelled; what fails is logged and tried again, ever more slowly."""
        failures = 0
        while True:
            try:
                if not await self.step():
                    await self._wait()
                failures = 0
            except Exception:  # noqa: BLE001 - the job boundary
                _log.exception(self.failed, failures=failures + 1)
                pause = min(0.5 * 2**failures, MAX_PAUSE_SECONDS)
                failures += 1
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads retries, hides nothing

    async def step(self) -> bool:
        """Do one batch; whether there was anything to do."""
        self._changed.clear()
        async with self._lock:
            if self._pending.stale:
                await self._pending.load(self._client)
            now = self._clock()
            worked = await self.advance([note for note in self._notes() if note.due <= now])
        await asyncio.sleep(0)
        return worked

    def _notes(self) -> list[OutboxEntry]:
        return [note for note in self._pending.entries if self.handles(note)]

    async def _wait(self) -> None:
        """Wait until something is noted, or the next note is due."""
        due = min((note.due for note in self._notes()), default=None)
        pause = MAX_PAUSE_SECONDS if due is None else min((due - self._clock()) / 1_000, MAX_PAUSE_SECONDS)
        try:
            async with asyncio.timeout(max(pause, 0)):
                await self._changed.wait()
        except TimeoutError:
            return
