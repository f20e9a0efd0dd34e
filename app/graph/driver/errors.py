"""Errors of the driver: the classes for failures between this process and the store.

A message has no stored value and no message of the store, because such a text can contain data of any tenant. It may
name the classes of the exceptions of the store.
"""

from typing import Final, Self

from app.store.errors import StoreReason
from policies.errors import Code, CodedError

_AGAIN: Final = (
    "Clients: send a query again later; a mutation with the same idempotencyKey, or after you have read the state."
)
_SEE: Final = "Operators: see the logs of the API and of the store."
_MESSAGES: Final = {
    StoreReason.STARTING: f"The embedded store starts or restarts. {_AGAIN} {_SEE}",
    StoreReason.DISK_SPACE: (
        "The store refuses writes, because its disk has too little free space; nothing was written, and reads are "
        f"served. {_AGAIN} Operators: free space on the disk of MLG_DATA_DIR, or lower MLG_STORE_FREE_BYTES."
    ),
    StoreReason.STORAGE: (
        "The storage or the index of the store failed, so the store must be restarted; the embedded store restarts by "
        f"itself. {_AGAIN} {_SEE}"
    ),
    StoreReason.INDEX: (
        "The index of the store lacks documents, or is being rebuilt. If this lasts, repair it: a restart rebuilds "
        f"that of the embedded store, `mlg store repair` compares that of MLG_STORE_URL. {_AGAIN} {_SEE}"
    ),
    StoreReason.BACKEND: f"The store cannot use its storage or index. {_AGAIN} {_SEE}",
}
"""The message for each reason with one cause and one cure; a BUSY or UNREACHABLE error has a message of its own."""


class StoreUnavailableError(CodedError):
    """The store did not complete the request; a later request may succeed. ``retry_after`` is in seconds.

    ``unknown_outcome`` is true for a write that may have been committed. The sender must then read the state before it
    writes again, or repeat the write under the same idempotency key. It is false if the request changed nothing.
    """

    code = Code.STORE_UNAVAILABLE

    def __init__(
        self,
        message: str,
        reason: StoreReason = StoreReason.BUSY,
        *,
        retry_after: int = 1,
        unknown_outcome: bool = False,
    ) -> None:
        super().__init__(message, reason=str(reason), retryAfter=retry_after, unknownOutcome=unknown_outcome)
        self.reason = reason
        self.retry_after = retry_after
        self.unknown_outcome = unknown_outcome

    @classmethod
    def because(cls, reason: StoreReason, *, unknown_outcome: bool = False) -> Self:
        """Return the error for a reason other than BUSY and UNREACHABLE, with the message for its cure."""
        return cls(_MESSAGES[reason], reason, retry_after=5, unknown_outcome=unknown_outcome)


class TransientConflictError(StoreUnavailableError):
    """Nothing was written, because another transaction held a lock or was first; the transaction may be repeated."""

    is_conflict = True


class LostTurnError(TransientConflictError):
    """Nothing was written, because another process wrote after the plan had begun; the transaction may be repeated.

    In the embedded store, its JVM was started again meanwhile, or a write had no response.
    """


class StoreFailedError(CodedError):
    """The store failed, refused the credentials, or returned an unusable response.

    ``classes`` are the simple names of the exception classes in the response, empty if there are none.
    """

    code = Code.STORE_FAILED

    def __init__(self, message: str, classes: tuple[str, ...] = ()) -> None:
        super().__init__(message, storeErrors=list(classes))
        self.classes = classes


class WriteRefusedError(StoreFailedError):
    """The store refused a write because of its values or its size; nothing was written.

    Smaller writes with parts of it may succeed.
    """


class WriteTooLargeError(WriteRefusedError):
    """A transaction is larger than one may be; nothing was sent.

    ``limit`` is the name of the limit in an error about an atomic call, and ``maximum`` its value, None if unknown.
    """

    def __init__(self, message: str, limit: str = "atomicCharacters", maximum: int | None = None) -> None:
        super().__init__(message)
        self.limit = limit
        self.maximum = maximum


class CostlyWriteError(WriteTooLargeError):
    """A transaction takes the store more than ``maximum`` to write (:mod:`app.graph.records.native.write_cost`)."""

    def __init__(self, maximum: int) -> None:
        message = (
            f"A transaction writes at most {maximum} characters: those of the names, descriptions and properties of "
            "the assets that it changes, 1,000 for each record, also of the history, 200 for each edge, 100 for each "
            "word of a name, or value of a list, that comes or goes, and at least 1,000 for each planned end."
        )
        super().__init__(message, "atomicCost", maximum)


class VertexExistsError(CodedError):
    """A transaction was rolled back, because the id of a vertex that it creates is taken.

    Usually another process has just created that vertex. A retry must read the state again.
    """

    code = Code.CONFLICT


class PreparedTextError(CodedError):
    """A Gremlin text, its parameters or their values are invalid: a defect, raised before anything is sent."""

    code = Code.INTERNAL


def may_be_written(error: BaseException) -> bool:
    """Return whether a write that ended with this error may be stored, now or later."""
    if isinstance(error, StoreUnavailableError):
        return error.unknown_outcome
    return not isinstance(error, VertexExistsError | WriteRefusedError | PreparedTextError)
