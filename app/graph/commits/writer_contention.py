"""Whether several callers write at the same time, so that long calls write in small transactions."""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

CONTENDED_SECONDS: Final = 5.0
"""Seconds for which writers count as contending after a call began during a call of another caller."""


@dataclass(slots=True)
class WriterContention:
    """Counts the callers whose calls are under way. ``clock`` returns monotonic seconds."""

    clock: Callable[[], float] = time.monotonic
    _calls: Counter[Hashable] = field(default_factory=Counter)
    _until: float = float("-inf")

    @contextmanager
    def call(self, caller: Hashable) -> Iterator[None]:
        """Count a call of a caller while the body runs."""
        self._calls[caller] += 1
        if len(self._calls) > 1:
            self._until = self.clock() + CONTENDED_SECONDS
        try:
            yield
        finally:
            self._calls[caller] -= 1
            self._calls += Counter()  # drops callers without a call

    @property
    def is_contended(self) -> bool:
        """Whether calls of two callers are under way, or one began during the other in the last CONTENDED_SECONDS."""
        return len(self._calls) > 1 or self.clock() < self._until
