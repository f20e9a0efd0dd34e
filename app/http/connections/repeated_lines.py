"""Keeps a client from filling the log: repetitions of a line within some seconds are left out."""

import logging
import time
from collections.abc import Callable
from typing import Final

QUIET_SECONDS: Final = 10.0
_REMEMBERED: Final = 1_000


class RepeatedLines(logging.Filter):
    """Passes a line of a logger once per QUIET_SECONDS; equal lines have the same text, also that of the exception.

    After `_REMEMBERED` different lines, all are forgotten, so one may pass again sooner.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether no equal line has passed within QUIET_SECONDS."""
        line = f"{record.getMessage()} {record.exc_info[1] if record.exc_info else ''}"
        now = self._clock()
        if now - self._passed.get(line, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        if len(self._passed) >= _REMEMBERED:
            self._passed.clear()
        self._passed[line] = now
        return True
