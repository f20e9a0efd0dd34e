"""What a registration asks for, and what came of a write: plain values between the inputs and the writer.

The other things that can be asked of the writer are in :mod:`graphql_schema.ports.commands`.
"""

from dataclasses import dataclass, field
from enum import Enum

import strawberry

from graphql_schema.catalog.enums import value


@strawberry.enum(description="What an item of a registration came to.")
class Outcome(Enum):
    """What an item of a registration came to."""

    CREATED = value("CREATED", description="It was not there, and is now.")
    UPDATED = value("UPDATED", description="It was there, and something changed.")
    UNCHANGED = value("UNCHANGED", description="It was there just so; nothing was written.")
    CONFLICT = value("CONFLICT", description="What is stored is not what was expected; nothing was written.")
    DENIED = value("DENIED", description="The policy says no; nothing was written.")
    INVALID = value("INVALID", description="The input cannot be; nothing was written.")


@strawberry.enum(description="Why something that was wanted did not happen.")
class MutationErrorCode(Enum):
    """Why something that was wanted did not happen."""

    INVALID = value("INVALID", description="The input cannot be.")
    NOT_FOUND = value("NOT_FOUND", description="Unknown, or hidden: the two look alike.")
    DENIED = value("DENIED", description="The policy says no.")
    CONFLICT = value("CONFLICT", description="What is stored is not what was expected.")
    IDEMPOTENCY_CONFLICT = value("IDEMPOTENCY_CONFLICT", description="The key was used before with another payload.")
    GATE_BLOCKED = value("GATE_BLOCKED", description="A gate is closed.")
    LIMIT_EXCEEDED = value("LIMIT_EXCEEDED", description="More than one call may carry.")


@dataclass(frozen=True, slots=True)
class WriteError:
    """Why an item was not written: a code, a message, and the path within its own input (``"trainedOn", "2"``)."""

    code: MutationErrorCode
    message: str
    path: tuple[str, ...] = ()
    current_revision: int | None = None


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a model version may pass a gate, and what is missing; evaluations and incidents by id."""

    missing_approvals: tuple[str, ...] = ()
    failing_evaluations: tuple[str, ...] = ()
    blocking_incidents: tuple[str, ...] = ()
    sensitivity_violations: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether nothing is missing."""
        found = (
            self.missing_approvals,
            self.failing_evaluations,
            self.blocking_incidents,
            self.sensitivity_violations,
        )
        return not any(found)


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What came of one item. ``urn`` is None where the item names no asset that could be read back.

    ``made`` is the id of the fact that it recorded, ``gate`` what a gate said. ``hidden`` are ids that it named and
    that the caller may not know of: for the access log, never for the caller.
    """

    outcome: Outcome
    urn: str | None = None
    revision: int | None = None
    refusals: tuple[WriteError, ...] = ()
    created_record: str | None = None
    gate: GateResult | None = None
    hidden: tuple[str, ...] = field(default=(), compare=False)

    @property
    def stored(self) -> bool:
        """Whether what was asked for is there now, or would be where it is a dry run."""
        return self.outcome in {Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED}


def refused(outcome: Outcome, code: MutationErrorCode, message: str, *path: str) -> WriteOutcome:
    """An item that was not written, for one reason."""
    return WriteOutcome(outcome, refusals=(WriteError(code, message, path),))


def not_written(index: int) -> WriteOutcome:
    """An item that nothing is wrong with, in an atomic call whose item at ``index`` was refused."""
    return refused(
        Outcome.INVALID,
        MutationErrorCode.INVALID,
        f"Not written: the call is atomic and its item {index} was refused. Correct it, or call without `atomic`.",
    )
