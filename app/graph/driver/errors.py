"""Errors of the driver: the classes for failures between this process and the store.

A message has no stored values and no text of the store, because such a text can contain data of any tenant.
"""

from policies.errors import Code, CodedError


class StoreUnavailableError(CodedError):
    """The store did not complete the request; a later request may succeed. ``retry_after`` is in seconds.

    ``unknown_outcome`` is true for a write that may have been committed. The sender must then read the state before it
    writes again, or repeat the write under the same idempotency key. It is false if the request changed nothing.
    """

    code = Code.STORE_UNAVAILABLE

    def __init__(self, message: str, *, retry_after: int = 1, unknown_outcome: bool = False) -> None:
        super().__init__(message, retryAfter=retry_after, unknownOutcome=unknown_outcome)
        self.retry_after = retry_after
        self.unknown_outcome = unknown_outcome


class TransientConflictError(StoreUnavailableError):
    """The store rolled a request back because of a lock of another transaction; sending the request again is safe."""


class StoreFailedError(CodedError):
    """The store failed, refused the credentials, or returned an unusable response.

    ``classes`` are the simple names of the exception classes in the response, empty if there are none.
    """

    code = Code.STORE_FAILED

    def __init__(self, message: str, classes: tuple[str, ...] = ()) -> None:
        super().__init__(message, storeErrors=list(classes))
        self.classes = classes


class WriteRefusedError(StoreFailedError):
    """The store rolled a write back because of its values or its size; a part of the write may be accepted."""


class VertexExistsError(CodedError):
    """A transaction was rolled back, because the id of a vertex that it creates is taken.

    Usually another process has just created that vertex. A retry must read the state again.
    """

    code = Code.CONFLICT


class PreparedTextError(CodedError):
    """A Gremlin text, its parameters or their values are invalid: a defect, raised before anything is sent."""

    code = Code.INTERNAL
