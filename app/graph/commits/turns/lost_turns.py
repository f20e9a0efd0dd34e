"""The turns that a planner of transactions has lost, and for how long the other processes then wait for it.

Each planner counts its own: a job plans for longer than the writers beside it in the same process. These may win their
turns while the job loses every one.
"""

from dataclasses import dataclass
from typing import Final

LOST_TURNS: Final = 3
"""Number of turns in a row that a planner loses before it lets the other processes wait."""

MIN_WAIT_MS: Final = 1_000
MAX_WAIT_MS: Final = 10_000
"""Shortest and longest time in milliseconds for which others wait."""

WAIT_FACTOR: Final = 3
"""Others wait for this many times the duration of the longest plan that lost its turn."""


@dataclass(slots=True)
class LostTurns:
    """The number of turns lost in a row, and the maximal duration of their plans in milliseconds."""

    count: int = 0
    max_plan: int = 0

    @property
    def wait(self) -> int:
        """The milliseconds for which other processes are to wait; 0 while less than LOST_TURNS are lost."""
        if self.count < LOST_TURNS:
            return 0
        return min(max(WAIT_FACTOR * self.max_plan, MIN_WAIT_MS), MAX_WAIT_MS)

    def lose(self, milliseconds: int) -> None:
        """Count a turn that was lost after a plan of some milliseconds."""
        self.count += 1
        self.max_plan = max(self.max_plan, milliseconds)

    def win(self) -> None:
        """Begin to count anew, after a transaction was written."""
        self.count = self.max_plan = 0
