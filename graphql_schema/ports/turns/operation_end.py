"""The end of an operation before its result: by a limit, by its deadline, or because its client has left."""

from collections.abc import Callable
from dataclasses import dataclass

from policies.errors import CodedError


@dataclass(slots=True, kw_only=True, eq=False)
class OperationEnd:
    """What ended an operation, and whether that cancels it.

    A query is cancelled. A mutation completes the transaction in flight, and its response says what was written. If its
    client has left, it is cancelled as well, but only while no root field writes (``responds``).
    """

    writes: bool = False
    """Whether the operation is a mutation, whose writes are never cancelled."""
    responds: bool = False
    """Whether the root fields of a mutation that have begun have written, and only their response is made."""
    is_unread: bool = False
    """Whether the client has left, so that no response is sent."""
    _end: CodedError | None = None
    _cancel: Callable[[], object] | None = None

    def cancel_with(self, cancel: Callable[[], object] | None) -> None:
        """Set the function that :meth:`end` calls if the operation is to be cancelled; None removes it."""
        self._cancel = cancel

    def end(self, error: CodedError, *, is_unread: bool = False) -> None:
        """End the operation: :meth:`check` raises ``error`` from now on. Only the first error counts.

        The function given to :meth:`cancel_with` is called, unless the operation was cancelled before, or is a mutation
        that is to go on. If that writes for a client that has left (``is_unread``), `is_cancelled` is true afterwards.
        """
        was_cancelled = self.is_cancelled
        self._end, self.is_unread = self._end or error, self.is_unread or is_unread
        if self._cancel is not None and self.is_cancelled and not was_cancelled:
            self._cancel()

    @property
    def ended(self) -> CodedError | None:
        """Return the error that ended the operation, or None."""
        return self._end

    @property
    def is_cancelled(self) -> bool:
        """Whether its end has cancelled the operation; what a part awaited may have taken the cancellation."""
        has_ended = self._end is not None and self._cancel is not None
        return has_ended and (not self.writes or (self.is_unread and self.responds))

    def check(self) -> None:
        """Raise the error that ended the operation, if it has ended."""
        if self._end is not None:
            raise self._end
