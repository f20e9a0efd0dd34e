"""Precedence: work for which all writers wait has every second turn, of the event loop and of the side thread.

It is that of a task and of the tasks that it starts, until the precedence ends. What these do later is as other work.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar, Final


@dataclass(slots=True, eq=False)
class Precedence:
    """The precedence of the task that begins it; ``has_ended`` holds for all tasks that have inherited it."""

    has_ended: bool = False
    count: ClassVar[int] = 0
    """The number of those that have begun and not ended."""

    @classmethod
    def begin(cls) -> "Precedence":
        """Return a precedence of this task, which is to end it."""
        begun = cls()
        _CURRENT.set(begun)
        Precedence.count += 1
        return begun

    def end(self) -> None:
        """End the precedence, in every task."""
        Precedence.count -= not self.has_ended
        self.has_ended = True


_CURRENT: Final = ContextVar[Precedence | None]("precedence", default=None)


def any_has_precedence() -> bool:
    """Return whether any task has a precedence that has not ended; from any thread."""
    return Precedence.count > 0


def has_precedence() -> bool:
    """Return whether this task has a precedence that has not ended."""
    current = _CURRENT.get()
    return current is not None and not current.has_ended
