"""The writer of one caller: batches under one lock, each read, planned and written as one transaction."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from app.graph.commits.outbox_entry import OUTBOX_ROOT
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_statements import STATE, WRITE
from app.graph.driver.errors import StoreFailedError, TransientConflictError, VertexExistsError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.receipt_record import BUCKET_ROOT, bucket_of, receipt_name
from app.graph.writing.batch_planner import keys_of, plan
from app.graph.writing.effects.batch_diff import BatchDiff
from app.graph.writing.effects.inference_outbox import inference_entries
from app.graph.writing.effects.raise_sensitivity import raise_sensitivity
from app.graph.writing.effects.tag_outbox import tag_entries
from app.graph.writing.prefetch import reading
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.read_set import ReadSet
from app.graph.writing.unit.rejections import conflict, invalid
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.ports.commands import Command, RegisterCommand
from graphql_schema.ports.outcomes import WriteOutcome, not_written
from policies.access import Access

CHUNK: Final = 250
"""Items of one transaction, unless the call is atomic."""


CHUNK_EDGES: Final = 2_500
"""Edges that the items of one transaction declare, unless a single item declares more: what bounds its length."""


ATTEMPTS: Final = 6
"""How often a batch is read and planned again before it is given up."""


MAX_BACKOFF_SECONDS: Final = 0.2
"""Seconds, of the pauses between attempts."""


class PolicedWriter:
    """Implements :class:`graphql_schema.ports.protocols.GraphWriter` for one caller.

    ``coordinator`` is shared by all writers of the process. ``chunk`` is how many items go into one transaction.
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
        self.chunk = CHUNK

    async def write(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """See :class:`graphql_schema.ports.protocols.GraphWriter`.

        Raises StoreUnavailableError when the store went away: items before that may be written, and the same call
        again finds them UNCHANGED. Raises StoreFailedError when the store refuses an atomic call, of which nothing is
        written then.
        """
        if atomic:
            return await self._batch(items, dry_run=dry_run, atomic=True) if items else []
        done: list[WriteOutcome] = []
        for batch in _batches(items, self.chunk):
            done += await self._halving(batch, dry_run=dry_run)
        return done

    async def _halving(self, items: Sequence[Command], *, dry_run: bool) -> list[WriteOutcome]:
        """Write a batch; when the store refuses it, its halves, down to the item that is to blame."""
        try:
            return await self._batch(items, dry_run=dry_run, atomic=False)
        except VertexExistsError:
            if len(items) == 1:
                message = "Somebody else is writing this at the same time; call again."
                return [conflict(message, None).registered]
        except StoreFailedError as error:
            if len(items) == 1:
                shown = ", ".join(error.classes) or "an error of its own"
                return [invalid(f"The store refuses this item with {shown}; check the types of its values.").registered]
        half = len(items) // 2
        return [
            *await self._halving(items[:half], dry_run=dry_run),
            *await self._halving(items[half:], dry_run=dry_run),
        ]

    async def _batch(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """Write a batch whole or not at all; again from the start when another writer was faster."""
        wants = ReadSet()
        for attempt in range(ATTEMPTS):
            try:
                async with self._coordinator.lock:
                    try:
                        return await self._transaction(items, wants, dry_run=dry_run, atomic=atomic)
                    finally:
                        self._coordinator.commit_log.end()
            except (VertexExistsError, TransientConflictError):
                if attempt == ATTEMPTS - 1:
                    raise
            await asyncio.sleep(random.uniform(0, MAX_BACKOFF_SECONDS))  # noqa: S311 - spreads writers, hides nothing
        raise AssertionError  # the last attempt returns or raises

    async def _transaction(
        self, items: Sequence[Command], wants: ReadSet, *, dry_run: bool, atomic: bool
    ) -> list[WriteOutcome]:
        """Read, plan and write; ``wants`` collects what the plan turned out to need beside what the items name."""
        receipts = [receipt_name(self._principal.subject, key) for item in items for key in keys_of(item)]
        author = self._author()
        while True:
            wanted = reading(self._principal.tenant, items, receipts, wants)
            state = wanted.state((await self._client.submit(STATE, wanted.bindings()))[0])
            done = plan(items, state, author, dry_run=dry_run)
            if state.wants.within(wants):
                break
            wants.add(state.wants)
        refused = [index for index, outcome in enumerate(done) if not outcome.stored]
        if atomic and refused:
            return [outcome if index in refused else not_written(refused[0]) for index, outcome in enumerate(done)]
        if state.writes() is not None:
            await self._write(state, author)
        return done

    def _author(self) -> Author:
        who, coordinator = self._principal, self._coordinator
        now = self._clock()
        return Author(
            who.tenant,
            who.subject,
            now,
            self._access.may,
            self._access.knows,
            self._access.sees,
            coordinator.outbox.floors.view(who.tenant),
            coordinator.propagation_stops,
            at=coordinator.commit_log.instant(now),
            request_id=self._request_id,
            gates=coordinator.gates,
            withheld=self._access.withheld,
        )

    async def _write(self, state: WorkingSet, author: Author) -> None:
        """Write what the batch has made of the state, and what follows for sensitivity, tags and inferred edges."""
        pending = self._coordinator.outbox
        reads = StoredFlows(self._client, author.stops, author.now)
        moved = await BatchDiff.by(state, author, reads)
        notes = await raise_sensitivity(moved, reads, pending)
        notes += await tag_entries(
            moved, replace(reads, stops=frozenset()), pending, self._coordinator.propagating_tags
        )
        notes += inference_entries(moved, pending, self._coordinator.inference_rules)
        with pending.committing(notes):
            noted = {"notes": [note.wire() for note in notes], "top": OUTBOX_ROOT}
            shelf = {"shelf": bucket_of(author.now), "shelves": BUCKET_ROOT, "shelved": author.now}
            await self._client.submit(WRITE, {**(state.writes() or {}), **noted, **shelf}, writes=True)
        self._coordinator.commit_log.written()


def _batches(items: Sequence[Command], most: int) -> Iterator[list[Command]]:
    """Split a call into transactions, in order."""
    batch: list[Command] = []
    weight = 0
    for item in items:
        edges = sum(len(each.targets) for each in item.edges) if isinstance(item, RegisterCommand) else 1
        if batch and (len(batch) >= most or weight + edges > CHUNK_EDGES):
            yield batch
            batch, weight = [], 0
        batch.append(item)
        weight += edges
    if batch:
        yield batch
