"""The outbox of a process: its entries in memory and in the store, with their sensitivity floors.

Three jobs work entries off: :mod:`app.graph.jobs.sensitivity_job`, :mod:`app.graph.jobs.tag_job` and
:mod:`app.graph.jobs.inference_job`. In the store, the frontier of an entry only grows until the entry is deleted:
recomputing a vertex twice changes nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from typing import Final

from gremlin_python.process.traversal import Traversal

from app.graph.commits.outbox_entry import OUTBOX_ROOT, OutboxEntry, awaiting, entry_from_row, new_entry_id
from app.graph.commits.sensitivity_floors import MayLink, SensitivityFloors
from app.graph.commits.write_set import WriteSet
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject


def _rows_of(start: Traversal) -> PreparedStatement:
    """Return the text that reads the entries to which a traversal from the vertices ``xs`` leads."""
    text = f"""
def rows = []
{render(start)}.each {{ v ->
  rows << [x: v.id(), note: v.value('note'), covered: v.property('covered').orElse('[]'),
           frontier: v.properties('frontier').collect {{ it.value() }}]
}}
[rows]
"""
    return PreparedStatement.of(text, "xs", name="outbox")


_LOAD: Final = _rows_of(g.V(param("xs")).out("PENDING"))
_READ: Final = _rows_of(g.V(param("xs")))


class EntryQueue:
    """Outbox entries by vertex id, those that are due apart from those that wait for an instant."""

    def __init__(self, entries: Iterable[OutboxEntry] = ()) -> None:
        self.by_id = {entry.x: entry for entry in entries}
        self.with_floor = {x: entry for x, entry in self.by_id.items() if entry.floor is not None}
        self._due: dict[int, OutboxEntry] = {}
        self._waiting = [(entry.due, entry.x) for entry in self.by_id.values()]
        heapify(self._waiting)
        self._awaiting: dict[_Awaited, dict[int, OutboxEntry]] = defaultdict(dict)
        for entry in self.by_id.values():
            self._awaiting[_awaited(entry)][entry.x] = entry

    def add(self, entry: OutboxEntry) -> None:
        """Add an entry, or replace the one with its id."""
        self.pop(entry.x)
        self.by_id[entry.x] = entry
        if entry.floor is not None:
            self.with_floor[entry.x] = entry
        heappush(self._waiting, (entry.due, entry.x))
        self._awaiting[_awaited(entry)][entry.x] = entry

    def pop(self, x: int) -> OutboxEntry | None:
        """Remove and return an entry; None if there is none."""
        entry = self.by_id.pop(x, None)
        if entry is not None:
            self.with_floor.pop(x, None)
            self._due.pop(x, None)
            awaiting = self._awaiting[_awaited(entry)]
            awaiting.pop(x, None)
            if not awaiting:
                del self._awaiting[_awaited(entry)]
            if len(self._waiting) > 2 * len(self.by_id) + 100:  # removed ones may else stay until their instant
                self._waiting = [pair for pair in self._waiting if pair[1] in self.by_id]
                heapify(self._waiting)
        return entry

    def due(self, now: int) -> list[OutboxEntry]:
        """Return the entries that are due, oldest first."""
        new = []
        while self._waiting and self._waiting[0][0] <= now:
            entry = self.by_id.get(heappop(self._waiting)[1])
            if entry is not None:
                new.append(entry)
        if new:
            by_order = sorted([*self._due.values(), *new], key=lambda entry: entry.order)
            self._due = {entry.x: entry for entry in by_order}
        return list(self._due.values())

    def next_due(self) -> int | None:
        """Return the next instant at which an entry becomes due, None without one."""
        return self._waiting[0][0] if self._waiting else None

    def alike(self, entry: OutboxEntry) -> list[OutboxEntry]:
        """Return the entries that wait for edges to end at the same assets."""
        return list(self._awaiting.get(_awaited(entry), {}).values())


_Awaited = tuple[str, tuple[int, int] | None]
"""The kind of an entry, and what it awaits."""


def _awaited(entry: OutboxEntry) -> _Awaited:
    return entry.kind, entry.awaits


class Outbox:
    """The outbox entries of the store in memory, and their sensitivity floors.

    ``stale``, a flag, is set if memory and store may differ; the entries must then be loaded again. ``loads`` counts
    how often :meth:`load` has replaced the entries. ``may_link`` decides which raises are confirmed, by default all.
    """

    def __init__(self, may_link: MayLink | None = None) -> None:
        self.floors = SensitivityFloors() if may_link is None else SensitivityFloors(may_link)
        self.stale = False
        self.loads = 0
        self._queue = EntryQueue()
        self._last_order = 0
        self._committing = 0
        self._learned: dict[int, OutboxEntry | None] | None = None
        self._listeners: list[asyncio.Event] = []

    def listen(self) -> asyncio.Event:
        """Return a new event, which the caller clears.

        It is set when entries are added, loaded or removed by another process, or a transaction with entries fails.
        """
        self._listeners.append(asyncio.Event())
        return self._listeners[-1]

    @property
    def entries(self) -> list[OutboxEntry]:
        """Return the entries, oldest first."""
        return sorted(self, key=lambda entry: entry.order)

    def __iter__(self) -> Iterator[OutboxEntry]:
        return iter(self._queue.by_id.values())

    def due(self, now: int) -> list[OutboxEntry]:
        """Return the entries that are due at ``now``, in epoch milliseconds, oldest first."""
        return self._queue.due(now)

    def next_due(self) -> int | None:
        """Return the next instant at which an entry becomes due, None without one."""
        return self._queue.next_due()

    def later(self, entry: OutboxEntry, now: int) -> list[OutboxEntry]:
        """Return a list of a new entry that awaits ends of edges, or an empty list if it is not needed.

        It is not if a stored one for the same assets is due as early, and after ``now``. One that is due already does
        not count: it may be under way, or deleted by a transaction without a response. The new entry replaces stored
        ones that are due later than it. So an asset has few such entries, however often its edges are declared with
        another end.
        """
        stored = [each for each in self._queue.alike(entry) if each.due > now]
        if any(each.due <= entry.due for each in stored):
            return []
        entry.replaces = tuple(stored)
        return [entry]

    def order(self, now: int) -> int:
        """Return the order of a new entry: at least ``now``, in epoch milliseconds.

        It is greater than every order that this process has returned or loaded before.
        """
        self._last_order = max(now, self._last_order + 1)
        return self._last_order

    def following(self, entry: OutboxEntry, due: int, now: int) -> list[OutboxEntry]:
        """Return a list of the entry that awaits the next end at the assets of ``entry``, which its job then deletes.

        ``due`` is the instant of that end. The list is empty if it is FOREVER, or if a stored entry is due as early.
        """
        if entry.awaits is None or due == FOREVER:
            return []
        vid, parent = entry.awaits
        order = self.order(entry.order)
        new = OutboxEntry(new_entry_id(), entry.tenant, order, due, tag=entry.tag, raised_by=entry.raised_by)
        return self.later(awaiting(new, vid, parent or None), now)

    @contextmanager
    def committing(self, entries: list[OutboxEntry]) -> Iterator[None]:
        """Wrap the transaction that writes these entries: their floors are active before it can be visible to readers.

        If the transaction succeeds, the entries are added to memory. If it fails, the store may have them or not: their
        floors stay active until the next :meth:`load` or :meth:`done`, and ``stale`` is set if there are entries.
        """
        self._raise_floors(entries)
        self._committing += 1
        written = False
        try:
            yield
            written = True
        finally:
            self._committing -= 1
            for entry in entries if written else ():
                for replaced in entry.replaces:
                    self._queue.pop(replaced.x)
                entry.replaces = ()
                self._queue.add(entry)
            if entries:
                self.stale = self.stale or not written
                self.wake()

    async def load(self, client: GremlinClient) -> None:
        """Replace entries and floors by the stored ones; call it under the write lock, or before there are writers.

        What :meth:`learn` adds and removes during the request is added and removed after it, because the response may
        be older.
        """
        was_stale, self.stale = self.stale, False
        learned = self._learned = dict[int, OutboxEntry | None]()
        loaded = False
        try:
            (rows,) = await client.submit(_LOAD, {"xs": [OUTBOX_ROOT]})
            found = {entry.x: entry async for entry in _entries_of(rows)}
            loaded = True
        finally:
            self._learned = None
            self.stale |= was_stale and not loaded
        self._queue = EntryQueue(entry for entry in (found | learned).values() if entry is not None)
        self._last_order = max([self._last_order, *(entry.order for entry in self)])
        self.loads += 1
        self._replace_floors()
        self.wake()

    async def learn(self, client: GremlinClient, added: Sequence[int], deleted: Sequence[int]) -> None:
        """Add the stored entries ``added`` and remove ``deleted``, both vertex ids, as another process changed them.

        An entry that the store has no more is not added.
        """
        rows = (await client.submit(_READ, {"xs": [*added]}))[0] if added else []
        await self._add(rows)
        if self._learned is not None:
            self._learned.update(dict.fromkeys(deleted))
        for entry in filter(None, [self._queue.pop(x) for x in deleted]):
            if self._committing:  # an entry under way may need an equal floor: the next load removes it
                self.stale = True
            elif entry.floor is not None and all(
                entry.floor != other.floor for other in self._queue.with_floor.values()
            ):
                self.floors.end(entry.floor)
        if rows or deleted:
            self.wake()

    async def learn_all(self, client: GremlinClient) -> None:
        """Add all stored entries, and set ``stale``: which of the known ones were deleted is unknown."""
        self.stale = True
        (rows,) = await client.submit(_LOAD, {"xs": [OUTBOX_ROOT]})
        await self._add(rows)
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
        self._replace_floors()

    async def _add(self, rows: Sequence[JsonObject]) -> None:
        async for entry in _entries_of(rows):
            self._raise_floors([entry])
            self._queue.add(entry)
            if self._learned is not None:
                self._learned[entry.x] = entry

    def _raise_floors(self, entries: Sequence[OutboxEntry]) -> None:
        for entry in entries:
            if entry.floor is not None:
                self.floors.raise_floor(entry.floor)

    def wake(self) -> None:
        """Set the events of all listeners."""
        for event in self._listeners:
            event.set()

    def _replace_floors(self) -> None:
        floors = [entry.floor for entry in self._queue.with_floor.values()]
        self.floors.replace(floor for floor in floors if floor is not None)


async def _entries_of(rows: Sequence[JsonObject]) -> AsyncIterator[OutboxEntry]:
    """Yield the entries of some rows, in turns: there may be tens of thousands."""
    async for row in OperationBudget().in_turns(rows):
        yield entry_from_row(row)
