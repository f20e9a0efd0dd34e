"""Which process waits for the next transaction of which other one, as one of them knows it."""

from dataclasses import dataclass
from typing import Final

from app.graph.commits.turns.lost_turns import MAX_WAIT_MS

_NEVER: Final = float("-inf")


@dataclass(slots=True)
class ProcessWaits:
    """The waits of one process; all instants are milliseconds of its clock that is never set."""

    _others_until: float = _NEVER
    _process: str = ""
    _until: float = _NEVER

    def learn(self, process: str, wait: int, now: int) -> None:
        """Learn a transaction of another process, which lets this one wait for some milliseconds, 0 for none.

        Every transaction of the process for which this one waits ends that wait.
        """
        if wait:
            self._process, self._until = process, now + min(wait, MAX_WAIT_MS)
        elif process == self._process:
            self._until = _NEVER

    def must_wait(self, now: int) -> bool:
        """Return whether this process waits for another one."""
        return now < self._until

    def let_others_wait(self, until: int) -> None:
        """Record that others wait for this process until an instant."""
        self._others_until = until

    def release_others(self) -> None:
        """Record that this process has written a transaction, which ends their wait."""
        self._others_until = _NEVER

    def others_wait(self, now: int) -> bool:
        """Return whether others wait for this process."""
        return now < self._others_until
