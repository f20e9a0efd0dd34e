"""Vertices whose direct targets a job reads, page by page over its steps."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.graph.driver.edge_pages import EdgePages
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

    async def next_targets(self, flows: StoredFlows) -> set[int]:
        """Return the targets in the next page, by one request; call it only if something is left."""
        if self._pages is None:
            some = list(islice(self._waiting, AT_ONCE))
            self._pages = flows.target_pages(some)
            for vid in some:
                del self._waiting[vid]
        found = await flows.next_far_ends(self._pages)
        if self._pages.is_read:
            self._pages = None
        return found
