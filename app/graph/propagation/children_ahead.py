"""The children of parents with many of them, read before a transaction is planned, while other writers go on.

An edge of a parent counts for its children, which may also get its owner, and a parent may have tens of thousands: to
read them takes seconds. If all writers waited meanwhile, one call after the other could stop them. So the call that
needs them reads them by itself, page by page, and records what is written during and after that. When its batch is
planned, what was written is read again, which is little. The children are then those that the plan itself would have
read.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import orjson

from app.graph.driver.writes_since import WritesSince
from app.graph.propagation.edge_lookups import EdgeLookup
from app.graph.propagation.flow_statement import PARENT_STEPS
from app.graph.propagation.sources import Sources
from app.graph.propagation.stored_flows import CHILD_KEYS, MANY_EDGES, StoredFlows
from app.graph.records.touched import Touched
from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Record

_TO_PARENTS: Final = [(step.direction, Direction(step.direction).reverse.value, step.label) for step in PARENT_STEPS]
"""Direction at the child, direction at the parent, and label of the edges between them."""

MEMBERSHIPS_OF_CHILD: Final = 4
"""Number of memberships that are read again for each child that may be: several parents may have gained children."""

_CHILD_BYTES: Final = 200
"""Bytes of memory of a child: its id as a member of its parent, and as the key of its values."""

_VALUES_BYTES: Final = 1_500
"""Bytes of values that no other child had before, besides _CHARACTER_BYTES for each character of their text."""

_CHARACTER_BYTES: Final = 3


@dataclass(slots=True)
class _Changed:
    """Children whose records are to be read again, and their memberships that may have begun or ended."""

    children: set[int] = field(default_factory=set)
    memberships: set[EdgeLookup] = field(default_factory=set)


class ChildrenAhead:
    """Children of ``parents`` for one call, with the values of them that the plan of a write needs.

    ``written`` records what is written while they are read and afterwards.
    """

    def __init__(self) -> None:
        self.parents: set[int] = set()
        self.children = Sources()
        self.written = WritesSince()
        self._values: dict[bytes, Record] = {}
        self._uses = self._readings = 0

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep what is read while the body runs, or that of another use at the same time; then forget it."""
        self._uses += 1
        try:
            yield
        finally:
            self._uses -= 1
            if not self._uses:
                self.written.end()
                self._forget()

    def of_parent(self, parent: int) -> list[Record] | None:
        """Return the values of the children of a parent, equal ones once; None if they were not read."""
        if parent not in self.parents:
            return None
        records = (self.children.records[vid] for vid in self.children.of.get(parent, ()))
        return [*{id(record): record for record in records}.values()]

    async def read(self, flows: StoredFlows, parents: Iterable[int], budget: OperationBudget) -> None:
        """Read the children of further parents.

        Their records and all edges that are visited, ended ones included, count in the budget of the operation, and so
        does the memory of what is kept of them.
        """
        wanted = [*parents]
        self._readings += 1
        try:
            async for page, visited in flows.child_pages(wanted):
                budget.check()
                budget.count_rows(visited + len(page.records))
                is_long = len(page.records) > MANY_EDGES
                budget.count_stored(await run_in_turn(self._add, is_long, page))
                await budget.pause()
        finally:
            self._readings -= 1
        self.parents.update(wanted)

    async def refresh(self, flows: StoredFlows, limit: int) -> bool:
        """Read again which children were written, under the write lock; return whether children are known then.

        Everything is forgotten if they are more than ``limit``, if it is unknown what was written, or if the last use
        has ended. While another use reads children, none are known: what was written counts for those of its pages that
        are under way.
        """
        if self._readings:
            return False
        written = self.written.take()
        changed = None
        try:
            changed = None if written is None else await self._changed(written, limit)
        finally:
            if changed is None:  # it is unknown, or the writes were taken in vain
                self._forget()
        if changed is not None and changed.children:
            kept = self.parents, self.children, self._values
            self._forget()  # if the request fails, nothing is known: the writes were taken
            found = await flows.members(changed.memberships, sorted(changed.children))
            if self.written.has_begun:  # else the last use has ended meanwhile
                self.parents, self.children, self._values = kept
                self._replace(changed.memberships, found)
        return bool(self.parents)

    def _replace(self, memberships: Iterable[EdgeLookup], found: Sources) -> None:
        """Replace some memberships by those that are current, and some records."""
        for _, child, parent in memberships:
            self.children.of[parent].discard(child)
        self._add(found)

    async def _changed(self, written: Iterable[Touched], limit: int) -> _Changed | None:
        """Return what transactions have touched of the known children, and may have joined; None if it is too much.

        In turns: others may have written 100,000 edges while this call waited.
        """
        found = _Changed()
        async for touched in OperationBudget().in_turns(written):
            found.children |= touched.vertices & self.children.records.keys()
            ends = touched.ends_by_label()
            for number, (of_child, of_parent, label) in enumerate(_TO_PARENTS):
                parents, children = self.parents & ends[of_parent, label], ends[of_child, label]
                if len(found.memberships) + len(parents) * len(children) > MEMBERSHIPS_OF_CHILD * limit:
                    return None
                found.memberships |= {(number, child, parent) for child in children for parent in parents}
                found.children |= children if parents else set()
            if len(found.children) > limit:
                return None
        return found

    def _forget(self) -> None:
        self.parents, self.children, self._values = set(), Sources(), {}

    def _add(self, found: Sources) -> int:
        """Add children, of which those with equal values share these; return the bytes, by estimate, that they take."""
        records, size = dict[int, Record](), 0
        for vid, record in found.records.items():
            text = orjson.dumps({key: record[key] for key in CHILD_KEYS if key in record})
            if text not in self._values:
                self._values[text] = orjson.loads(text)
                size += _VALUES_BYTES + _CHARACTER_BYTES * len(text)
            records[vid] = self._values[text]
        self.children.add(Sources(found.of, records))
        return size + _CHILD_BYTES * len(records)
