"""How planning an item ends early: with the outcome that says why it is not written."""

from graphql_schema.ports.outcomes import Gate, MutationErrorCode, Outcome, Refusal, Registered


class RefusedItemError(Exception):
    """An item that cannot be written; ``registered`` is its outcome. Never leaves the plan."""

    def __init__(self, registered: Registered) -> None:
        super().__init__(registered)
        self.registered = registered


def invalid(message: str, *path: str) -> RefusedItemError:
    """The input cannot be."""
    return _refused(Outcome.INVALID, Refusal(MutationErrorCode.INVALID, message, path))


def not_found(message: str, *path: str) -> RefusedItemError:
    """What the write is about is unknown, or hidden."""
    return _refused(Outcome.INVALID, Refusal(MutationErrorCode.NOT_FOUND, message, path))


def other_payload(key: str) -> RefusedItemError:
    """The idempotency key was used for something else."""
    return _refused(
        Outcome.CONFLICT,
        Refusal(
            MutationErrorCode.IDEMPOTENCY_CONFLICT,
            f"The idempotency key {key!r} was used in the last 24 hours with another payload; use a new key.",
            ("idempotencyKey",),
        ),
    )


def blocked(message: str, gate: Gate) -> RefusedItemError:
    """A gate is closed."""
    refusal = Refusal(MutationErrorCode.GATE_BLOCKED, message, ("version",))
    return RefusedItemError(Registered(Outcome.CONFLICT, refusals=(refusal,), gate=gate))


def denied(message: str) -> RefusedItemError:
    """The policy says no."""
    return _refused(Outcome.DENIED, Refusal(MutationErrorCode.DENIED, message))


def conflict(message: str, revision: int | None, *path: str) -> RefusedItemError:
    """What is stored is not what was expected."""
    return _refused(Outcome.CONFLICT, Refusal(MutationErrorCode.CONFLICT, message, path, revision))


def _refused(outcome: Outcome, refusal: Refusal) -> RefusedItemError:
    return RefusedItemError(Registered(outcome, refusals=(refusal,)))
