"""How planning an item ends early: with the outcome that says why it is not written."""

from graphql_schema.ports.outcomes import GateResult, MutationErrorCode, Outcome, WriteError, WriteOutcome


class RejectedItemError(Exception):
    """An item that cannot be written; ``registered`` is its outcome. Never leaves the plan."""

    def __init__(self, registered: WriteOutcome) -> None:
        super().__init__(registered)
        self.registered = registered


def invalid(message: str, *path: str) -> RejectedItemError:
    """The input cannot be."""
    return _refused(Outcome.INVALID, WriteError(MutationErrorCode.INVALID, message, path))


def not_found(message: str, *path: str) -> RejectedItemError:
    """What the write is about is unknown, or hidden."""
    return _refused(Outcome.INVALID, WriteError(MutationErrorCode.NOT_FOUND, message, path))


def other_payload(key: str) -> RejectedItemError:
    """The idempotency key was used for something else."""
    return _refused(
        Outcome.CONFLICT,
        WriteError(
            MutationErrorCode.IDEMPOTENCY_CONFLICT,
            f"The idempotency key {key!r} was used in the last 24 hours with another payload; use a new key.",
            ("idempotencyKey",),
        ),
    )


def blocked(message: str, gate: GateResult) -> RejectedItemError:
    """A gate is closed."""
    refusal = WriteError(MutationErrorCode.GATE_BLOCKED, message, ("version",))
    return RejectedItemError(WriteOutcome(Outcome.CONFLICT, refusals=(refusal,), gate=gate))


def denied(message: str) -> RejectedItemError:
    """The policy says no."""
    return _refused(Outcome.DENIED, WriteError(MutationErrorCode.DENIED, message))


def conflict(message: str, revision: int | None, *path: str) -> RejectedItemError:
    """What is stored is not what was expected."""
    return _refused(Outcome.CONFLICT, WriteError(MutationErrorCode.CONFLICT, message, path, revision))


def _refused(outcome: Outcome, refusal: WriteError) -> RejectedItemError:
    return RejectedItemError(WriteOutcome(outcome, refusals=(refusal,)))
