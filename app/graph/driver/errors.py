"""What can go wrong between us and the store: every error of the driver, translated once, at the edge.

A message names classes and actions, never values: what a store says may hold anybody's data.
"""

from policies.errors import Code, CodedError


class StoreUnavailableError(CodedError):
    """The store cannot answer now; ``retry_after`` is in seconds.

    ``unknown_outcome`` is true when a write was under way: it may or may not have been kept, so whoever sent it
    must look, or send it again under the same identity. It is false when nothing can have changed.
    """

    code = Code.STORE_UNAVAILABLE

    def __init__(self, message: str, *, retry_after: int = 1, unknown_outcome: bool = False) -> None:
        super().__init__(message, retryAfter=retry_after, unknownOutcome=unknown_outcome)
        self.retry_after = retry_after
        self.unknown_outcome = unknown_outcome


class TransientConflictError(StoreUnavailableError):
    """The store rolled a write back because another one held the same lock; sending it again is safe."""


class StoreFailedError(CodedError):
    """The store answered with an error of its own; ``classes`` are the simple names of its exceptions."""

    code = Code.STORE_FAILED

    def __init__(self, message: str, classes: tuple[str, ...] = ()) -> None:
        super().__init__(message, storeErrors=list(classes))
        self.classes = classes


class VertexExistsError(CodedError):
    """A vertex was to be created under an id that is taken: read it, and compare tenant and URN."""

    code = Code.CONFLICT


class PreparedTextError(CodedError):
    """A traversal and its parameters do not fit together: a defect of ours, found before anything is sent."""

    code = Code.INTERNAL
