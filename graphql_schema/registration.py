"""What a registration asks for, and what came of a write: plain values between the inputs and the writer.

The other things that can be asked of the writer are in :mod:`graphql_schema.intents`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql_schema.catalog import Hop
from graphql_schema.enums import ChangeAction, MutationErrorCode, Outcome


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key, and a digest of what it was sent with: the same key never does two things.

    The items of a call have keys made of the call's own, which they name by ``within``.
    """

    text: str
    digest: str
    within: "Key | None" = None


@dataclass(frozen=True, slots=True)
class EdgesOf:
    """The edges that one input field declares: all current ones of this field are ``targets``, or they are added.

    ``declarer`` is what the edge remembers as having declared it, such as ``ModelVersion.trainedOn``; ``targets``
    maps URNs to the edge's own facts (``kinds``, ``role``, ``mode``). ``removes`` are far ends whose edges end,
    whoever declared them.
    """

    hop: Hop
    declarer: str
    targets: Mapping[str, Mapping[str, Any]]
    adds: bool = False
    origin: str = "DECLARED"
    removes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registration:
    """One thing to register. ``values`` holds what was given: a present None clears, an absent key leaves alone.

    The identity is in ``urn`` alone, but for a given ``name``, which the URN may have cut. ``required`` names the
    fields that this kind needs the first time and that were not given: an item that would create something and has
    any is INVALID. A change of something that must be there, as ``setStage`` is one, says so with ``action``, and with
    ``right`` what the caller must be allowed; ``at`` is the input field that holds the id.
    """

    urn: str
    values: Mapping[str, Any]
    edges: tuple[EdgesOf, ...] = ()
    expected_revision: int | None = None
    dry_run: bool = False
    required: tuple[str, ...] = ()
    key: Key | None = None
    action: ChangeAction | None = None
    right: str = "update"
    at: str = "id"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Linking:
    """One edge to declare; ``facts`` are its own values, a present None clears."""

    relation: str
    source: str
    target: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an item was not written: a code, a message, and the path within its own input (``"trainedOn", "2"``)."""

    code: MutationErrorCode
    message: str
    path: tuple[str, ...] = ()
    current_revision: int | None = None


@dataclass(frozen=True, slots=True)
class Gate:
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
class Registered:
    """What came of one item. ``urn`` is None where the item names no asset that could be read back.

    ``made`` is the id of the fact that it recorded, ``gate`` what a gate said. ``hidden`` are ids that it named and
    that the caller may not know of: for the access log, never for the caller.
    """

    outcome: Outcome
    urn: str | None = None
    revision: int | None = None
    refusals: tuple[Refusal, ...] = ()
    made: str | None = None
    gate: Gate | None = None
    hidden: tuple[str, ...] = field(default=(), compare=False)

    @property
    def stored(self) -> bool:
        """Whether what was asked for is there now, or would be where it is a dry run."""
        return self.outcome in {Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED}


def refused(outcome: Outcome, code: MutationErrorCode, message: str, *path: str) -> Registered:
    """An item that was not written, for one reason."""
    return Registered(outcome, refusals=(Refusal(code, message, path),))


def not_written(index: int) -> Registered:
    """An item that nothing is wrong with, in an atomic call whose item at ``index`` was refused."""
    return refused(
        Outcome.INVALID,
        MutationErrorCode.INVALID,
        f"Not written: the call is atomic and its item {index} was refused. Correct it, or call without `atomic`.",
    )
