"""The memory of the operations that run at once, which one process shares by a dynamic threshold.

What an operation reads from the store is charged by estimate, as its budget counts it
(:class:`graphql_schema.ports.operation_budget.OperationBudget`). A long response is charged by its bytes until its
client has taken it. The first LITTLE bytes of each operation, and of each response, are not shared. They always pass
and count for no bound, so that large operations end no ordinary ones of others.
"""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from app.graph.driver.errors import StoreUnavailableError
from policies.blurred_limit import blurred
from policies.errors import CodedError, LimitError

LITTLE: Final = 16 * 1024 * 1024
"""Bytes that every operation may read without a charge."""

_RETRY_SECONDS: Final = 2


@dataclass(slots=True)
class OperationMemory:
    """Bytes charged to the callers of the running operations: less than ``maximum`` in all.

    A charge passes if its caller then has at most as much as remains free. This is the dynamic threshold of the
    buffer that the ports of a switch share, with the factor 1. Its source is "Dynamic queue length thresholds for
    shared-memory packet switches" by Choudhury and Hahne (IEEE/ACM Transactions on Networking, 1998).

    So one caller alone has half of ``maximum``. Beside others who are charged ``x`` together, a caller may have half of
    what these leave, ``(maximum - x) / 2``, because nothing is taken from an operation that runs. Beside n others, that
    is at least ``maximum / 2**(n+1)``, whatever they did before. As operations end and others begin, n callers who
    always want more come to equal shares, ``maximum / (n+1)`` each.
    """

    maximum: int
    held: int = 0
    """Bytes that the running operations have read, with those that are not charged; 0 if none has read any."""
    _charged: Counter[Hashable] = field(default_factory=Counter)

    @property
    def charged(self) -> int:
        """The bytes charged to all callers."""
        return self._charged.total()

    def account(self, caller: Hashable) -> "OperationAccount":
        """Return the account of an operation of a caller, with nothing charged; for it ``maximum`` is blurred."""
        return OperationAccount(self, caller, blurred(self.maximum))

    def change(self, caller: Hashable, size: int) -> None:
        """Add a number of bytes, which may be negative, to what a caller is charged."""
        self._charged[caller] += size
        if not self._charged[caller]:
            del self._charged[caller]

    def refused(self, caller: Hashable, size: int, maximum: int, *, writes: bool) -> CodedError | None:
        """Return the error if a caller may not have further bytes of ``maximum``; ``writes`` is true for a mutation.

        It is LimitError if the caller may not have them alone either, and StoreUnavailableError because of others.
        """
        done = "Its earlier writes remain; read the state first. " if writes else ""
        share, wanted = self.maximum // 2, self._charged[caller] + size
        if wanted > maximum // 2:
            return LimitError(
                f"What your running operations have read, and responses that you have not received, take more than "
                f"{share >> 20} MiB of memory, beyond {LITTLE >> 20} MiB each, so this one was ended. {done}Send fewer "
                "large operations at once, or select less.",
                limit="callerMemory",
                maximum=share,
            )
        if wanted > maximum - self.charged - size:
            return StoreUnavailableError(
                "The operations of other callers leave too little memory of the server for this one, so it was ended. "
                f"{done}Try again later, send fewer large operations at once, or select less.",
                retry_after=_RETRY_SECONDS,
                unknown_outcome=writes,
            )
        return None


@dataclass(slots=True)
class OperationAccount:
    """What one operation is charged; it implements :class:`graphql_schema.ports.operation_budget.MemoryAccount`."""

    memory: OperationMemory
    caller: Hashable
    maximum: int
    _size: int = 0
    _is_closed: bool = False

    def charge(self, size: int, *, writes: bool) -> CodedError | None:
        """Charge a number of bytes, or return the error that is to end the operation; see :class:`OperationMemory`."""
        if self._is_closed:
            return None
        shared = _beyond_little(self._size + size) - _beyond_little(self._size)
        if shared:
            error = self.memory.refused(self.caller, shared, self.maximum, writes=writes)
            if error is not None:
                return error
            self.memory.change(self.caller, shared)
        self._size += size
        self.memory.held += size
        return None

    def release(self, size: int) -> None:
        """Charge a number of bytes no longer, or all if it has fewer."""
        left = max(0, self._size - size)
        self.memory.change(self.caller, _beyond_little(left) - _beyond_little(self._size))
        self.memory.held -= self._size - left
        self._size = left

    def clear(self) -> None:
        """Charge nothing any more for what was read so far."""
        self.release(self._size)

    def close(self) -> None:
        """Charge nothing from now on, because the operation has ended."""
        self.clear()
        self._is_closed = True

    def further(self) -> "OperationAccount":
        """Return another account of the same caller, with nothing charged: for the response of the operation."""
        return OperationAccount(self.memory, self.caller, self.maximum)


def _beyond_little(size: int) -> int:
    """Return how many of the bytes of an operation are charged to its caller."""
    return max(0, size - LITTLE)
