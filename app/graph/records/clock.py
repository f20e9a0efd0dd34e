"""The present instant in the unit of the store, a clock that is never set, and a patient clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

MAX_STEP_MS: Final = 5_000
"""Milliseconds by which the present may go ahead of the steady clock at once: those of a usual correction."""

PATIENCE_MS: Final = 300_000
"""Milliseconds for which a larger jump ahead must last until it counts."""

_log = structlog.get_logger(__name__)


def epoch_milliseconds() -> int:
    """Return the present instant in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def steady_milliseconds() -> int:
    """Return milliseconds of a clock that is never set."""
    return int(time.monotonic() * 1_000)


@dataclass(slots=True)
class PatientClock:
    """Epoch milliseconds of ``present``, but those that the ``steady`` clock leads to while a jump ahead is new.

    It is for work that cannot be undone: ends that are taken as passed are awaited no longer. A clock that ran ahead
    for a moment would otherwise lower the sensitivity of assets whose lineage ends in the future. A jump back counts at
    once, because nothing that is awaited is lost by it.
    """

    present: Callable[[], int]
    steady: Callable[[], int] = steady_milliseconds
    _instant: int = field(init=False)
    _read_at: int = field(init=False)
    _ahead_since: int | None = None

    def __post_init__(self) -> None:
        self._instant, self._read_at = self.present(), self.steady()

    def __call__(self) -> int:
        """Return the instant, in epoch milliseconds; log a warning when a jump ahead begins to wait."""
        now, steady = self.present(), self.steady()
        expected = self._instant + steady - self._read_at
        if now > expected + MAX_STEP_MS:
            if self._ahead_since is None:
                self._ahead_since = steady
                _log.warning("clock_jumped_ahead", seconds=(now - expected) // 1_000)
            if steady < self._ahead_since + PATIENCE_MS:
                return expected
        self._instant, self._read_at, self._ahead_since = now, steady, None
        return now
