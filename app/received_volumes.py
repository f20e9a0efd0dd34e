"""Counts the bytes that each caller has lately received, so that a queue (app.fair_queue) gives fewer slots to some."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

MANY_CALLERS: Final = 1_000
"""Number of callers above which those are forgotten whose volume is 0 again."""


@dataclass(slots=True)
class ReceivedVolumes:
    """Counts the bytes received by each caller, less ``per_second`` for each second since; above ``limit`` is too much.

    ``clock`` returns seconds.
    """

    limit: float
    per_second: float
    clock: Callable[[], float] = monotonic
    _volumes: dict[Hashable, tuple[float, float]] = field(default_factory=dict)
    """By caller, how many bytes it had, and the time when it had them."""

    def add(self, caller: Hashable, size: int) -> None:
        """Add what a caller has received, in bytes."""
        self._volumes[caller] = self._volume(caller) + size, self.clock()
        if len(self._volumes) > MANY_CALLERS:
            self._volumes = {each: found for each, found in self._volumes.items() if self._volume(each)}

    def excess(self, caller: Hashable) -> float:
        """Return for how many seconds what a caller has received is too much, 0 if it is not."""
        return max(0.0, self._volume(caller) - self.limit) / self.per_second

    def _volume(self, caller: Hashable) -> float:
        size, at = self._volumes.get(caller, (0.0, 0.0))
        return max(0.0, size - self.per_second * (self.clock() - at)) if size else 0.0
