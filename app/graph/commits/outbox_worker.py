"""The loop of a background job: works outbox entries off in small batches until it is cancelled.

It runs in the API process and holds the lock of the writers during each batch. No writer of the process therefore
changes anything between the reads and the writes of a batch; writers run between batches
(:mod:`app.graph.commits.turns.job_lock`). A batch is stored before the next begins. After a crash a job starts its
entries again: recomputing a vertex twice changes nothing.

If another process writes during a batch, nothing of the batch is stored. What the job has in memory must then be as
before the batch, or ahead of the store by work that is stored: the next step repeats the batch.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog

from app.graph.commits.entries.unanswered_entries import LOOK_SECONDS
from app.graph.commits.late_writes import begin_plan, end_plan
from app.graph.commits.outbox import UNCHANGED_MS, Outbox
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.state_read import read_records
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import LostTurnError
from app.graph.driver.gremlin_client import GremlinClient, WriteOrder
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.native.write_cost import JOB_COST
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Record

MIN_PAUSE_SECONDS: Final = 0.5
"""Seconds of the pause after the first failure in a row."""

MAX_PAUSE_SECONDS: Final = 60.0
"""Seconds of the longest pause after a failure, and between two checks for entries that became due."""

MAX_CHARACTERS: Final = 2 * 1024 * 1024
"""Number of characters of records after which a job adds no further ones to a transaction.

All writers wait while they are written. So they do for JOB_COST, which counts as well.
"""

READ_AT_ONCE: Final = 50
"""Number of records that are read before some of them are added to a transaction, which may have few large ones."""

_log = structlog.get_logger(__name__)


def is_full(writes: WriteSet) -> bool:
    """Return whether a job adds no further records to a transaction."""
    return writes.characters > MAX_CHARACTERS or writes.cost > JOB_COST


async def add_records(
    client: GremlinClient, writes: WriteSet, vids: Sequence[int], add: Callable[[int, Record], None]
) -> int:
    """Call ``add``, which adds a change to ``writes``, for one stored vertex after the other, in turns.

    ``add`` gets the vertex id and the record. Records are read READ_AT_ONCE at a time. Return how many of the vertices
    one transaction may have. If that is less than all, ``writes`` is too large.
    """
    turns = OperationBudget()
    for begin in range(0, len(vids), READ_AT_ONCE):
        some = vids[begin : begin + READ_AT_ONCE]
        records = await read_records(client, some)
        async for count, vid in turns.in_turns(enumerate(some, begin)):
            if vid in records:
                add(vid, records[vid])
                if count and is_full(writes):
                    return count
    return len(vids)


class OutboxWorker(ABC):
    """Works off the entries of one kind. ``lock`` is that of the writers, ``name`` the kind, also in reports.

    ``rest_seconds`` is the pause after all entries were worked off. Entries that arrive meanwhile are worked off
    together, so that a job with a cost for each round does not make a round for each transaction.
    """

    name = "job"
    rest_seconds = 0.0

    def __init__(
        self,
        client: GremlinClient,
        lock: AbstractAsyncContextManager[None],
        outbox: Outbox,
        clock: Callable[[], int] = epoch_milliseconds,
    ) -> None:
        self._client = client
        self._lock = lock
        self._outbox = outbox
        self._clock = clock
        self._changed = outbox.listen()

    @abstractmethod
    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Work off one batch of the first entries that are due (:meth:`Outbox.due`); return whether there was work.

        A transaction of the batch may raise LostTurnError. The next call then repeats the batch, as far as it is not
        stored.
        """

    async def run(self) -> None:
        """Work until cancelled. A failure is logged and retried after a pause.

        The pause is MIN_PAUSE_SECONDS, doubles with each failure in a row up to MAX_PAUSE_SECONDS, and is shortened at
        random by up to half.
        """
        failures, pause = 0, MIN_PAUSE_SECONDS
        while True:
            try:
                if not await self.step():
                    await asyncio.sleep(self.rest_seconds)
                    await self._wait()
                failures, pause = 0, MIN_PAUSE_SECONDS
                self._outbox.failing_jobs.discard(self.name)
            except Exception:  # noqa: BLE001 - the job boundary
                failures += 1
                self._outbox.failing_jobs.add(self.name)
                _log.exception(f"{self.name}_job_failed", failures=failures)
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads retries, hides nothing
                pause = min(2 * pause, MAX_PAUSE_SECONDS)

    async def step(self) -> bool:
        """Work off one batch under the lock of the writers, if this process runs the jobs of the store.

        A process that does not run them takes the lock only if its entries may differ from the store. Return whether to
        take the next step at once, because there was work or a conflict.
        """
        self._changed.clear()
        if not (self._leads or self._outbox.stale or self._outbox.unanswered.is_look_due):
            return False
        async with self._lock:
            await begin_plan(self._client, self.name)
            if self._outbox.stale:
                await self._outbox.load(self._client, self._clock() + UNCHANGED_MS)
            if self._outbox.unanswered.is_look_due:
                await self._outbox.look(self._client)
            worked = self._leads and await self._advance_due()
            if not worked:
                await end_plan(self._client)
        await asyncio.sleep(0)
        return worked

    @property
    def _order(self) -> WriteOrder | None:
        return self._client.write_order

    @property
    def _leads(self) -> bool:
        """Whether this process runs the jobs of the store."""
        return self._order is None or self._order.leads

    async def _advance_due(self) -> bool:
        """Work off one batch of what is due; return whether to continue at once.

        After a failure the outbox is stale, so the next step loads it: the store may have further vertices of a
        frontier, and memory may be ahead of the store. After a lost turn nothing is loaded, and the batch is repeated.
        Otherwise a job that loses its turns would begin again and again, for all entries.
        """
        now, is_stale = self._clock(), True
        try:
            due = self._outbox.due(self.name, now)
            with self._client.work.job(self.name, len(due)):
                worked = await self.advance(due)
            is_stale = False
        except LostTurnError:
            worked, is_stale = True, False
        finally:
            self._outbox.stale |= is_stale
        return worked

    async def _wait(self) -> None:
        """Wait until the event of :meth:`Outbox.listen` is set or an entry is due, at most MAX_PAUSE_SECONDS.

        While entries are unanswered, wait at most until the next look for them.
        """
        due = self._outbox.next_due(self.name) if self._leads else None
        limit = LOOK_SECONDS if self._outbox.unanswered else MAX_PAUSE_SECONDS
        pause = limit if due is None else min((due - self._clock()) / 1_000, limit)
        try:
            async with asyncio.timeout(max(pause, 0)):
                await self._changed.wait()
        except TimeoutError:
            return
