"""How much each caller has lately received: one who receives very much has fewer slots of a queue (app.fair_queue)."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

MANY_CALLERS: Final = 1_000
"""Number of callers above which those are forgotten whose volume is 0 again."""


@dataclass(slots=True)
class ReceivedVolumes:
    """The bytes that each caller has received, less ``per_second`` for each second since, and whether they are many.

    They are above ``limit``. ``clock`` returns seconds.
    """

    limit: float
    per_second: float
    clock: Callable[[], float] = monotonic
    _volumes: dict[Hashable, tuple[float, float]] = field(default_factory=dict)
    """By caller, the bytes that count, and the time when they did."""

    def add(self, caller: Hashable, size: int) -> None:
        """Add what a caller has received, in bytes."""
        self._volumes[caller] = self._volume(caller) + size, self.clock()
        if len(self._volumes) > MANY_CALLERS:
            self._volumes = {each: found for each, found in self._volumes.items() if self._volume(each)}

    def are_many(self, caller: Hashable) -> bool:
        """Return whether a caller has lately received more than the limit."""
        return self._volume(caller) > self.limit

    def _volume(self, caller: Hashable) -> float:
        size, at = self._volumes.get(caller, (0.0, 0.0))
        return max(0.0, size - self.per_second * (self.clock() - at)) if size else 0.0
