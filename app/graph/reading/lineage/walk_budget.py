"""How much one operation may walk: vertices of a walk, and the time that all its walks may take together."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from policies.errors import LimitError

DEPTH: Final = "DEPTH"
NODES: Final = "NODES"
EDGES: Final = "EDGES"
TIME: Final = "TIME"
STEPS: Final = "STEPS"
PATHS: Final = "PATHS"
CAUSES: Final = "CAUSES"

LOOK: Final = 2_000
"""Steps of a search for paths after which it looks at the clock."""


@dataclass(frozen=True, slots=True)
class WalkLimits:
    """The bounds of one operation: ``nodes`` of each walk, and of all its walks the rest.

    ``seconds`` are looked at before a level is read, while it is gone through, and while paths are looked for in it;
    ``edges`` are those gone over, ``steps`` those that searches for paths try.
    """

    nodes: int = 10_000
    seconds: float = 8.0
    walks: int = 1_000
    edges: int = 300_000
    steps: int = 200_000


@dataclass(slots=True)
class Budget:
    """What is left of the limits; time runs from the first walk on. One search for paths is ``trying`` at a time."""

    limits: WalkLimits = field(default_factory=WalkLimits)
    clock: Callable[[], float] = time.monotonic
    walks: int = 0
    edges: int = 0
    steps: int = 0
    trying: asyncio.Lock = field(default_factory=asyncio.Lock)
    _ends: float | None = None

    def begin(self) -> None:
        """Begin a walk; raises LimitError on too many of them."""
        self.walks += 1
        if self.walks > self.limits.walks:
            raise LimitError(
                f"An operation walks along lineage at most {self.limits.walks} times; ask for fewer assets at once.",
                limit=self.limits.walks,
            )

    def ended(self, edges: int) -> str | None:
        """The budget that ended now that so many edges more were gone over; None while there is some left."""
        self.edges += edges
        if self.edges > self.limits.edges:
            return EDGES
        return TIME if self.late else None

    def tried(self) -> str | None:
        """The budget that ended now that one step more was tried; None while there is some left."""
        self.steps += 1
        if self.steps > self.limits.steps:
            return STEPS
        return TIME if self.steps % LOOK == 0 and self.late else None

    @property
    def late(self) -> bool:
        """Whether no further level may be read."""
        now = self.clock()
        if self._ends is None:
            self._ends = now + self.limits.seconds
        return now >= self._ends
