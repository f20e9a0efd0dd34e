"""Values by key, with the ones that the current batch has replaced, so that a batch can be undone."""

from collections.abc import Iterable, Mapping
from typing import Final, Generic, TypeVar

from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.records.edge_record import EdgeKey
from app.graph.records.native.write_cost import NOTHING, WriteSize, written, written_edge, written_entry
from graphql_schema.ports.record import Record

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

_ABSENT: Final = object()


class TrackedValues(Generic[KeyT, ValueT]):
    """Values by key, over ``stored`` ones. Values are compared by identity, because they are never changed in place.

    ``present`` are the values now. ``before`` maps each key that the current batch has written to its value before the
    batch, None if it had none. :meth:`begin` starts the next batch.
    """

    def __init__(self, stored: dict[KeyT, ValueT]) -> None:
        self.present = dict(stored)
        self.before: dict[KeyT, ValueT | None] = {}
        self._stored = stored

    def begin(self) -> None:
        """Begin a batch: what is present now is the state before it."""
        self.before = {}

    def put(self, values: Mapping[KeyT, ValueT]) -> None:
        """Write values of the current batch."""
        for key, value in values.items():
            self.before.setdefault(key, self.present.get(key))
            self.present[key] = value

    def undo(self) -> list[KeyT]:
        """Restore the state before the current batch, and return the keys that have no value then."""
        added = [key for key, value in self.before.items() if value is None]
        self.present |= {key: value for key, value in self.before.items() if value is not None}
        for key in added:
            del self.present[key]
        self.before = {}
        return added

    def add_stored(self, key: KeyT, value: ValueT) -> None:
        """Add a stored value that was read later; the current batch has not written its key."""
        self._stored[key] = self.present[key] = value

    def stored(self, key: KeyT) -> ValueT | None:
        """Return the value as the store has it, None if it is absent there or was not read."""
        return self._stored.get(key)

    def value_before(self, key: KeyT) -> ValueT | None:
        """Return the value before the current batch, as stored or as an earlier batch left it; None without a value."""
        value = self.before.get(key, _ABSENT)
        return self.present.get(key) if value is _ABSENT else value  # type: ignore[return-value]

    def changed(self) -> list[KeyT]:
        """Return the keys whose values the current batch has added or changed."""
        return [key for key, value in self.before.items() if self.present[key] is not value]

    def unwritten(self) -> dict[KeyT, ValueT]:
        """Return the values of all batches that differ from the stored ones, by key."""
        return {key: value for key, value in self.present.items() if value is not self._stored.get(key)}


class TrackedWrites(TrackedValues[int | EdgeKey, WriteSize]):
    """What it takes the store to write a transaction (:mod:`app.graph.records.native.write_cost`).

    That of a record or an outbox entry is under its vertex id, that of an edge under its key. ``cost`` is the cost of
    all batches so far: it is looked at before each item.
    """

    def __init__(self) -> None:
        super().__init__({})
        self.cost = 0

    def put(self, values: Mapping[int | EdgeKey, WriteSize]) -> None:
        """Write values of the current batch, and count their cost in place of that of the former ones."""
        self.cost += sum(now.cost - self.present.get(key, NOTHING).cost for key, now in values.items())
        super().put(values)

    def undo(self) -> list[int | EdgeKey]:
        """Restore the state before the current batch, with its cost."""
        self.cost -= self.of_batch.cost
        return super().undo()

    @property
    def of_batch(self) -> WriteSize:
        """Return the part that the current batch has added."""
        pairs = [(self.present[key], before or NOTHING) for key, before in self.before.items()]
        return WriteSize(sum(now.cost - was.cost for now, was in pairs), sum(now.size - was.size for now, was in pairs))

    def count_record(self, vid: int, record: Record, stored: Record | None) -> None:
        """Count a record, once for each vertex, as it is now. ``stored`` is that of the store, None if it is new."""
        self.put({vid: written(record, stored)})

    def count_edges(self, edges: Mapping[EdgeKey, Record]) -> None:
        """Count the records of edges, once for each edge, as they are now."""
        self.put({key: written_edge(record) for key, record in edges.items()})

    def count_entries(self, entries: Iterable[OutboxEntry]) -> None:
        """Count outbox entries, with the stored ones that they replace."""
        self.put({entry.x: written_entry(entry.size, len(entry.replaces)) for entry in entries})
