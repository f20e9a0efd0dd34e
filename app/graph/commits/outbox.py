"""What is still to be done, in the store and in memory: notes that a write leaves in its own transaction.

A note is a vertex of the label ``Outbox`` without tenant, URN, record or index entry, so no read of the API can reach
it. It hangs on one well-known vertex, by edges of the label ``PENDING``. Its property ``note`` is JSON: tenant, order,
when it is due, where to begin, the fence's level; ``covered`` the ids that the fence covers; ``frontier`` lists of ids
to settle, to which the job adds. What was settled is not taken out: settling again changes nothing.

Notes are of three kinds, each with a job of its own: of sensitivity, of a tag (:mod:`app.graph.jobs`), and of
enrichment (:mod:`app.graph.jobs`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.graph.commits.outbox_entry import OUTBOX_ROOT, OutboxEntry, entry_from_row
from app.graph.commits.sensitivity_floors import SensitivityFloors
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement

_LOAD: Final = PreparedStatement.of(
    f"""
def rows = []
{render(g.V(param("xs")).out("PENDING"))}.each {{ v ->
  rows << [x: v.id(), note: v.value('note'), covered: v.property('covered').orElse('[]'),
           frontier: v.properties('frontier').collect {{ it.value() }}]
}}
[rows]
""",
    "xs",
)


_DROP: Final = PreparedStatement.traversal(g.V(param("xs")).drop())


class Outbox:
    """The notes of this process's store, oldest first, and their fences.

    ``stale`` is set when memory and store may differ; ``loads`` counts how often the notes were read from the store.
    """

    def __init__(self) -> None:
        self.floors = SensitivityFloors()
        self.stale = False
        self.loads = 0
        self._notes: dict[int, OutboxEntry] = {}
        self._last = 0
        self._listeners: list[asyncio.Event] = []

    def listen(self) -> asyncio.Event:
        """An event that is set whenever there may be something to do; whoever waits for it clears it."""
        self._listeners.append(asyncio.Event())
        return self._listeners[-1]

    @property
    def entries(self) -> list[OutboxEntry]:
        """The notes, oldest first."""
        return sorted(self._notes.values(), key=lambda note: note.at)

    def order(self, now: int) -> int:
        """A number for a new note: later than that of all before."""
        self._last = max(now, self._last + 1)
        return self._last

    @contextmanager
    def committing(self, notes: list[OutboxEntry]) -> Iterator[None]:
        """Write the notes inside: their fences stand before anybody can read what they are about.

        When the write fails, nobody knows whether it was kept: fences stand until the notes have been read again.
        """
        for note in notes:
            if note.floor is not None:
                self.floors.raise_floor(note.floor)
        kept = False
        try:
            yield
            kept = True
        finally:
            if kept:
                self._notes |= {note.x: note for note in notes}
            if notes:
                self.stale = self.stale or not kept
                self._wake()

    async def load(self, client: GremlinClient) -> None:
        """Read the notes from the store; call it under the write lock, or before there are writers."""
        (rows,) = await client.submit(_LOAD, {"xs": [OUTBOX_ROOT]})
        self._notes = {note.x: note for note in map(entry_from_row, rows)}
        self._last = max([self._last, *(note.at for note in self._notes.values())])
        self.stale = False
        self.loads += 1
        self._stand()
        self._wake()

    async def done(self, client: GremlinClient, *notes: OutboxEntry) -> None:
        """Take notes away; their fences fall when the store no longer has them."""
        await client.submit(_DROP, {"xs": [note.x for note in notes]}, writes=True)
        for note in notes:
            del self._notes[note.x]
        self._stand()

    def _wake(self) -> None:
        for event in self._listeners:
            event.set()

    def _stand(self) -> None:
        self.floors.replace(note.floor for note in self._notes.values() if note.floor is not None)
