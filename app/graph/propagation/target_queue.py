"""Vertices whose direct targets a job reads, page by page over its steps."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.graph.driver.edge_pages import EdgePages, VisitBudget
from app.graph.propagation.stored_flows import StoredFlows

AT_ONCE: Final = 250
"""Maximal number of vertices whose targets are read together."""


@dataclass(slots=True)
class TargetQueue:
    """Vertices whose targets are to be read, in order; the queue is false when nothing is left.

    What is written between two pages leaves an outbox entry of its own if it begins to flow.
    """

    _waiting: dict[int, None] = field(default_factory=dict)
    _pages: EdgePages | None = None

    def __bool__(self) -> bool:
        return bool(self._waiting) or self._pages is not None

    def add(self, vids: Iterable[int]) -> None:
        """Add vertices, unless they wait already."""
        self._waiting |= dict.fromkeys(vids)

    async def next_targets(self, flows: StoredFlows, budget: VisitBudget) -> set[int]:
        """Return the targets in the next page, by one request, which counts in the budget of a step.

        Call it only if something is left.
        """
        if self._pages is None:
            some = list(islice(self._waiting, AT_ONCE))
            self._pages = flows.target_pages(some)
            for vid in some:
                del self._waiting[vid]
        found = await flows.next_far_ends(self._pages, budget)
        if self._pages.is_read:
            self._pages = None
        return found


@dataclass(frozen=True, slots=True)
class FirstTargets:
    """The first page of the targets of some vertices, and these vertices if there are more pages."""

    found: set[int]
    unread: Collection[int] = ()


async def first_targets(flows: StoredFlows, vids: Collection[int], budget: VisitBudget) -> FirstTargets:
    """Return the first page of the targets of vertices; nothing is read if the budget of the step is spent."""
    if not vids:
        return FirstTargets(set())
    if budget.is_spent:
        return FirstTargets(set(), vids)
    pages = flows.target_pages(vids)
    found = await flows.next_far_ends(pages, budget)
    return FirstTargets(found, () if pages.is_read else vids)
