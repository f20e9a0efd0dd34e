"""Group commit: batches of several calls that wait are written together, as one transaction of the store.

A transaction costs the store more than the items in it, because each makes a segment of the index. The first call that
waits starts the leader, a task of its own, so that a call that is cancelled does not end the writes of others. The
leader takes the write lock, then a group of batches from the queue (:mod:`app.graph.commits.write_queue`). It plans
them in order (:mod:`app.graph.writing.group_plan`), writes them, and gives each call its outcomes; meanwhile the next
batches arrive. No call gets its outcomes before its transaction is stored. If the plan takes long, the batches that it
has not begun return to the queue. The call of a batch that it has not ended continues after the last planned item.

All writers wait for a plan, so it reads little. If a batch needs more, its call reads that by itself, and records what
is written meanwhile. The batch is then planned again over what was read; only what was written is read once more.

If the store refuses a transaction, its batches return to the queue. Halves of them are then written, in the turns of
their callers, down to the batch that is refused. Unless this batch is atomic, the writer of its call continues down to
the item. After a conflict with another process, the transaction is planned again, with at most MAX_CONFLICTS
attempts. If a vertex that it creates exists, it has at most MAX_ATTEMPTS, and is then divided like a refused one. It is
divided at once if no other transaction can have created that vertex.
"""

import asyncio
import random
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, cast

from app.graph.commits.late_writes import begin_plan, end_plan
from app.graph.commits.reads.read_limits import AheadLimits
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_queue import QueuedWrite
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import (
    StoreUnavailableError,
    TransientConflictError,
    VertexExistsError,
    WriteRefusedError,
    WriteTooLargeError,
)
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.writes_since import WritesSince
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.writing.call_batch import CallBatch
from app.graph.writing.caller_shares import charges, charges_of_failed, only_caller, writers
from app.graph.writing.effects.counting_children import ManyChildrenError
from app.graph.writing.group_plan import GroupPlan, GroupPlanner, ReadAheadError
from app.graph.writing.transaction_limits import read_much
from app.graph.writing.unit.read_set import ReadSet
from graphql_schema.execution.side_thread import LONG_PART_SECONDS, run_in_parts
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import WriteOutcome
from policies.blurred_limit import blurred

MAX_ATTEMPTS: Final = 6
"""Maximal number of attempts to write a transaction that creates a vertex which exists."""

MAX_CONFLICTS: Final = 60
"""Maximal number of attempts to write a transaction that conflicts with one of another process."""

MAX_TURN_SECONDS: Final = 0.1
"""Longest pause in seconds for other processes between two transactions: without it they would rarely get a turn."""

MAX_BACKOFF_SECONDS: Final = 0.2
"""Longest pause between two attempts, in seconds."""

GATHER_SHARE: Final = 0.25
"""Share of the duration of a transaction that the next one waits at most.

It waits for the callers who just got their outcomes, beside those whose batches wait already. Otherwise the callers
form two groups that write in turns, in twice as many transactions. After a transaction of a single batch, there is no
wait if none is in the queue.
"""

MAX_GATHER_SECONDS: Final = 0.02
"""Longest wait for new batches by GATHER_SHARE, in seconds."""

MAX_GROUP_BYTES: Final = 4 * 1024 * 1024
"""Maximal number of bytes of the records in one transaction, unless its only batch is atomic or has one item.

The raise of other assets does not count: an item would otherwise be refused because of what others derived.
"""

MAX_TRANSACTION_BYTES: Final = 10 * 1024 * 1024
"""The same for any transaction.

The store accepts requests of 32 MiB, in which records may have twice their bytes, because of quotation marks. So what a
raise adds, at most MAX_RAISED_SIZE, always fits as well. A raise that may not fit would disclose the size of hidden
assets.
"""

MAX_RESTORE_BYTES: Final = 14 * 1024 * 1024
"""The same for the restoration of one asset, because an earlier release deleted more at once.

With what a raise adds, it always fits only if few records are full of quotation marks.
"""


@dataclass(slots=True)
class WriteGroup:
    """Batches to write in one transaction, and the attempts so far. ``missing`` are the reads that plans requested."""

    batches: Sequence[CallBatch]
    attempts: int = 0
    missing: ReadSet = field(default_factory=ReadSet)

    @property
    def item_count(self) -> int:
        """The number of items in all batches."""
        return sum(batch.item_count for batch in self.batches)

    def fail(self, error: Exception) -> list["WriteGroup"]:
        """Give all calls the error; return no groups."""
        for batch in self.batches:
            batch.fail(error)
        return []

    def again(self, maximum: int) -> list["WriteGroup"]:
        """Return the group, to plan and write it again; no groups after ``maximum`` attempts."""
        self.attempts += 1
        return [self] if self.attempts < maximum else []


class UnconfirmedWriteError(Exception):
    """A transaction failed with an ``error``, and may be stored. Never leaves this module."""

    def __init__(self, plan: GroupPlan, error: Exception) -> None:
        super().__init__(error)
        self._plan = plan
        self._error = error

    def failed(self) -> list[WriteGroup]:
        """Give the error to the calls whose batches write; return the other batches as a group, to plan them again.

        What the transaction may have stored can change the outcomes of these. Without other batches, return no group.
        """
        for each in self._plan.batches:
            if each.writes:
                each.batch.fail(self._error)
        others = [each.batch for each in self._plan.batches if not each.writes]
        return [WriteGroup(others)] if others else []


class PausedCallerError(Exception):
    """The caller of a batch must wait before its next transaction. Never leaves the writer."""


class GroupCommit:
    """Writes batches of calls together. All instances with one ``coordinator`` share its queue and its leader."""

    def __init__(self, client: GremlinClient, coordinator: WriteCoordinator) -> None:
        self._client = client
        self._coordinator = coordinator
        self._queue = coordinator.queue

    async def write(self, batch: CallBatch) -> list[WriteOutcome]:
        """Return the outcomes of a batch after its transaction; raises the error that ends it.

        If the plan takes long, these are the outcomes of its first items, at least of one: write the others next. All
        items of an atomic batch have outcomes.
        A caller whose earlier writes left much work for the jobs waits first; StoreUnavailableError ends a long wait.
        A caller whose last transaction took long waits, too, while others write. A job shares its transaction with no
        call, which would have to wait for what the job reads.
        """
        caller = (batch.tenant, batch.caller)
        if not (batch.dry_run or batch.of_job):  # a job would wait for itself
            await self._coordinator.outbox.wait_for_jobs(caller)
        try:
            while True:
                await self._wait(batch)
                await batch.ahead.catch_up(AheadLimits(batch.budget, caller))
                batch.alone |= batch.of_job or self._coordinator.long_writers.is_apart(caller)
                self._queue.add(batch)
                if self._queue.leader is None:
                    self._queue.leader = asyncio.create_task(self._lead(), context=Context())
                try:
                    return await batch.done
                except PausedCallerError:
                    pass
                except ManyChildrenError as error:
                    await self._read_children(batch, error)
                except ReadAheadError as error:
                    await self._wait(batch)  # what is read becomes old in a pause
                    await self._read_ahead(batch, error)
                batch.renew()
        finally:
            batch.ahead.end()
            batch.forget_error()

    async def _wait(self, batch: CallBatch) -> None:
        """Return when the caller of a batch may begin a transaction; a job does not wait."""
        if not batch.of_job:
            await self._coordinator.long_writers.wait((batch.tenant, batch.caller), batch.budget.check)

    async def _read_children(self, batch: CallBatch, needed: ManyChildrenError) -> None:
        """Read the children that the plan of a batch needs, while others write; their time is that of the call.

        The batch then has a transaction of its own, whose children are the stored ones: those that an earlier batch of
        the same transaction adds would not be among them.
        """
        batch.alone = True
        await self._record_writes(batch.children.written)
        caller = (batch.tenant, batch.caller)
        flows = StoredFlows(self._client, self._coordinator.propagation_stops, needed.now, caller=caller)
        await batch.children.read(flows, needed.parents, batch.budget)

    async def _read_ahead(self, batch: CallBatch, needed: ReadAheadError) -> None:
        """Read what the plan of a batch needs, while others write; the batch then has a transaction of its own."""
        batch.alone = True
        batch.ahead.missing.add(needed.missing)
        await self._record_writes(batch.ahead.written)
        planner = GroupPlanner(self._client, self._coordinator, [batch], batch.ahead.missing, [needed.author])
        batch.ahead.keep(await planner.read_ahead())

    async def _record_writes(self, written: WritesSince) -> None:
        """Begin to record what is written, at a moment when no earlier transaction can be completed later.

        No transaction follows for which other processes could wait, however often the writers have lost their turns.
        """
        async with self._coordinator.lock:
            await begin_plan(self._client, "reader")
            written.begin(self._client)

    async def _lead(self) -> None:
        """Write until no batch waits."""
        groups: list[WriteGroup] = []
        try:
            while groups or self._queue:
                if groups and groups[0].attempts:
                    pause = random.uniform(0, MAX_BACKOFF_SECONDS)  # noqa: S311 - spreads writers, hides nothing
                    await asyncio.sleep(pause)
                async with self._coordinator.lock:
                    begun = perf_counter()
                    group = groups.pop(0) if groups else self._taken()
                    size = len(group.batches)
                    groups = [*await self._written(group), *groups]
                    if not groups:
                        await end_plan(self._client)
                is_alone = size <= 1 and not self._queue
                duration = perf_counter() - begun
                if size and not (groups or is_alone):
                    await self._queue.gather(size, min(MAX_GATHER_SECONDS, GATHER_SHARE * duration))
                if self._client.write_order is not None and self._queue:
                    await asyncio.sleep(min(duration, MAX_TURN_SECONDS))  # the turn of another process
        finally:
            self._queue.leader = None

    def _taken(self) -> WriteGroup:
        """Return the next group of the queue, in which writers put only batches of calls.

        Batches of a caller who must wait leave the queue: they were in it before the caller's long transaction ended.
        """
        for batch in cast("list[CallBatch]", self._queue.remove(self._must_wait)):
            if not batch.is_over:
                batch.fail(PausedCallerError())
        taken = self._queue.take(is_contended=self._coordinator.contention.is_contended)
        return WriteGroup(cast("list[CallBatch]", taken))

    def _must_wait(self, batch: QueuedWrite) -> bool:
        is_of_job = cast("CallBatch", batch).of_job
        return not is_of_job and self._coordinator.long_writers.must_wait((batch.tenant, batch.caller))

    async def _written(self, group: WriteGroup) -> list[WriteGroup]:
        """Write a group and give its calls their outcomes or errors; return the groups that remain to be written.

        Batches whose calls have ended are dropped first.
        """
        group.batches = [batch for batch in group.batches if not batch.is_over]
        if not group.batches:
            return []
        try:
            return await self._attempt(group)
        finally:
            self._coordinator.commit_log.end()

    async def _attempt(self, group: WriteGroup) -> list[WriteGroup]:
        """Plan and write a group once, and give its calls their outcomes or errors; return the groups that remain."""
        try:
            with self._client.work.transaction([batch.origin for batch in group.batches], group.item_count):
                await begin_plan(self._client, "writer")
                planner = GroupPlanner(self._client, self._coordinator, group.batches, group.missing)
                with self._counted(planner):
                    plan = await planner.plan()
                    self._put_back(group, plan)
                    await self._commit(plan)
        except VertexExistsError as error:
            return (group.again(MAX_ATTEMPTS) if self._may_be_late else []) or self._divided(group, error)
        except TransientConflictError as error:
            return group.again(MAX_CONFLICTS) or group.fail(error)
        except UnconfirmedWriteError as unconfirmed:
            self._coordinator.late_writes.begin()
            self._coordinator.propagating_tags.suspend()
            return unconfirmed.failed()
        except StoreUnavailableError as error:
            return group.fail(error)
        except Exception as error:  # noqa: BLE001 - the boundary of a call; the halves show which one fails
            return self._divided(group, error)
        return await self._completed(group, plan)

    def _divided(self, group: WriteGroup, error: Exception) -> list[WriteGroup]:
        """Return the batches of a refused group to the queue, as halves; the call of a single one gets the error."""
        if len(group.batches) == 1:
            return group.fail(error)
        self._queue.put_back_divided(group.batches)
        return []

    @contextmanager
    def _counted(self, planner: GroupPlanner) -> Iterator[None]:
        """Count the seconds of a transaction, or of its plan that fails, for its callers.

        :mod:`app.graph.writing.caller_shares` decides how many.
        """
        begun = perf_counter()
        try:
            yield
        finally:
            seconds, plan = perf_counter() - begun, planner.planned
            only = only_caller(planner.batches)
            if only is not None and read_much(planner.batches, planner.read_seconds):
                self._coordinator.long_writers.keep_apart(only)
            for caller, counted in (charges(plan, seconds) if plan else charges_of_failed(planner, seconds)).items():
                self._coordinator.long_writers.wrote(caller, *counted)

    def _put_back(self, group: WriteGroup, plan: GroupPlan) -> None:
        """Return the batches of a group for which its plan had no time to the queue."""
        planned = [each.batch for each in plan.batches]
        if len(planned) < len(group.batches):
            self._queue.put_back(group.batches[len(planned) :], planned[-1])
            group.batches = planned

    @property
    def _may_be_late(self) -> bool:
        """Whether a vertex may have been created after the plan has read that it is absent."""
        return not self._client.exclusive or self._coordinator.late_writes.are_possible

    async def _completed(self, group: WriteGroup, plan: GroupPlan) -> list[WriteGroup]:
        """Give the calls of a stored transaction their outcomes, or the error of the wait for the index.

        Return no groups: after the commit, nothing may be written again.
        """
        try:
            await self._coordinator.late_writes.wait_indexed(self._client)
        except Exception as error:  # noqa: BLE001 - the boundary of a call
            return group.fail(error)
        for each in plan.batches:
            each.complete()
        plan.state.free_in_turns()
        return []

    async def _commit(self, plan: GroupPlan) -> None:
        """Write a planned transaction, with its outbox entries; send nothing if it has no writes."""
        if not plan.state.has_writes:
            return
        writes, entries = WriteSet(), plan.entries
        await _encode(plan, writes)
        async for entry in OperationBudget().in_turns(entries):
            writes.outbox([entry])
        callers = writers(plan)
        writes.written_by(caller for caller, is_large in callers.items() if not is_large)
        try:
            with self._coordinator.outbox.committing(entries):
                await writes.submit(self._client)
        except (VertexExistsError, TransientConflictError, WriteRefusedError):
            raise
        except Exception as error:
            raise UnconfirmedWriteError(plan, error) from error
        self._coordinator.commit_log.written()
        self._coordinator.contention.wrote(callers)


async def _encode(plan: GroupPlan, writes: WriteSet) -> None:
    """Add what a plan has to write to ``writes``, in turns; in the side thread if there are long texts among it.

    Raises WriteTooLargeError, before anything is added, if that is more than a transaction may have.
    """
    steps = _encoded(plan, writes)
    if plan.state.has_long_texts:
        await run_in_parts(steps, seconds=LONG_PART_SECONDS)
    else:
        async for _ in OperationBudget().in_turns(steps):
            pass


def _encoded(plan: GroupPlan, writes: WriteSet) -> Generator[None, None, None]:
    """Add one record to ``writes`` before each yield; see :func:`_encode`."""
    plan.refuse_costly()
    maximum = MAX_GROUP_BYTES if plan.is_divisible else MAX_TRANSACTION_BYTES
    if plan.batches[0].batch.is_restoration and not plan.is_divisible:
        maximum = MAX_RESTORE_BYTES
    if plan.own.size > blurred(maximum):
        raise WriteTooLargeError(f"A transaction has at most {maximum} bytes of records.")
    yield from plan.state.add_writes(writes, plan.now)
