"""The memory of the operations that run at once, which one process shares: bounds in all and for each caller.

What an operation reads from the store is charged by estimate, as its budget counts it
(:class:`graphql_schema.ports.operation_budget.OperationBudget`). An operation that was charged little always goes on,
so that callers with large operations end no ordinary ones of others.
"""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from app.graph.driver.errors import StoreUnavailableError
from policies.errors import CodedError, LimitError

LITTLE: Final = 16 * 1024 * 1024
"""Bytes that every operation may be charged, whatever others are charged."""

_RETRY_SECONDS: Final = 2


@dataclass(slots=True)
class OperationMemory:
    """Bytes charged to the running operations: at most ``maximum`` in all, and ``caller_maximum`` to one caller.

    Only operations that are charged LITTLE at most go beyond these bounds.
    """

    maximum: int
    caller_maximum: int
    _charged: Counter[Hashable] = field(default_factory=Counter)

    @property
    def charged(self) -> int:
        """The bytes charged to all operations that run."""
        return self._charged.total()

    def account(self, caller: Hashable) -> "OperationAccount":
        """Return the account of an operation of a caller, with nothing charged."""
        return OperationAccount(self, caller)

    def change(self, caller: Hashable, size: int) -> None:
        """Add a number of bytes, which may be negative, to what a caller is charged."""
        self._charged[caller] += size
        if not self._charged[caller]:
            del self._charged[caller]

    def refused(self, caller: Hashable, size: int, *, writes: bool) -> CodedError | None:
        """Return the error if a further number of bytes would exceed a bound; ``writes`` is true for a mutation."""
        done = "Its earlier writes remain; read the state first. " if writes else ""
        if self._charged[caller] + size > self.caller_maximum:
            return LimitError(
                f"What your running operations have read takes more than {self.caller_maximum >> 20} MiB of memory, so "
                f"this one was ended. {done}Send fewer large operations at once, or select less.",
                limit="callerMemory",
                maximum=self.caller_maximum,
            )
        if self.charged + size > self.maximum:
            return StoreUnavailableError(
                "The operations of all callers use the memory of the server, so this one was ended. "
                f"{done}Try again later, or select less.",
                retry_after=_RETRY_SECONDS,
                unknown_outcome=writes,
            )
        return None


@dataclass(slots=True)
class OperationAccount:
    """What one operation is charged; it implements :class:`graphql_schema.ports.operation_budget.MemoryAccount`."""

    memory: OperationMemory
    caller: Hashable
    _size: int = 0
    _is_closed: bool = False

    def charge(self, size: int, *, writes: bool) -> CodedError | None:
        """Charge a number of bytes, or return the error that is to end the operation; see :class:`OperationMemory`."""
        if self._is_closed:
            return None
        if self._size + size > LITTLE:
            error = self.memory.refused(self.caller, size, writes=writes)
            if error is not None:
                return error
        self._size += size
        self.memory.change(self.caller, size)
        return None

    def clear(self) -> None:
        """Charge nothing any more for what was read so far."""
        self.memory.change(self.caller, -self._size)
        self._size = 0

    def close(self) -> None:
        """Charge nothing from now on, because the operation has ended."""
        self.clear()
        self._is_closed = True
