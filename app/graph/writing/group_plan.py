"""Plans the batches of several calls for one transaction, with the results of separate, successive transactions.

The batches are planned in order over one working set, each with the author, policy and instants of its call, on the
state that the earlier ones leave. The effects of a batch on other assets precede the plan of the next batch. A batch
that is atomic and has a rejected item, or whose plan fails with an error, is undone; the others are not affected. A
TransientConflictError, or the error of a read that all batches share, fails the plan of all.

All writers wait meanwhile, so the plan ends when its time is over (:mod:`app.graph.writing.plan_time`), or when it
takes the store more than MAX_COST to write (:mod:`app.graph.records.native.write_cost`). A batch may be planned in
part, with the effects of its planned items: the last one, and others while several callers write. An atomic one is not.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from time import perf_counter
from typing import Final

from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.reads.read_limits import AheadLimits, ManyElementsError
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.errors import CostlyWriteError, TransientConflictError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.native.write_cost import MAX_COST, NOTHING, WriteSize
from app.graph.records.receipt_record import receipt_name
from app.graph.writing.batch_planner import keys_of, plan_item
from app.graph.writing.call_batch import CallBatch
from app.graph.writing.effects.batch_effects import batch_effects
from app.graph.writing.effects.counting_children import CountingChildren, ManyChildrenError, expected_parents
from app.graph.writing.handlers.observe import tables_in
from app.graph.writing.plan_time import PlanTime
from app.graph.writing.prefetch import TransactionReads, attached_records_of, prefetch, teams_of_names
from app.graph.writing.transaction_limits import is_divisible, limits_of, part_of, refuse_costly_ends
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.item_size import is_long, may_reach
from app.graph.writing.unit.read_set import ReadSet
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.execution.side_thread import LONG_PART_SECONDS, run_aside, run_in_turn
from graphql_schema.ports.commands import Command
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import WriteOutcome, not_written
from graphql_schema.ports.turns.gradual_release import RELEASE
from policies.blurred_limit import blurred
from policies.errors import LimitError

FEW: Final = 20
"""Number of records and edges that a deletion examines in a few milliseconds; one with 500 properties takes 2 ms."""


@dataclass(slots=True)
class BatchPlan:
    """The plan of one batch: the outcomes of its first items, or the ``error`` of its call, and outbox ``entries``.

    All items have outcomes, unless there was no time for those behind the last one that has.
    ``writes`` states whether the batch changes records, edges or receipts. ``cost`` is what it takes the store to write
    it, and ``seconds`` what it took to plan it. ``own`` has the cost and the bytes of its records, without effects
    on other assets.
    """

    batch: CallBatch
    author: Author
    outcomes: list[WriteOutcome] = field(default_factory=list)
    error: Exception | None = None
    writes: bool = False
    cost: int = 0
    own: WriteSize = NOTHING
    seconds: float = 0.0
    entries: list[OutboxEntry] = field(default_factory=list)

    def complete(self) -> None:
        """Give the call its outcomes or its error, and refer no longer to the error, whose frames refer to the plan."""
        if self.error is None:
            self.batch.complete(self.outcomes)
        else:
            self.batch.fail(self.error)
            self.error = None


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """The plan of a transaction: the working set that it writes, and the plans of its batches.

    ``read_seconds`` is for how long the store has read for it under the write lock, by estimate.
    """

    state: WorkingSet
    batches: Sequence[BatchPlan]
    read_seconds: float = 0.0

    @property
    def entries(self) -> list[OutboxEntry]:
        """Return the outbox entries of all batches."""
        return [entry for plan in self.batches for entry in plan.entries]

    @property
    def own(self) -> WriteSize:
        """Return what it takes the store to write what the items change, without the effects on other assets.

        These are bounded by themselves: what others derived from an asset must not refuse its change.
        """
        return WriteSize(sum(each.own.cost for each in self.batches), sum(each.own.size for each in self.batches))

    def refuse_costly(self) -> None:
        """Raise CostlyWriteError if it takes the store more than each batch may cost to write what the items change."""
        if self.own.cost > max(each.batch.max_cost for each in self.batches):
            raise CostlyWriteError(max(each.batch.named_cost for each in self.batches))

    @property
    def is_divisible(self) -> bool:
        """Whether the transaction can be divided."""
        return is_divisible([plan.batch for plan in self.batches])

    @property
    def now(self) -> int:
        """Return the latest ``now`` of the authors of its batches, in epoch milliseconds."""
        return max(plan.author.now for plan in self.batches)


FEW_TABLES: Final = 2
"""Number of tables with columns, of an event, up to which it is planned on the event loop: each may take 10 ms."""

MAX_ROUNDS: Final = 100
"""Maximal number of times that a transaction is read and planned: each plan may find that it needs further reads."""


class ReadAheadError(Exception):
    """The plan of an only batch needs to read more than it may: read ahead what it needs, as its ``author``.

    ``missing`` are the reads that it has requested. Never leaves the writer.
    """

    def __init__(self, author: Author, missing: ReadSet) -> None:
        super().__init__()
        self.author = author
        self.missing = missing


class GroupPlanner:
    """Plans batches of one tenant, under the write lock. ``missing`` collects the reads that planning needs.

    ``planned`` is the plan, None before it is made, or if that fails.
    With ``authors``, those of an earlier plan, it only reads ahead for a batch, without the lock.
    """

    def __init__(
        self,
        client: GremlinClient,
        coordinator: WriteCoordinator,
        batches: Sequence[CallBatch],
        missing: ReadSet,
        authors: Sequence[Author] = (),
    ) -> None:
        self.planned: GroupPlan | None = None
        self.batches = batches
        self._client = client
        self._coordinator = coordinator
        self._authors = authors or [batch.new_author() for batch in batches]
        self._missing = missing
        self._is_ahead = bool(authors)
        self._max_cost = blurred(MAX_COST)  # what is hidden counts: a caller sees how many items it has
        self._time = PlanTime()
        self._reads: TransactionReads | None = None
        self._read_seconds = 0.0
        flows = StoredFlows(client, coordinator.propagation_stops, max(author.now for author in self._authors))
        self._children = CountingChildren(flows)
        self._flows = replace(flows, on_read=self._time.count_read)

    @property
    def read_seconds(self) -> float:
        """For how many seconds the store has read, by estimate, also for a plan that fails."""
        return self._read_seconds + (self._reads.seconds if self._reads else 0.0)

    @property
    def plan_seconds(self) -> float:
        """How many seconds planning took, by the count of :mod:`app.graph.writing.plan_time`, also if it fails."""
        return sum(self._time.seconds.values())

    async def plan(self) -> GroupPlan:
        """Return the plan of the transaction, after reading and planning until planning needs no further reads.

        It has at least the first item of the first batch. Batches at the end are left out if its time is over before,
        or its texts for the index are long. So are items at the end of a batch that takes long, unless it is atomic.
        Raises the error of a read that all batches share, the TransientConflictError of any read, and LimitError after
        MAX_ROUNDS, or once no call waits for the plan any more. Other errors of one batch are in its plan. What a
        transaction reads is bounded: WriteTooLargeError is raised if it can be divided, else ReadAheadError.
        """
        for batch in self.batches:
            if batch.children.parents:
                await self._children.add(batch.children)
        try:
            plan, reads = await self._plan(await self._first_reads())
        except ManyElementsError:
            raise ReadAheadError(self._authors[0], self._missing) from None
        self.batches[0].ahead.keep(reads)
        self.planned = plan
        return plan

    async def read_ahead(self) -> TransactionReads:
        """Return what the plan of a batch reads, without limits but those of its operation; nothing is planned.

        Other writers need not wait. Raises LimitError if the operation reads too much.
        """
        (batch,) = self.batches
        limits = AheadLimits(batch.budget, (batch.tenant, batch.caller))
        return (await self._plan(TransactionReads(self._client, batch.tenant, limits, self._authors[0].now)))[1]

    async def _first_reads(self) -> TransactionReads:
        """Return what was read ahead for the only batch, as it is now; else reads that have begun nothing.

        What its earlier plans have requested is ``missing``, too.
        """
        if len(self.batches) > 1:
            return self._new_reads()
        ahead = self.batches[0].ahead
        self._missing.add(ahead.missing)
        return await ahead.refreshed(limits_of(self.batches)) or self._new_reads()

    async def _plan(self, reads: TransactionReads) -> tuple[GroupPlan, TransactionReads]:
        """Read and plan until planning needs no further reads; return the plan, and what was read for it."""
        items = [item for batch in self.batches for item in batch.items]
        of_items = ((a, item) for batch, a in zip(self.batches, self._authors, strict=True) for item in batch.items)
        receipts = [receipt_name(author.subject, key) for author, item in of_items for key in keys_of(item)]
        await self._request_named()
        self._reads, self._read_seconds = reads, -reads.seconds  # what others wrote meanwhile does not count
        for _ in range(MAX_ROUNDS):
            state = await prefetch(reads, items, receipts, self._missing)
            planned = await self._plan_batches(state)
            if state.missing.within(self._missing):
                return GroupPlan(state, planned, self.read_seconds), reads
            self._missing.add(state.missing)
            await self._continue(state.searches, reads)
            for each in planned:
                each.error = None  # its frames refer to the state
            state.free_in_turns(planned)
            del state, planned
            if self._is_over:
                break
            if self._client.write_order is not None and not self._is_ahead:
                self._read_seconds = self.read_seconds
                RELEASE.free([reads])  # others write meanwhile: a plan must not mix earlier and later states
                reads = self._reads = self._new_reads()
        raise LimitError(f"The change needs more than {MAX_ROUNDS} reads after one another; make it in several calls.")

    @property
    def _is_over(self) -> bool:
        """Whether no call waits for the plan any more; who reads ahead does not wait for it."""
        return not self._is_ahead and all(batch.is_over for batch in self.batches)

    async def _continue(self, searches: Sequence[Callable[[WorkingSet], bool]], reads: TransactionReads) -> None:
        """Read what searches need that a plan has begun, level by level, so that the next plan finds all of it."""
        for _ in range(MAX_ROUNDS if searches else 0):
            state = await reads.read(self._missing)
            searches = [search for search in searches if await run_aside(search, state)]
            self._missing.add(state.missing)
            state.free_in_turns()
            del state
            if not searches or self._is_over:
                break

    def _new_reads(self) -> TransactionReads:
        now = min(author.now for author in self._authors)
        return TransactionReads(self._client, self._authors[0].tenant, limits_of(self.batches), now)

    async def _request_named(self) -> None:
        """Request the records of events, and the teams of reserved names, which the items need beside what they name.

        A long item is examined in the side thread, the others in turns.
        """
        authors = zip(self.batches, self._authors, strict=True)
        named = ((item, author) for batch, author in authors for item in batch.items)
        async for item, author in OperationBudget().in_turns(named):
            await run_in_turn(self._add_named, is_long(item), item, author)

    def _add_named(self, item: Command, author: Author) -> None:
        self._missing.records.update(attached_records_of(item, author), teams_of_names(item, author))

    async def _plan_batches(self, state: WorkingSet) -> list[BatchPlan]:
        """Plan every batch on the state that the earlier ones leave, with their sensitivity floors."""
        if len(self.batches) > 1:
            await self._read_children(state)
        done: list[BatchPlan] = []
        self._time.begin_round()
        for batch, author in zip(self.batches, self._authors, strict=True):
            if done and self._is_full(state):
                break
            plan = BatchPlan(batch, self._under_floors(author, done))
            state.begin(batch.children.of_parent)
            before = self._time.seconds[None]
            try:
                await self._plan_batch(plan, state)
            except TransientConflictError:
                raise
            except Exception as error:  # noqa: BLE001 - the boundary of a call; others of the transaction must not fail
                await run_in_turn(state.undo, state.batch_is_long)
                plan.error, plan.entries, plan.own = error, [], NOTHING
            plan.writes, plan.cost = state.batch_writes, (await _written_by_batch(state)).cost
            plan.seconds = self._time.seconds[batch] + self._time.seconds[None] - before
            done.append(plan)
        return done

    async def _read_children(self, state: WorkingSet) -> None:
        """Read the children that the effects of the batches probably need, for all together; a dry run has none."""
        parents = set[int]()
        async for batch, author in OperationBudget().in_turns(zip(self.batches, self._authors, strict=True)):
            if not batch.dry_run:
                parents |= expected_parents(batch.items, state, author)
        with suppress(ManyChildrenError):  # few of some batches may be read nevertheless
            await self._children.of(sorted(parents))

    async def _plan_batch(self, plan: BatchPlan, state: WorkingSet) -> None:
        """Plan the items of one batch; add its effects if it has writes and all reads that it needs were made."""
        batch, author = plan.batch, plan.author
        items = self._items_that_fit(batch, state)
        async for item in batch.budget.in_turns(items):
            is_long = self._is_long(item, state, batch)
            plan.outcomes += await run_in_turn(self._planned, is_long, [item], items if is_long else (), state, plan)
        if state.unread_parents and not self._is_ahead:
            raise ManyChildrenError(sorted(state.unread_parents), author.now)
        rejected = [index for index, outcome in enumerate(plan.outcomes) if not outcome.stored]
        if batch.atomic and rejected:
            await run_in_turn(state.undo, state.batch_is_long)
            plan.outcomes = [
                outcome if index in rejected else not_written(rejected[0])
                for index, outcome in enumerate(plan.outcomes)
            ]
        plan.own = await _written_by_batch(state)
        if plan.own.cost > batch.max_cost:  # before its effects are found, in vain
            raise CostlyWriteError(batch.named_cost)
        if state.batch_writes and state.missing.within(self._missing) and not self._is_ahead:
            plan.entries = await batch_effects(state, author, self._flows, self._children, self._coordinator)
            await run_in_turn(state.written.count_entries, state.batch_is_long, plan.entries)
            refuse_costly_ends(batch, plan.own, plan.entries)

    def _is_full(self, state: WorkingSet) -> bool:
        """Return whether the transaction should begin no further item, after at least one."""
        return self._time.is_over or state.written.cost > self._max_cost

    def _items_that_fit(self, batch: CallBatch, state: WorkingSet) -> Iterator[Command]:
        """Yield the first item of a batch, and the others until the transaction is full.

        All items of an atomic batch are yielded, or LimitError is raised. If the operation of the batch ends meanwhile,
        the error that ended it is raised. It may have a part of the transaction only (:func:`part_of`).
        """
        cost, seconds = part_of(batch, self._coordinator.contention, self._max_cost)
        cost, seconds = state.written.cost + cost, self._time.round_seconds + seconds
        for index, item in enumerate(batch.items):
            batch.budget.check()
            if batch.atomic:
                self._time.refuse_long(batch)
            elif index and (self._is_full(state) or state.written.cost > cost or self._time.round_seconds > seconds):
                return
            yield item

    def _is_long(self, item: Command, state: WorkingSet, batch: CallBatch) -> bool:
        """Return whether an item is planned in the side thread, so that others run meanwhile.

        Over a long working set every item counts as long, because it can end very many edges. So does, over more than
        FEW records and edges, an item that may change what it does not name, or has the policy decide about it. So does
        an event about more than FEW_TABLES with columns. If its call has read many children, the policy decides about
        each that differs.
        """
        reaches = may_reach(item) and len(state.vertices) + len(state.edges) > FEW
        follows_much = reaches or state.is_long or bool(batch.children.parents)
        return follows_much or is_long(item) or tables_in(item, state, batch.tenant) > FEW_TABLES

    def _planned(
        self, first: Sequence[Command], further: Iterable[Command], state: WorkingSet, plan: BatchPlan
    ) -> list[WriteOutcome]:
        """Return the outcomes of the first items, and of further ones for LONG_PART_SECONDS.

        Before each call in the side thread, a call of others may run there, while all writers wait.
        """
        outcomes, ends = list[WriteOutcome](), perf_counter() + LONG_PART_SECONDS
        for item in chain(first, further):
            planner = partial(plan_item, item, state, plan.author, dry_run=plan.batch.dry_run or self._is_ahead)
            outcomes.append(self._time.timed(planner, plan.batch))
            if perf_counter() > ends:
                break
        return outcomes

    def _under_floors(self, author: Author, earlier: Sequence[BatchPlan]) -> Author:
        """Return the author, also under the floors of earlier batches of the transaction.

        These floors become active for others when the transaction is written.
        """
        floors = [entry.floor for plan in earlier for entry in plan.entries if entry.floor is not None]
        if not floors:
            return author
        view = self._coordinator.outbox.floors.view(author.tenant)
        for floor in floors:
            view.add(floor)
        return replace(author, floors=view)


async def _written_by_batch(state: WorkingSet) -> WriteSize:
    """Return what it takes to write the changes of the current batch; of very many, in the side thread."""
    return await run_in_turn(lambda: state.written.of_batch, state.batch_is_long)
