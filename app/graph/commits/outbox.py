"""The outbox of a process: its entries in memory and in the store, with their sensitivity floors.

Three jobs work entries off: :mod:`app.graph.jobs.sensitivity_job`, :mod:`app.graph.jobs.tag_job` and
:mod:`app.graph.jobs.inference_job`. In the store, the frontier of an entry only grows until the entry is deleted:
recomputing a vertex twice changes nothing.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from gremlin_python.process.traversal import Traversal

from app.graph.commits.outbox_entry import OUTBOX_ROOT, OutboxEntry, entry_from_row
from app.graph.commits.sensitivity_floors import MayLink, SensitivityFloors
from app.graph.commits.write_set import WriteSet
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement
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


class Outbox:
    """The outbox entries of the store in memory, and their sensitivity floors.

    ``stale``, a flag, is set if memory and store may differ; the entries must then be loaded again. ``loads`` counts
    how often :meth:`load` has replaced the entries. ``may_link`` decides which raises are confirmed, by default all.
    """

    def __init__(self, may_link: MayLink | None = None) -> None:
        self.floors = SensitivityFloors() if may_link is None else SensitivityFloors(may_link)
        self.stale = False
        self.loads = 0
        self._entries: dict[int, OutboxEntry] = {}
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
        return sorted(self._entries.values(), key=lambda entry: entry.order)

    def order(self, now: int) -> int:
        """Return the order of a new entry: at least ``now``, in epoch milliseconds.

        It is greater than every order that this process has returned or loaded before.
        """
        self._last_order = max(now, self._last_order + 1)
        return self._last_order

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
            if written:
                self._entries |= {entry.x: entry for entry in entries}
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
            loaded = True
        finally:
            self._learned = None
            self.stale |= was_stale and not loaded
        entries = {entry.x: entry for entry in map(entry_from_row, rows)} | learned
        self._entries = {x: entry for x, entry in entries.items() if entry is not None}
        self._last_order = max([self._last_order, *(entry.order for entry in self._entries.values())])
        self.loads += 1
        self._replace_floors()
        self.wake()

    async def learn(self, client: GremlinClient, added: Sequence[int], deleted: Sequence[int]) -> None:
        """Add the stored entries ``added`` and remove ``deleted``, both vertex ids, as another process changed them.

        An entry that the store has no more is not added.
        """
        rows = (await client.submit(_READ, {"xs": [*added]}))[0] if added else []
        self._add(rows)
        if self._learned is not None:
            self._learned.update(dict.fromkeys(deleted))
        for entry in filter(None, [self._entries.pop(x, None) for x in deleted]):
            if self._committing:  # an entry under way may need an equal floor: the next load removes it
                self.stale = True
            elif entry.floor is not None and all(entry.floor != other.floor for other in self._entries.values()):
                self.floors.end(entry.floor)
        if rows or deleted:
            self.wake()

    async def learn_all(self, client: GremlinClient) -> None:
        """Add all stored entries, and set ``stale``: which of the known ones were deleted is unknown."""
        (rows,) = await client.submit(_LOAD, {"xs": [OUTBOX_ROOT]})
        self._add(rows)
        self.stale = True
        self.wake()

    async def done(self, client: GremlinClient, *entries: OutboxEntry) -> None:
        """Delete entries, first in the store and then in memory with their floors."""
        writes = WriteSet()
        writes.delete_entries(entries)
        await writes.submit(client)
        for entry in entries:
            del self._entries[entry.x]
        self._replace_floors()

    def _add(self, rows: Sequence[JsonObject]) -> None:
        entries = [entry_from_row(row) for row in rows]
        self._raise_floors(entries)
        added = {entry.x: entry for entry in entries}
        self._entries |= added
        if self._learned is not None:
            self._learned.update(added)

    def _raise_floors(self, entries: Sequence[OutboxEntry]) -> None:
        for entry in entries:
            if entry.floor is not None:
                self.floors.raise_floor(entry.floor)

    def wake(self) -> None:
        """Set the events of all listeners."""
        for event in self._listeners:
            event.set()

    def _replace_floors(self) -> None:
        self.floors.replace(entry.floor for entry in self._entries.values() if entry.floor is not None)
