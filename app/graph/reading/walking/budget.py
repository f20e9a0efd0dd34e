"""How much one operation may walk: vertices of a walk, and the time that all its walks may take together."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

DEPTH: Final = "DEPTH"
NODES: Final = "NODES"
EDGES: Final = "EDGES"
TIME: Final = "TIME"
STEPS: Final = "STEPS"
CAUSES: Final = "CAUSES"


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one operation: ``nodes`` of each walk, ``seconds`` of all, ``steps`` of a search for paths."""

    nodes: int = 10_000
    seconds: float = 8.0
    steps: int = 100_000


@dataclass(slots=True)
class Budget:
    """What is left of the limits; time runs from the first walk on."""

    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    _ends: float | None = None

    @property
    def late(self) -> bool:
        """Whether no further level may be read."""
        now = self.clock()
        if self._ends is None:
            self._ends = now + self.limits.seconds
        return now >= self._ends
