"""The share of each caller in the access log, by bytes and time.

A caller may read ten thousand logged values by one response, or by each event of a hundred subscriptions. Without a
share, that is gigabytes of log in a minute. Once its disk is full, no caller can write.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

BURST: Final = 64 * 1024 * 1024
"""Number of bytes that a caller may have in the log at once."""

RATE: Final = 1024 * 1024
"""Number of bytes for each second that a caller may add after that."""

Caller = tuple[str, str]
"""Tenant and subject."""


@dataclass(slots=True)
class LogShares:
    """Counts the bytes of each caller in this process. One whose share is spent has some again after a while."""

    clock: Callable[[], float] = monotonic
    _free_at: dict[Caller, float] = field(default_factory=dict)
    """By caller with bytes in the log: the time at which the share is whole again."""

    def seconds_until_free(self, caller: Caller) -> float:
        """Return the seconds until a caller may add to the log, 0 if it may now."""
        return max(0.0, self._free_at.get(caller, 0.0) - self.clock() - BURST / RATE)

    def spend(self, caller: Caller, size: int) -> None:
        """Count bytes that a caller has added."""
        now = self.clock()
        self._free_at[caller] = max(now, self._free_at.pop(caller, now)) + size / RATE
        oldest = next(iter(self._free_at))
        if self._free_at[oldest] <= now:
            del self._free_at[oldest]
