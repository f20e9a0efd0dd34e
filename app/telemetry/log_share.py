"""The share of each caller in the access log, by bytes and time.

A caller may read ten thousand logged values by one response, or by each event of a hundred subscriptions. Without a
share, that is gigabytes of log in a minute. Once its disk is full, no caller can write.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Final

BURST: Final = 64 * 1024 * 1024
"""Number of bytes that a caller may have in the log at once."""

RATE: Final = 1024 * 1024
"""Number of bytes for each second that a caller may add after that."""

Caller = tuple[str, str]
"""Tenant and subject."""


LIMIT: Final = "logShare"
"""The name of the limit in the error of a caller whose share is spent."""

_FULL_SECONDS: Final = BURST / RATE
"""Seconds after which nothing counts of a share that is just spent."""


@dataclass(slots=True)
class LogShares:
    """Counts the bytes of each caller in this process, and forgets RATE of them each second.

    A caller may add to the log while they are at most BURST. At most twice as many count, so that lines which are
    written nevertheless do not delay the caller for hours.
    """

    clock: Callable[[], float] = monotonic
    _full_at: dict[Caller, float] = field(default_factory=dict)
    """By caller with bytes that count: the time at which none will count."""

    def seconds_until_free(self, caller: Caller) -> float:
        """Return the seconds until a caller may add to the log, 0 if it may now."""
        return max(0.0, self._full_at.get(caller, 0.0) - self.clock() - _FULL_SECONDS)

    def spend(self, caller: Caller, size: int) -> None:
        """Count bytes that a caller has added. Forget two others of whom nothing counts any more."""
        now = self.clock()
        full_at = max(now, self._full_at.pop(caller, now)) + size / RATE
        self._full_at[caller] = min(full_at, now + 2 * _FULL_SECONDS)
        for first in [*islice(self._full_at, 2)]:
            at = self._full_at.pop(first)
            if at > now:
                self._full_at[first] = at  # at the end, so that all are looked at in turn
