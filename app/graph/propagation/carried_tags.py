"""The tags that vertices carry, which a job reads page by page over its steps."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.graph.driver.edge_pages import EdgePages, VisitBudget
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.propagation.target_queue import TargetQueue

AT_ONCE: Final = 250
"""Maximal number of vertices whose tags are read together."""


@dataclass(slots=True)
class CarriedTags:
    """Vertices whose tags are to be read, and ``targets``, whose far ends are added to them; false if none is left.

    What is written between two pages leaves an outbox entry of its own.
    """

    targets: TargetQueue = field(default_factory=TargetQueue)
    _waiting: dict[int, None] = field(default_factory=dict)
    _pages: EdgePages | None = None

    def __bool__(self) -> bool:
        return bool(self.targets or self._waiting) or self._pages is not None

    def add(self, vids: Iterable[int]) -> None:
        """Add vertices, unless they wait already."""
        self._waiting |= dict.fromkeys(vids)

    async def advance(self, flows: StoredFlows, budget: VisitBudget) -> dict[int, list[int]]:
        """Read a page of targets, and one of tags, as far as the budget of a step permits.

        Return the vertices in this page by the vertex id of each tag that they have a current edge to, also if the edge
        blocks the tag. No record is read: those of thousands of vertices may have gigabytes.
        """
        if self.targets:
            self.add(await self.targets.next_targets(flows, budget))
        if self._pages is None:
            some = list(islice(self._waiting, AT_ONCE))
            for vid in some:
                del self._waiting[vid]
            self._pages = flows.tag_pages(some) if some else None
        found = defaultdict[int, list[int]](list)
        if self._pages is not None and not budget.is_spent:
            for vid, tag in await flows.next_edges(self._pages, budget):
                found[tag].append(vid)
            self._pages = None if self._pages.is_read else self._pages
        return found

    async def concerned(self, vids: Collection[int]) -> Collection[int]:
        """Return the vertices to recompute for a tag that some vertices carry: these vertices."""
        return vids
