"""The protocol by which a command on a whole store reports its progress."""

from collections.abc import Callable
from typing import Protocol


class WorkProgress(Protocol):
    """Shows the progress of a command."""

    def begin(self, title: str, total: int | None = None) -> Callable[[int], None]:
        """Begin a part of the work and return the function that adds to its count; ``total`` is None if unknown."""


class NoProgress:
    """Shows nothing."""

    def begin(self, title: str, total: int | None = None) -> Callable[[int], None]:  # noqa: ARG002 - shows nothing
        """Return a function that does nothing."""
        return lambda _count: None
