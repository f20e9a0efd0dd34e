"""A background job that deletes what is expired, batch by batch, under the lock of the writers.

If there is a write log, each batch has a place in it. Otherwise what another process writes again meanwhile could be
deleted, or reappear incomplete (docs/design/janusgraph.md).
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Final

import structlog

from app.graph.commits.late_writes import begin_plan, end_plan
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import LostTurnError
from app.graph.driver.gremlin_client import GremlinClient

BATCH: Final = 50
"""Maximal number of vertices that a step deletes while it holds the lock."""

CHARACTERS: Final = 1 << 20
"""Characters of records after which a step deletes no further one: the store reads what it deletes, and its index."""

_log = structlog.get_logger(__name__)


class ExpiryJob(ABC):
    """Deletes what is expired. ``lock`` is that of the writers, ``batch`` the maximal number deleted under it.

    Fewer are deleted if they have more than ``characters``.
    ``clock`` returns epoch milliseconds, and must not follow a clock that is ahead for a moment. ``name`` is that of
    the job in reports, and ``pause_seconds`` the pause before each round, varied by up to a fifth.
    """

    name: ClassVar[str]
    pause_seconds: ClassVar[float]

    def __init__(
        self,
        client: GremlinClient,
        lock: AbstractAsyncContextManager[None],
        clock: Callable[[], int],
        batch: int = BATCH,
        characters: int = CHARACTERS,
    ) -> None:
        self._client = client
        self._lock = lock
        self._clock = clock
        self._batch = batch
        self._characters = characters

    async def run(self) -> None:
        """Work until cancelled; a failure is logged and retried in the next round."""
        while True:
            pause = random.uniform(0.8 * self.pause_seconds, 1.2 * self.pause_seconds)  # noqa: S311 - spreads processes
            await asyncio.sleep(pause)
            try:
                while await self.step():
                    pass  # writers run between steps
            except Exception:  # noqa: BLE001 - the job boundary
                _log.exception(f"{self.name}_expiry_failed")

    async def step(self) -> bool:
        """Delete a batch; return whether there may be more.

        Only the process that leads deletes; elsewhere return False. If another process writes first, nothing is
        deleted, and the next step repeats the batch.
        """
        order = self._client.write_order
        if order is not None and not order.leads:
            return False
        async with self._lock:
            await begin_plan(self._client, self.name)
            writes = WriteSet()
            number, has_more = await self.delete_expired(writes)
            try:
                with self._client.work.job(self.name, number):
                    await writes.submit(self._client)
            except LostTurnError:
                return True
            await end_plan(self._client)
        return has_more

    @abstractmethod
    async def delete_expired(self, writes: WriteSet) -> tuple[int, bool]:
        """Add the deletion of a batch to ``writes``; return the number deleted, and whether there may be more."""
