"""The writer of one caller. Batches run under one lock: each is read, planned, and written in one transaction.

The path of an item, top to bottom: :meth:`PolicedWriter.write` splits the call into batches. ``_transaction`` reads
what the batch needs and plans it (:mod:`app.graph.writing.batch_planner`: replay, handler, audit, receipt). ``_commit``
adds what the batch implies for other assets (:mod:`app.graph.writing.effects`) and writes everything at once.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import TransientConflictError, VertexExistsError, WriteRefusedError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.receipt_record import receipt_name
from app.graph.writing.batch_planner import keys_of, plan_item, registered_ids
from app.graph.writing.effects.batch_diff import BatchDiff
from app.graph.writing.effects.inference_outbox import inference_entries
from app.graph.writing.effects.raise_audit import audited_levels, stage_raises
from app.graph.writing.effects.raise_sensitivity import raise_sensitivity
from app.graph.writing.effects.tag_outbox import tag_entries
from app.graph.writing.prefetch import prefetch
from app.graph.writing.rules.known_references import without_known
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.read_set import ReadSet
from app.graph.writing.unit.rejections import conflict, invalid
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.ports.commands import Command, RegisterCommand
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import WriteOutcome, not_written
from policies.access import Access
from policies.disclosure import Disclosure

MAX_BATCH_ITEMS: Final = 250
"""Maximal number of items in one transaction, unless the call is atomic."""

MAX_BATCH_EDGES: Final = 2_500
"""Maximal number of edges that one transaction declares, unless one item has more or the call is atomic."""

CONTENDED_SHARE: Final = 5
"""While several callers write, both maxima are divided by this, so that none waits long for the others."""

MAX_ATTEMPTS: Final = 6
"""Maximal number of attempts to write a batch that conflicts with another process."""

MAX_BACKOFF_SECONDS: Final = 0.2
"""Longest pause between two attempts."""


class PolicedWriter:
    """Implements :class:`graphql_schema.ports.protocols.GraphWriter` for one caller.

    ``coordinator`` is shared by all writers of the process. ``batch_size`` is the maximum of items in one
    transaction, unless the call is atomic. Once ``budget`` has ended, no further transaction begins.
    """

    def __init__(
        self,
        client: GremlinClient,
        coordinator: WriteCoordinator,
        access: Access,
        request_id: str = "",
        clock: Callable[[], int] = epoch_milliseconds,
    ) -> None:
        self._client = client
        self._coordinator = coordinator
        self._access = access
        self._principal = access.principal
        self._clock = clock
        self._request_id = request_id
        self.batch_size = MAX_BATCH_ITEMS
        self.budget = OperationBudget()

    async def write(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """See :class:`graphql_schema.ports.protocols.GraphWriter`.

        Raises StoreUnavailableError if the store is unreachable or a conflict with another process persists, and the
        error of ``budget`` if the operation has ended. Earlier batches are written then, and the current one may be:
        repeat the call with the same idempotency keys, or read the state. Raises StoreFailedError if the store fails a
        read, refuses the credentials or returns an unusable response. An atomic call that the store refuses raises
        WriteRefusedError or VertexExistsError; nothing is written then.
        """
        if dry_run:
            return await self._written(items, dry_run=True, atomic=atomic)
        with self._coordinator.contention.call((self._principal.tenant, self._principal.subject)):
            return await self._written(items, dry_run=dry_run, atomic=atomic)

    async def _written(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        if atomic:
            return await self._batch(items, dry_run=dry_run, atomic=True) if items else []
        outcomes: list[WriteOutcome] = []
        refused: set[str] = set()
        while len(outcomes) < len(items):
            batch = [without_known(each, refused) for each in self._batch_from(items, len(outcomes))]
            written = await self._halving(batch, dry_run=dry_run)
            refused |= registered_ids(each for each, outcome in zip(batch, written, strict=True) if not outcome.stored)
            outcomes += written
        return outcomes

    def _batch_from(self, items: Sequence[Command], begin: int) -> Sequence[Command]:
        """Return the items of the next transaction, which begin at an index: few while several callers write."""
        share = CONTENDED_SHARE if self._coordinator.contention.is_contended else 1
        end, edges = begin, 0
        while end < len(items) and end - begin < max(1, self.batch_size // share):
            edges += _edge_count(items[end])
            if edges > MAX_BATCH_EDGES // share and end > begin:
                break
            end += 1
        return items[begin:end]

    async def _halving(self, items: Sequence[Command], *, dry_run: bool) -> list[WriteOutcome]:
        """Write a batch; if the store refuses its values, write its halves, down to the item that is refused."""
        try:
            return await self._batch(items, dry_run=dry_run, atomic=False)
        except VertexExistsError:
            if len(items) == 1:
                message = "Another client has created an asset of this item at the same time; call again."
                return [conflict(message, None).outcome]
        except WriteRefusedError as error:
            if len(items) == 1:
                classes = ", ".join(error.classes) or "an unknown error"
                advice = "check the types of its values. If they are right, inform the operators."
                return [invalid(f"The store refuses this item with {classes}; {advice}").outcome]
        half = len(items) // 2
        return [
            *await self._halving(items[:half], dry_run=dry_run),
            *await self._halving(items[half:], dry_run=dry_run),
        ]

    async def _batch(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """Write the accepted items of a batch in one transaction; none if it is atomic and an item is rejected.

        Start again if another process has written at the same time. After MAX_ATTEMPTS, the conflict is raised as
        VertexExistsError or TransientConflictError. Raises the error that ended the operation.
        """
        missing = ReadSet()
        for attempt in range(MAX_ATTEMPTS):
            try:
                async with self._coordinator.lock:
                    self.budget.check()
                    try:
                        return await self._transaction(items, missing, dry_run=dry_run, atomic=atomic)
                    finally:
                        self._coordinator.commit_log.end()
            except (VertexExistsError, TransientConflictError):
                if attempt == MAX_ATTEMPTS - 1:
                    raise
            await asyncio.sleep(random.uniform(0, MAX_BACKOFF_SECONDS))  # noqa: S311 - spreads writers, hides nothing
        raise AssertionError  # the last attempt returns or raises

    async def _transaction(
        self, items: Sequence[Command], missing: ReadSet, *, dry_run: bool, atomic: bool
    ) -> list[WriteOutcome]:
        """Read, plan and write a batch. ``missing`` collects the reads that planning needs, also for later attempts."""
        author = self._author()
        batch, outcomes = await self._plan(items, author, missing, dry_run=dry_run)
        rejected = [index for index, outcome in enumerate(outcomes) if not outcome.stored]
        if atomic and rejected:
            return [
                outcome if index in rejected else not_written(rejected[0]) for index, outcome in enumerate(outcomes)
            ]
        if batch.has_writes:
            await self._commit(batch, author)
        return outcomes

    async def _plan(
        self, items: Sequence[Command], author: Author, missing: ReadSet, *, dry_run: bool
    ) -> tuple[WorkingSet, list[WriteOutcome]]:
        """Read and plan until planning needs no further reads."""
        receipts = [receipt_name(author.subject, key) for item in items for key in keys_of(item)]
        while True:
            batch = await prefetch(self._client, author.tenant, items, receipts, missing)
            outcomes = [plan_item(item, batch, author, dry_run=dry_run) async for item in self.budget.in_turns(items)]
            if batch.missing.within(missing):
                return batch, outcomes
            missing.add(batch.missing)

    def _author(self) -> Author:
        principal, coordinator, now = self._principal, self._coordinator, self._clock()
        return Author(
            principal.tenant,
            principal.subject,
            now,
            self._access.may,
            self._access.is_discoverable,
            self._access.reads_field,
            coordinator.outbox.floors.view(principal.tenant),
            coordinator.propagation_stops,
            audit_instant=coordinator.commit_log.instant(now),
            request_id=self._request_id,
            gates=coordinator.gates,
            hidden_fields=self._access.fields_hidden_by_rules,
            identities=principal.owners,
            logged_fields=self._access.logged_fields,
            user=principal.user,
            owners=principal.owners,
            principal=principal,
            discloses_hidden=coordinator.disclosure is not Disclosure.NONE,
        )

    async def _commit(self, batch: WorkingSet, author: Author) -> None:
        """Write a batch in one transaction, with raised sensitivity and the outbox entries for background jobs."""
        outbox = self._coordinator.outbox
        flows = StoredFlows(self._client, author.propagation_stops, author.now)
        levels = audited_levels(batch, author)
        diff = await BatchDiff.by(batch, author, flows)
        entries = await raise_sensitivity(diff, flows, outbox)
        stage_raises(batch, author, levels)
        all_flows = replace(flows, stops=frozenset())
        entries += await tag_entries(diff, all_flows, outbox, self._coordinator.propagating_tags)
        entries += inference_entries(diff, outbox, self._coordinator.inference_rules)
        writes = WriteSet()
        async for _ in self.budget.in_turns(batch.add_writes(writes, author.now)):
            pass
        with outbox.committing(entries):
            writes.outbox(entries)
            await writes.submit(self._client)
        self._coordinator.commit_log.written()


def _edge_count(item: Command) -> int:
    """Return the number of edges that an item declares."""
    return sum(len(each.targets) for each in item.edges) if isinstance(item, RegisterCommand) else 1
