"""The children of parents with many of them, read before a transaction is planned, while other writers go on.

An edge of a parent counts for its children, and a parent may have tens of thousands: to read them takes seconds. If all
writers waited meanwhile, one call after the other could stop them. So the call that needs them reads them by itself,
page by page, and records what is written during and after that. When its batch is planned, what was written is read
again, which is little. The children are then those that the plan itself would have read.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.propagation.flow_statement import PARENT_STEPS
from app.graph.propagation.sources import Sources
from app.graph.propagation.stored_flows import MANY_EDGES, StoredFlows
from app.graph.records.touched import Touched
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Record
from policies.sensitivity import SENSITIVITIES

_TO_PARENTS: Final = frozenset((step.direction, step.label) for step in PARENT_STEPS)
"""Direction and label of the edges that lead from children to their parents."""

_UNTAGGED: Final[Mapping[str, Record]] = {
    level: {"sensitivity": level, "index": {"tags": ()}} for level in SENSITIVITIES
}
"""The values that are needed of a child without tags, by its sensitivity; thousands of children share them."""


class ChildrenAhead:
    """Children of ``parents`` for one call, with the values of them that the effects of a write need.

    It is a watch of the writes of a client (:class:`app.graph.driver.gremlin_client.WriteWatch`), from :meth:`begin`,
    which is called under the write lock, to the end of :meth:`in_use`.
    """

    def __init__(self) -> None:
        self.parents: set[int] = set()
        self.children = Sources()
        self._written: set[int] = set()
        self._joined: set[int] = set()
        self._is_lost = False
        self._client: GremlinClient | None = None
        self._uses = 0

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep what is read while the body runs, or that of another use at the same time."""
        self._uses += 1
        try:
            yield
        finally:
            self._uses -= 1
            if not self._uses:
                self._end()

    def begin(self, client: GremlinClient) -> None:
        """Record what is written through the client from now on, and what others write when that is learned."""
        if self._client is None:
            self._client = client
            client.write_watches.append(self)

    def _end(self) -> None:
        """Forget everything, and record nothing further."""
        self._forget()
        if self._client is not None:
            self._client.write_watches.remove(self)
            self._client = None

    def begun(self, touched: Touched) -> None:
        """Record what a transaction touches."""
        self._is_lost |= touched.everything
        self._written |= touched.vertices
        self._joined |= {vid for *step, vid in touched.edge_ends if (*step,) in _TO_PARENTS}

    def ended(self, touched: Touched, *, certain: bool) -> None:  # noqa: ARG002 - of the protocol
        """Record what a transaction has touched, also one that began before."""
        self.begun(touched)

    async def read(self, flows: StoredFlows, parents: Iterable[int], budget: OperationBudget) -> None:
        """Read the children of further parents, whose edges and records count in the budget of the operation."""
        wanted = [*parents]
        async for page in flows.child_pages(wanted):
            budget.check()
            budget.count_rows(2 * len(page.records))
            await run_in_turn(self._add, len(page.records) > MANY_EDGES, page)
            await budget.pause()
        self.parents.update(wanted)

    async def refresh(self, flows: StoredFlows, limit: int) -> bool:
        """Read again which children were written, under the write lock; return false if they are more than ``limit``.

        In this case everything is forgotten.
        """
        changed = (self._written & self.children.records.keys()) | self._joined
        if self._is_lost or len(changed) > limit:
            self._forget()
        elif changed:
            found = await flows.parents(changed)
            for members in self.children.of.values():
                members.difference_update(changed)
            joined = Sources(records={vid: found.records[vid] for vid in changed & found.records.keys()})
            for child in changed:
                for parent in self.parents & found.of.get(child, set()):
                    joined.of[parent].add(child)
            self._add(joined)
        self._written, self._joined, self._is_lost = set(), set(), False
        return bool(self.parents)

    def _forget(self) -> None:
        self.parents, self.children = set(), Sources()

    def _add(self, found: Sources) -> None:
        self.children.add(Sources(found.of, {vid: _brief(record) for vid, record in found.records.items()}))


def _brief(record: Record) -> Record:
    """Return the values of a child that the effects of a write need."""
    level, tags = record["sensitivity"], record["index"]["tags"]
    return {"sensitivity": level, "index": {"tags": tags}} if tags else _UNTAGGED[level]
