"""How planning an item ends early: with the outcome that says why it is not written."""

from graphql_schema.enums import MutationErrorCode, Outcome
from graphql_schema.registration import Refusal, Registered


class RefusedItemError(Exception):
    """An item that cannot be written; ``registered`` is its outcome. Never leaves the plan."""

    def __init__(self, registered: Registered) -> None:
        super().__init__(registered)
        self.registered = registered


def invalid(message: str, *path: str) -> RefusedItemError:
    """The input cannot be."""
    return _refused(Outcome.INVALID, Refusal(MutationErrorCode.INVALID, message, path))


def denied(message: str) -> RefusedItemError:
    """The policy says no."""
    return _refused(Outcome.DENIED, Refusal(MutationErrorCode.DENIED, message))


def conflict(message: str, revision: int | None, *path: str) -> RefusedItemError:
    """What is stored is not what was expected."""
    return _refused(Outcome.CONFLICT, Refusal(MutationErrorCode.CONFLICT, message, path, revision))


def _refused(outcome: Outcome, refusal: Refusal) -> RefusedItemError:
    return RefusedItemError(Registered(outcome, refusals=(refusal,)))
