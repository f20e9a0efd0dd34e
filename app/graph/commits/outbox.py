"""The outbox of a process: its entries in memory and in the store, with their sensitivity floors.

Four jobs work entries off: :mod:`app.graph.jobs.sensitivity_job`, :mod:`app.graph.jobs.tag_job`,
:mod:`app.graph.jobs.inference_job` and :mod:`app.graph.jobs.owner_job`. In the store, the frontier of an entry only
grows until the entry is deleted: recomputing a vertex twice changes nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import Final

import structlog

from app.graph.commits.entries.entry_queue import EntryQueue
from app.graph.commits.entries.planned_ends import PlannedEnds
from app.graph.commits.entries.stored_entries import stored_entries, stored_ids
from app.graph.commits.entries.unanswered_entries import UnansweredEntries
from app.graph.commits.outbox_entry import Caller, OutboxEntry, awaiting, new_entry_id
from app.graph.commits.sensitivity_floors import MayLink, SensitivityFloor, SensitivityFloors
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import StoreUnavailableError, may_be_written
from app.graph.driver.gremlin_client import GremlinClient
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.operation_budget import OperationBudget

UNCHANGED_MS: Final = 24 * 3_600_000
"""Milliseconds before an entry is due in which it may differ from the store; the clocks of processes differ by less."""

BACKLOG_SECONDS: Final = 5.0
"""Longest wait of a write for the jobs, in seconds."""

AGAIN_SECONDS: Final = 10
"""Seconds after which a caller who waited in vain may send the write again."""

POLL_SECONDS: Final = 0.1
"""Seconds between two looks at the work that the writes of a waiting caller left."""

_MUCH_LEFT: Final = (
    "The background work that your earlier changes left for sensitivity, tags, owners and inferred edges is not done. "
    "What this call had not written before is not written. Send it again later, with the same idempotency keys."
)

_log = structlog.get_logger(__name__)


class Outbox:
    """The outbox entries of the store in memory, and their sensitivity floors.

    ``stale``, a flag, is set if memory and store may differ; the entries must then be loaded again. ``loads`` counts
    how often :meth:`load` has replaced the entries. ``unanswered`` are entries that the store may get later.
    ``planned_ends`` are the ends in the future that callers have declared, as far as this process knows.
    ``failing_jobs`` are those whose last step in this process failed, ``waiting`` the callers who wait for the jobs.
    ``may_link`` decides which raises are confirmed, by default all.
    """

    def __init__(self, may_link: MayLink | None = None) -> None:
        self.floors = SensitivityFloors() if may_link is None else SensitivityFloors(may_link)
        self.stale = False
        self.failing_jobs: set[str] = set()
        self.waiting: set[Caller] = set()
        self.loads = 0
        self.unanswered = UnansweredEntries()
        self.planned_ends = PlannedEnds()
        self._queue = EntryQueue()
        self._last_order = 0
        self._learned: dict[int, OutboxEntry | None] | None = None
        self._listeners: list[asyncio.Event] = []
        self._begun = set[int]()

    def listen(self) -> asyncio.Event:
        """Return a new event, which the caller clears.

        It is set when entries are added, loaded or removed by another process, or may be added by a transaction that
        failed.
        """
        self._listeners.append(asyncio.Event())
        return self._listeners[-1]

    @property
    def entries(self) -> list[OutboxEntry]:
        """Return the entries, oldest first."""
        return sorted(self, key=lambda entry: entry.order)

    def __iter__(self) -> Iterator[OutboxEntry]:
        return iter(self._queue.by_id.values())

    def __contains__(self, x: int) -> bool:
        return x in self._queue.by_id

    def floors_of(self, tenant: str, vid: int) -> list[SensitivityFloor]:
        """Return the active floors of the writes that raise a vertex of a tenant.

        The entry of such a write has the vertex in its frontier, or its floor lists it. A floor over the whole tenant
        says nothing about one vertex, unless its entry is not known yet.
        """
        found = []
        for x, floor in self.floors.active.items():
            entry = self._queue.by_id.get(x)
            is_reached = floor.covered is None if entry is None else vid in entry.frontier
            if floor.tenant == tenant and (is_reached or (floor.covered is not None and vid in floor.covered)):
                found.append(floor)
        return found

    def due(self, kind: str, now: int) -> list[OutboxEntry]:
        """Return the first entries of a kind that are due at ``now``, in epoch milliseconds; the callers take turns."""
        return self._queue.kinds[kind].due(now)

    def of_parent(self, parent: int) -> list[OutboxEntry]:
        """Return the entries for the owner team of a parent, the oldest first."""
        return self._queue.of_parent(parent)

    def next_due(self, kind: str) -> int | None:
        """Return the next instant at which an entry of a kind becomes due, None without one."""
        return self._queue.kinds[kind].next_due()

    def counts(self, kind: str, now: int) -> tuple[int, int, int]:
        """Return the result of :meth:`app.graph.commits.entries.entry_queue.KindQueue.counts` for a kind."""
        return self._queue.kinds[kind].counts(now)

    async def wait_for_jobs(self, caller: Caller) -> None:
        """Return when a caller may write more: at once, or when the jobs have worked off some of what its writes left.

        Raise StoreUnavailableError after BACKLOG_SECONDS, and at once while another call of the caller waits, because
        each takes a place among the writes of all callers. While a job fails in this process, no caller waits.
        """
        if caller not in self.waiting:
            self.waiting.add(caller)
            try:
                await self._until_some_are_done(caller)
            finally:
                self.waiting.discard(caller)
        if self._must_wait(caller):
            _log.info("writes_wait_for_jobs", tenant=caller[0], caller=caller[1])
            raise StoreUnavailableError(_MUCH_LEFT, retry_after=AGAIN_SECONDS)

    async def _until_some_are_done(self, caller: Caller) -> None:
        until = monotonic() + BACKLOG_SECONDS
        while self._must_wait(caller) and monotonic() < until:  # noqa: ASYNC110 - the time may end as well
            await asyncio.sleep(POLL_SECONDS)

    def _must_wait(self, caller: Caller) -> bool:
        return self._queue.backlogs.is_full(caller) and not self.failing_jobs

    def add_weight(self, x: int, ids: int) -> None:
        """Let an entry for inferred edges weigh more, by ``ids`` vertices that its job has found."""
        self._queue.backlogs.add_ids(x, ids)

    def later(self, entry: OutboxEntry, now: int) -> list[OutboxEntry]:
        """Return a list of a new entry that awaits ends of edges, or an empty list if it is not needed.

        It is not if a stored one for the same assets is due as early, and after ``now``, or is due already. One that
        has begun does not count (:meth:`begin`, :meth:`store_begin`). The new entry replaces stored ones that are due
        later than it. So an asset has few such entries, however often its edges are declared with another end.

        An entry that is due at ``now`` awaits nothing: an end was taken back. It is needed only if stored ones wait,
        and all are of its caller, because it counts for who takes the end back. Its job leaves one for the next end.
        """
        alike = self._not_begun(entry)
        stored = [each for each in alike if each.due > now]
        if self._is_next(alike, now) or any(each.due <= entry.due for each in stored):
            return []
        if entry.due <= now and not (stored and all(each.caller == entry.caller for each in stored)):
            return []
        entry.replaces = tuple(stored)
        return [entry]

    def begin(self, entry: OutboxEntry) -> None:
        """Note that the job of an entry begins to work on it: what is written from now on may be too late for it.

        Other processes do not learn it. They learn :meth:`store_begin`, and that the entry is deleted. What one of them
        plans before such a transaction, and writes after it, loses its turn, and is planned again.
        """
        self._begun.add(entry.x)

    async def store_begin(self, client: GremlinClient, entry: OutboxEntry) -> None:
        """Store that an entry has begun: writers of all processes leave entries of their own from now on."""
        writes = WriteSet()
        writes.announce_entry(replace(entry, begun=True))
        await writes.submit(client)
        entry.begun = True

    def _not_begun(self, entry: OutboxEntry) -> list[OutboxEntry]:
        """Return the entries for the same assets, without those that have begun.

        One that has begun may be deleted by a transaction without a response, or have read some of the edges.
        """
        return [each for each in self._queue.alike(entry) if not (each.begun or each.x in self._begun)]

    def _is_next(self, alike: list[OutboxEntry], now: int) -> bool:
        """Return whether one of the entries, which have yet to begin, is due: its job will await the next end.

        While memory is stale, the store may have none.
        """
        return not self.stale and any(each.due <= now for each in alike)

    def order(self, now: int) -> int:
        """Return the order of a new entry: at least ``now``, in epoch milliseconds.

        It is greater than every order that this process has returned or loaded before.
        """
        self._last_order = max(now, self._last_order + 1)
        return self._last_order

    def following(self, entry: OutboxEntry, due: int, now: int) -> list[OutboxEntry]:
        """Return a list of the entry that awaits the next end at the assets of ``entry``, which its job then deletes.

        ``due`` is the instant of that end, which may have passed while the job worked. The list is empty if it is
        FOREVER, or if another stored entry is enough, as :meth:`later` has it.
        """
        if entry.awaits is None or due == FOREVER:
            return []
        vid, parent = entry.awaits
        order = self.order(entry.order)
        new = OutboxEntry(new_entry_id(), entry.tenant, order, due, tag=entry.tag, raised_by=entry.raised_by)
        new = awaiting(new, vid, parent or None)
        if due <= now and not self._is_next(self._not_begun(new), now):
            return [new]
        return self.later(new, now)

    @contextmanager
    def committing(self, entries: list[OutboxEntry]) -> Iterator[None]:
        """Wrap the transaction that writes these entries: their floors are active before it can be visible to readers.

        If the transaction succeeds, the entries are added to memory. If it fails, and nothing was written, their floors
        end. If it may be stored, now or later, its entries become ``unanswered``, their floors stay active as long as
        they are, and ``stale`` is set if there are entries.
        """
        self._raise_floors(entries)
        try:
            yield
        except BaseException as error:
            if not may_be_written(error):
                self._end_floors(entries)
            elif entries:
                self.unanswered.add(entries)
                self.stale = True
                self.wake()
            raise
        for entry in entries:
            for replaced in entry.replaces:
                self._queue.pop(replaced.x)
            entry.replaces = ()
            self._queue.add(entry)
        if entries:
            self.wake()

    async def load(self, client: GremlinClient, unchanged_after: int = FOREVER) -> None:
        """Replace entries and floors by the stored ones; call it under the write lock, or before there are writers.

        Entries that have not become due here, and are due after ``unchanged_after``, are kept if they are still stored:
        until it is due, no job changes an entry. What :meth:`learn` adds and removes meanwhile is added and removed at
        the end, because the responses may be older.
        """
        was_stale, self.stale = self.stale, False
        learned = self._learned = dict[int, OutboxEntry | None]()
        queue, order, loaded = EntryQueue(), self._last_order, False
        try:
            async for entry in self._stored(client, unchanged_after):
                queue.add(entry)
                order = max(order, entry.order)
                if not self.loads and entry.awaits is not None:
                    self.planned_ends.add(entry.caller, entry.awaits, entry.due)
            loaded = True
        finally:
            self._learned = None
            self.stale |= was_stale and not loaded
        for x, learned_entry in learned.items():
            queue.pop(x)
            if learned_entry is not None:
                queue.add(learned_entry)
                order = max(order, learned_entry.order)
        self._queue, self._last_order = queue, max(order, self._last_order)
        self._begun &= queue.by_id.keys()
        self.loads += 1
        self.unanswered.discard(queue.by_id)
        self._replace_floors()
        self.wake()

    async def learn(self, client: GremlinClient, added: Sequence[int], deleted: Sequence[int]) -> None:
        """Add the stored entries ``added`` and remove ``deleted``, both vertex ids, as another process changed them.

        An entry that is known is replaced. One that the store has no more is not added.
        """
        await self._learn(client, added)
        if self._learned is not None:
            self._learned.update(dict.fromkeys(deleted))
        self.unanswered.discard(deleted)
        for x in deleted:
            self._queue.pop(x)
            self.floors.end(x)
        if added or deleted:
            self.wake()

    async def look(self, client: GremlinClient) -> None:
        """Add the ``unanswered`` entries that the store has by now, and end the floors of those it will not get.

        Call it under the write lock. If the store has one, the next step of a job loads all entries, because memory may
        have some that its transaction deleted. With a write log, entries are learned from that alone.
        """
        count = len(self.unanswered)
        if client.write_order is None:
            await self._learn(client, self.unanswered.ids)
            self.stale |= len(self.unanswered) < count
        self.unanswered.looked()
        if len(self.unanswered) < count:
            self._replace_floors()
            self.wake()

    async def learn_all(self, client: GremlinClient) -> None:
        """Add all stored entries, and set ``stale``: which of the known ones were changed or deleted is unknown."""
        self.stale = True
        await self._learn(client, [x for x in await stored_ids(client) if x not in self])
        self.stale = True
        self.wake()

    async def done(self, client: GremlinClient, *entries: OutboxEntry, followed_by: Sequence[OutboxEntry] = ()) -> None:
        """Delete entries, first in the store and then in memory with their floors.

        The same transaction writes the new entries ``followed_by``.
        """
        writes, new = WriteSet(), list(followed_by)
        writes.delete_entries(entries)
        writes.outbox(new)
        with self.committing(new):
            await writes.submit(client)
        for entry in entries:
            self._queue.pop(entry.x)
            self._begun.discard(entry.x)
            self.floors.end(entry.x)

    async def _stored(self, client: GremlinClient, unchanged_after: int) -> AsyncIterator[OutboxEntry]:
        """Yield all stored entries in turns; those that are known, and surely unchanged, are not read."""
        unknown = []
        async for x in OperationBudget().in_turns(await stored_ids(client)):
            entry = self._queue.waiting(x, unchanged_after)
            if entry is None:
                unknown.append(x)
            else:
                yield entry
        async for entry in stored_entries(client, unknown):
            yield entry

    async def _learn(self, client: GremlinClient, added: Sequence[int]) -> None:
        async for entry in stored_entries(client, added):
            self._raise_floors([entry])
            self._queue.add(entry)
            self.unanswered.discard([entry.x])
            if self._learned is not None:
                self._learned[entry.x] = entry

    def _end_floors(self, entries: Sequence[OutboxEntry]) -> None:
        for entry in entries:
            self.floors.end(entry.x)

    def _raise_floors(self, entries: Sequence[OutboxEntry]) -> None:
        for entry in entries:
            if entry.floor is not None:
                self.floors.raise_floor(entry.x, entry.floor)

    def wake(self) -> None:
        """Set the events of all listeners."""
        for event in self._listeners:
            event.set()

    def _replace_floors(self) -> None:
        floors = {x: entry.floor for x, entry in self._queue.with_floor.items()}
        self.floors.replace({x: floor for x, floor in floors.items() if floor is not None} | self.unanswered.floors)
