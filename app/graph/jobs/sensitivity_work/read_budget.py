"""What one step of the sensitivity job may read, because it holds the lock of the writers meanwhile."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from app.graph.driver.edge_pages import VisitBudget

MAX_REQUESTS: Final = 40
"""Maximal number of requests for sources and records in one step of the job, which holds the lock of the writers."""

MAX_VERTICES: Final = 1_500
"""Number of vertices after which a step sends no further request; one that finds more returns no records of them."""

MIN_REQUESTS: Final = 5
"""Number of requests for ranks that each step sends if ranks are missing, whatever it has read before.

Writers may change the edges of a vertex with many sources between all steps: each step then reads these anew.
"""

MAX_BEHIND: Final = 4
"""Number of steps that may end before all edges are looked up. The next one looks up all, so that the work ends."""

VISITS_OF_LOOKUP: Final = 4
"""How many visits the look-up of an edge counts as: it takes longer than an edge in a page."""

MAX_PARTS: Final = 5
"""Number of requests, each of which has read as many bytes of records as one may, after which a step sends no further.

The store takes 40 ms for one of them, and all writers wait.
"""


@dataclass(slots=True)
class ReadBudget:
    """What one step of the job may still read; ``of_ranks`` are those of its requests that read ranks alone.

    ``vertices`` are those whose records are read, and ``visits`` the edges that the store goes through. ``further`` is
    the number of pages of sources that the step reads although all this is spent. ``was_allowed``, a flag, states
    whether :meth:`allow_further` has added one.
    """

    requests: int = MAX_REQUESTS
    vertices: int = MAX_VERTICES
    parts: int = MAX_PARTS
    of_ranks: int = 0
    further: int = 0
    was_allowed: bool = False
    visits: VisitBudget = field(default_factory=VisitBudget)

    @property
    def is_spent(self) -> bool:
        """Whether the step must end before its next request."""
        return self.vertices <= 0 or self.requests <= 0 or self.parts <= 0 or self.visits.is_spent

    def allow_further(self) -> None:
        """Let the step read one page of sources, once, if all is spent by what each step must do."""
        if self.is_spent and not self.was_allowed:
            self.further, self.was_allowed = self.further + 1, True

    def take_further(self) -> bool:
        """Return whether the step may read a further page of sources, and count it."""
        is_left = self.further > 0
        self.further -= is_left
        return is_left

    @property
    def is_spent_for_ranks(self) -> bool:
        """Whether the step must end before its next request for ranks."""
        return self.parts <= 0 or (self.of_ranks >= MIN_REQUESTS and self.is_spent)

    def spend(self, vertices: int, left: Collection[int]) -> None:
        """Count a request that has read some vertices, and has left out others because of its size."""
        self.requests -= 1
        self.vertices -= vertices
        self.parts -= bool(left)
