"""Pauses before a server that failed is tried again: they grow while it fails, and begin anew after a good uptime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MAX_DOUBLINGS: Final = 30


@dataclass(frozen=True, slots=True)
class PausePolicy:
    """Bounds of the pauses. All times are in seconds.

    The first pause is ``first_pause``. Each further one is twice as long, up to ``max_pause``, until the server was
    ready for ``good_uptime``.
    """

    first_pause: float = 0.2
    max_pause: float = 30.0
    good_uptime: float = 60.0


class GrowingPauses:
    """Counts the failures of a server since the last good uptime, and returns the pause after each."""

    def __init__(self, policy: PausePolicy | None = None) -> None:
        self._policy = policy or PausePolicy()
        self._failures = 0

    def after(self, uptime: float) -> float:
        """Return the seconds to wait before the next attempt.

        The server was ready for ``uptime`` seconds, 0 if it did not start.
        """
        if uptime >= self._policy.good_uptime:
            self._failures = 0
        pause = self._policy.first_pause * 2.0 ** min(self._failures, _MAX_DOUBLINGS)
        self._failures += 1
        return min(pause, self._policy.max_pause)
