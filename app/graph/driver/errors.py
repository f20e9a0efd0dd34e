"""Errors of the driver: every failure between this process and the store is one of these classes.

A message names exception classes and next steps, never values: an error text of the store can contain data of any
tenant.
"""

from policies.errors import Code, CodedError


class StoreUnavailableError(CodedError):
    """The store cannot respond at present; ``retry_after`` is in seconds.

    ``unknown_outcome`` is true if a write was sent that may or may not have been committed. The sender must then read
    the state, or repeat the write under the same identity. It is false if nothing can have changed.
    """

    code = Code.STORE_UNAVAILABLE

    def __init__(self, message: str, *, retry_after: int = 1, unknown_outcome: bool = False) -> None:
        super().__init__(message, retryAfter=retry_after, unknownOutcome=unknown_outcome)
        self.retry_after = retry_after
        self.unknown_outcome = unknown_outcome


class TransientConflictError(StoreUnavailableError):
    """The store rolled a write back because another write held the same lock; sending the write again is safe."""


class StoreFailedError(CodedError):
    """The store responded with an exception; ``classes`` are the simple names of the exception classes."""

    code = Code.STORE_FAILED

    def __init__(self, message: str, classes: tuple[str, ...] = ()) -> None:
        super().__init__(message, storeErrors=list(classes))
        self.classes = classes


class VertexExistsError(CodedError):
    """A vertex was not created, because its id is taken; the caller reads that vertex and compares tenant and URN."""

    code = Code.CONFLICT


class PreparedTextError(CodedError):
    """A Gremlin text, its parameters or their values are invalid: a defect, raised before anything is sent."""

    code = Code.INTERNAL
