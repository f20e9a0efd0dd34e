"""Outcomes of commands: what was written, or the errors that prevented it."""

from dataclasses import dataclass, field
from enum import Enum

import strawberry

from graphql_schema.catalog.enums import value


@strawberry.enum(description="The outcome of one item; for a dry run, the outcome that the write would have.")
class Outcome(Enum):
    """The outcome of one item; for a dry run, the outcome that the write would have."""

    CREATED = value(
        "CREATED",
        description="The asset, edge or record was created; a registered stub and a reopened edge count as created. An "
        "alias is part of its model, so that a new one is UPDATED.",
    )
    UPDATED = value(
        "UPDATED",
        description="Stored values or edges changed, or the item gave a value where the stored one is hidden from the "
        "caller and another caller gave it.",
    )
    UNCHANGED = value("UNCHANGED", description="No stored value and no edge changed.")
    CONFLICT = value(
        "CONFLICT",
        description="The stored state or an earlier use of the idempotency key prevents the write; nothing was "
        "written.",
    )
    DENIED = value("DENIED", description="The policy denies the write; nothing was written.")
    INVALID = value(
        "INVALID",
        description="The input is invalid, is refused by the store, names an absent or hidden object, or is part of an "
        "atomic call with a rejected item; nothing was written.",
    )


@strawberry.enum(description="The reason why an item was not written.")
class MutationErrorCode(Enum):
    """The reason why an item was not written."""

    INVALID = value(
        "INVALID",
        description="The input is invalid, the store refuses it, or another item of an atomic call was rejected.",
    )
    NOT_FOUND = value(
        "NOT_FOUND",
        description="An object or edge that the input names does not exist or is not visible to the caller.",
    )
    DENIED = value("DENIED", description="The policy denies the write.")
    CONFLICT = value(
        "CONFLICT", description="The stored state prevents the write, such as another revision or a deleted asset."
    )
    IDEMPOTENCY_CONFLICT = value(
        "IDEMPOTENCY_CONFLICT", description="The key was used with another payload in the last 24 hours."
    )
    UNKNOWN_REFERENCE = value(
        "UNKNOWN_REFERENCE",
        description="With `references: EXISTING`, an id that the item refers to, or the name of its approval or check, "
        "is unknown or not visible to the caller.",
    )
    GATE_BLOCKED = value("GATE_BLOCKED", description="The version does not pass the gate of the protected alias.")
    LIMIT_EXCEEDED = value(
        "LIMIT_EXCEEDED",
        description="The source has too many pending thin events, or got too many in this minute; try again later. Or "
        "the caller has declared ends of edges in the future at too many assets, or has decided too often about one "
        "asset. Or what the item affects or depends on has too many assets and edges. A call with too many items, or "
        "beyond a limit of operations, fails as a request with this code; so does an atomic call that depends on too "
        "much. A list or text that is too long within one item is INVALID.",
    )


@dataclass(frozen=True, slots=True)
class WriteError:
    """One error of an item; ``path`` is the place in the input of the item, such as ``("trainedOn", "2")``.

    ``current_revision`` is the stored revision of the asset on a CONFLICT, if it is known and visible, otherwise None.
    ``reference`` is the unknown id of an UNKNOWN_REFERENCE, None for an unknown name of an approval or a check.
    ``suggestions`` are similar ids or names that the caller may see.
    """

    code: MutationErrorCode
    message: str
    path: tuple[str, ...] = ()
    current_revision: int | None = None
    reference: str | None = None
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateResult:
    """The conditions of the gates of an alias that a model version does not meet; see :attr:`open`.

    Approvals are given by name, evaluations and incidents by id, sensitivity violations and repeated approvers as
    sentences. ``reported_evaluations`` are failing evaluations that do not count and do not close the gate.
    ``contaminated_evaluations`` are those that are not known to be uncontaminated, if a gate requires this.
    ``hidden_evaluations`` is a sentence if evaluations that are hidden from the caller close the gate, and not known
    for readers. ``unread_evaluations`` is one if a reader has not read all evaluations, and not known for writers.
    """

    missing_approvals: tuple[str, ...] = ()
    failing_evaluations: tuple[str, ...] = ()
    blocking_incidents: tuple[str, ...] = ()
    sensitivity_violations: tuple[str, ...] = ()
    repeated_approvers: tuple[str, ...] = ()
    reported_evaluations: tuple[str, ...] = ()
    contaminated_evaluations: tuple[str, ...] = ()
    hidden_evaluations: tuple[str, ...] = ()
    unread_evaluations: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Return whether the version meets all conditions of the gate."""
        found = (
            self.missing_approvals,
            self.failing_evaluations,
            self.blocking_incidents,
            self.sensitivity_violations,
            self.repeated_approvers,
            self.contaminated_evaluations,
            self.hidden_evaluations,
            self.unread_evaluations,
        )
        return not any(found)


@dataclass(frozen=True, slots=True)
class ObservedChanges:
    """The effect of an ObserveCommand, field by field.

    ``changed`` are the fields that have another value now, and given fields whose stored values are hidden from the
    caller. ``kept`` are fields whose stored value comes from a client that registered the asset, so that the event did
    not replace it. ``outdated`` are fields for which a later event has given another value. ``linked`` are the far ends
    of edges that begin or change, ``ended`` those of edges that end: pairs of field and id. ``refused`` are the edges
    that are invalid or that the caller may not declare: field, id and reason.
    """

    changed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    linked: tuple[tuple[str, str], ...] = ()
    ended: tuple[tuple[str, str], ...] = ()
    refused: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """The outcome of one command.

    ``urn`` is the id of the asset, None for links, incidents and rejected commands. ``revision`` is that of the asset,
    or of the end that a link changes; None for incidents, checks, usage, ingestions and rejected commands.
    ``created_record`` is the id of the approval, check result, incident or ingestion of the command, new or stored.
    ``gate`` is set for an alias if its gate was
    evaluated. ``voided_approvals`` are the names of the approvals that the command voided. ``hidden_ids`` are
    hidden ids that the command names: for the access log, never for the caller. ``far_end_known`` is false for a link
    if the end that the link does not change was absent or hidden from the caller before the command.
    ``changed_end_known`` is false in the same way for the end that a link or unlink changes.
    ``sensitivity_before`` is the sensitivity before the batch of the asset that a link or unlink changes, or on which a
    link confirms an edge. It is None for other commands, a new asset, or a hidden value.
    ``placeholders`` are ids that the command refers to and that were not visible to the caller before: absent ones, for
    which it creates stubs, and hidden ones.
    ``observed`` is the effect of an accepted ObserveCommand, None for other commands.
    ``parts`` are the outcomes of the commands of an EventCommand, which itself is UPDATED if any of them changed
    something, and UNCHANGED otherwise.
    """

    outcome: Outcome
    urn: str | None = None
    revision: int | None = None
    errors: tuple[WriteError, ...] = ()
    created_record: str | None = None
    gate: GateResult | None = None
    voided_approvals: tuple[str, ...] = ()
    far_end_known: bool = True
    changed_end_known: bool = True
    sensitivity_before: str | None = None
    hidden_ids: tuple[str, ...] = field(default=(), compare=False)
    placeholders: tuple[str, ...] = ()
    observed: ObservedChanges | None = None
    parts: tuple["WriteOutcome", ...] = ()

    @property
    def stored(self) -> bool:
        """Return whether the command was accepted: written, already stored, or valid in a dry run."""
        return self.outcome in {Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED}


def outcome_of_event(subject: str, parts: tuple[WriteOutcome, ...]) -> WriteOutcome:
    """Return the outcome of an EventCommand about the asset ``subject`` from the outcomes of its commands."""
    changed = {Outcome.CREATED, Outcome.UPDATED} & {each.outcome for each in parts}
    return WriteOutcome(Outcome.UPDATED if changed else Outcome.UNCHANGED, subject, parts=parts)


def refused(outcome: Outcome, code: MutationErrorCode, message: str, *path: str) -> WriteOutcome:
    """Return the outcome of a command that was not written, with one error."""
    return WriteOutcome(outcome, errors=(WriteError(code, message, path),))


def not_written(index: int) -> WriteOutcome:
    """Return the outcome of an accepted item of an atomic call whose item at ``index`` was rejected."""
    return refused(
        Outcome.INVALID,
        MutationErrorCode.INVALID,
        f"Not written: the call is atomic and item {index} was rejected. Correct that item, or call without `atomic`.",
    )
