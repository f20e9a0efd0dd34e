"""What transactions with an unknown outcome touch, until they count as ended."""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

from app.graph.cache.fill import InFlight
from app.graph.commits.late_writes import LATE_SECONDS
from app.graph.records.touched import EVERYTHING, Touched

MAX_UNCERTAIN: Final = 100_000
"""Number of touched vertices and ends of edges above which these transactions count as touching everything."""


class UncertainWrites:
    """The union ``touched`` of what such transactions touch. ``clock`` returns seconds of a clock that is never set."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.touched = InFlight()
        self._clock = clock
        self._ends = deque[tuple[float, Touched]]()

    def add(self, touched: Touched) -> None:
        """Add what a transaction touches that the store may complete within LATE_SECONDS."""
        if len(self.touched) + len(touched.vertices) + len(touched.edge_ends) > MAX_UNCERTAIN:
            self.clear()
            touched = EVERYTHING
        self._ends.append((self._clock() + LATE_SECONDS, touched))
        self.touched.add(touched)

    def end_old(self) -> list[Touched]:
        """Remove and return what the transactions touch that count as ended now."""
        ended = []
        while self._ends and self._ends[0][0] <= self._clock():
            ended.append(self._ends.popleft()[1])
            self.touched.remove(ended[-1])
        return ended

    def clear(self) -> None:
        """Remove all transactions."""
        self.touched = InFlight()
        self._ends.clear()
