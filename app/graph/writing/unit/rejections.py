"""Rejections: errors that end the planning of one item, each with the outcome that the caller gets."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from graphql_schema.ports.outcomes import GateResult, MutationErrorCode, Outcome, WriteError, WriteOutcome
from graphql_schema.rules.typos import near_names, with_names

MAX_NAMED: Final = 5
"""Maximal number of things that one message names."""


class RejectedItemError(Exception):
    """The item is not written; ``outcome`` has the error. Never leaves the planner."""

    def __init__(self, outcome: WriteOutcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def invalid(message: str, *path: str) -> RejectedItemError:
    """Return the rejection of invalid input; ``path`` leads to the input field."""
    return _rejection(Outcome.INVALID, WriteError(MutationErrorCode.INVALID, message, path))


def not_found(message: str, *path: str) -> RejectedItemError:
    """Return the rejection of an item that names something which does not exist or is hidden."""
    return _rejection(Outcome.INVALID, WriteError(MutationErrorCode.NOT_FOUND, message, path))


def unknown_references(named: Iterable[tuple[str, tuple[str, ...]]]) -> RejectedItemError:
    """Return the rejection of an item that refers to unknown ids; ``named`` has each with its path in the input."""
    errors = tuple(
        WriteError(
            MutationErrorCode.UNKNOWN_REFERENCE,
            f"{urn} is not registered or not visible to you, and `references` is EXISTING; check the id.",
            path,
            reference=urn,
        )
        for urn, path in named
    )
    return RejectedItemError(WriteOutcome(Outcome.INVALID, errors=errors))


def unknown_name(name: str, message: str, known: Collection[str], *path: str) -> RejectedItemError:
    """Return the rejection of an item with a name that is not among the ``known`` ones.

    ``message`` says what has no such name, and ``path`` is the input field.
    """
    near = near_names(name, known)
    advice = f"{message}, and `references` is EXISTING; check the spelling."
    error = WriteError(MutationErrorCode.UNKNOWN_REFERENCE, with_names(advice, near), path, suggestions=near)
    return _rejection(Outcome.INVALID, error)


def other_payload(key: str) -> RejectedItemError:
    """Return the rejection of an item whose idempotency key was used with another payload."""
    message = (
        f"The idempotency key {key!r} was used in the last 24 hours with another payload; send that payload, or use "
        "a new key."
    )
    error = WriteError(MutationErrorCode.IDEMPOTENCY_CONFLICT, message, ("idempotencyKey",))
    return _rejection(Outcome.CONFLICT, error)


def urn_collides(urn: str) -> RejectedItemError:
    """Return the rejection of an item that names a URN whose vertex id another object has."""
    return invalid(
        f"{urn} has the same vertex id (a hash of tenant and URN) as another object. "
        "Use another name for it and inform the operators."
    )


def key_collides(key: str) -> RejectedItemError:
    """Return the rejection of an item with an idempotency key whose receipt has the vertex id of another object."""
    return invalid(
        f"The receipt of the idempotency key {key!r} has the same vertex id (a hash of tenant, caller and key) as "
        "another object; use another key.",
        "idempotencyKey",
    )


def blocked(message: str, gate: GateResult) -> RejectedItemError:
    """Return the rejection of an item that a closed gate blocks."""
    error = WriteError(MutationErrorCode.GATE_BLOCKED, message, ("version",))
    return RejectedItemError(WriteOutcome(Outcome.CONFLICT, errors=(error,), gate=gate))


def denied(message: str, *path: str) -> RejectedItemError:
    """Return the rejection of an item that the policy denies; ``path`` is the input field that needs the right."""
    return _rejection(Outcome.DENIED, WriteError(MutationErrorCode.DENIED, message, path))


def conflict(message: str, revision: int | None, *path: str) -> RejectedItemError:
    """Return the rejection of an item that does not fit the stored state; ``revision`` is the stored one, if any."""
    return _rejection(Outcome.CONFLICT, WriteError(MutationErrorCode.CONFLICT, message, path, revision))


def over_limit(message: str, *path: str) -> RejectedItemError:
    """Return the rejection of an item beyond a limit of the caller; the message says when or how it is within it."""
    return _rejection(Outcome.CONFLICT, WriteError(MutationErrorCode.LIMIT_EXCEEDED, message, path))


def _rejection(outcome: Outcome, error: WriteError) -> RejectedItemError:
    return RejectedItemError(WriteOutcome(outcome, errors=(error,)))


def some_of(texts: Sequence[str], separator: str = "; ") -> str:
    """Return the first texts, and the number of the others.

    All of them, such as the deployments of a version, would make each error of a call as long as their number.
    """
    more = f" and {len(texts) - MAX_NAMED} more" if len(texts) > MAX_NAMED else ""
    return f"{separator.join(texts[:MAX_NAMED])}{more}"
