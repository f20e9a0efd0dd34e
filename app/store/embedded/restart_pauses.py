"""The pauses before the restarts of a JVM: they grow while it fails, and begin anew after a good uptime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MAX_DOUBLINGS: Final = 30


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Bounds of the pauses. All times are in seconds.

    The first pause is ``first_pause``. Each further one is twice as long, up to ``max_pause``, until a JVM was ready
    for ``good_uptime``.
    """

    first_pause: float = 0.2
    max_pause: float = 30.0
    good_uptime: float = 60.0


class RestartPauses:
    """Counts the ends of a JVM since the last good uptime, and returns the pause after each."""

    def __init__(self, policy: RestartPolicy | None = None) -> None:
        self._policy = policy or RestartPolicy()
        self._failures = 0

    def after(self, uptime: float) -> float:
        """Return the pause before the next start; the last JVM was ready for ``uptime``, 0 if it did not start."""
        if uptime >= self._policy.good_uptime:
            self._failures = 0
        pause = self._policy.first_pause * 2.0 ** min(self._failures, _MAX_DOUBLINGS)
        self._failures += 1
        return min(pause, self._policy.max_pause)
