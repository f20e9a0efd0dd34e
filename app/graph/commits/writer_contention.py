"""Whether several callers write at the same time, so that long calls write in small transactions."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

CONTENDED_SECONDS: Final = 5.0
"""Seconds for which writers count as contending after two calls overlapped."""


@dataclass(slots=True)
class WriterContention:
    """Counts the calls of all writers that are under way. ``clock`` returns monotonic seconds."""

    clock: Callable[[], float] = time.monotonic
    _calls: int = 0
    _until: float = float("-inf")

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count a call while the body runs."""
        self._calls += 1
        if self._calls > 1:
            self._until = self.clock() + CONTENDED_SECONDS
        try:
            yield
        finally:
            self._calls -= 1

    @property
    def is_contended(self) -> bool:
        """Whether two calls overlap, or overlapped in the last CONTENDED_SECONDS."""
        return self._calls > 1 or self.clock() < self._until
