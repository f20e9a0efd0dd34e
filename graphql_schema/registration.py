"""What a registration asks for, and what came of it: plain values between the inputs and the writer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql_schema.catalog import Hop
from graphql_schema.enums import MutationErrorCode, Outcome


@dataclass(frozen=True, slots=True)
class EdgesOf:
    """The edges that one input field declares: all current ones of this field are ``targets``, or they are added.

    ``declarer`` is what the edge remembers as having declared it, such as ``ModelVersion.trainedOn``; ``targets``
    maps URNs to the edge's own facts (``kinds``, ``role``, ``mode``).
    """

    hop: Hop
    declarer: str
    targets: Mapping[str, Mapping[str, Any]]
    adds: bool = False
    origin: str = "DECLARED"


@dataclass(frozen=True, slots=True)
class Registration:
    """One thing to register. ``values`` holds what was given: a present None clears, an absent key leaves alone.

    The identity is in ``urn`` alone, but for a given ``name``, which the URN may have cut. ``required`` names the
    fields that this kind needs the first time and that were not given: an item that would create something and has
    any is INVALID.
    """

    urn: str
    values: Mapping[str, Any]
    edges: tuple[EdgesOf, ...] = ()
    expected_revision: int | None = None
    dry_run: bool = False
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Linking:
    """One edge to declare; ``facts`` are its own values, a present None clears."""

    relation: str
    source: str
    target: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an item was not written: a code, a message, and the path within its own input (``"trainedOn", "2"``)."""

    code: MutationErrorCode
    message: str
    path: tuple[str, ...] = ()
    current_revision: int | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """What came of one item. ``urn`` is None where the item names no asset that could be read back.

    ``hidden`` are ids that it named and that the caller may not know of: for the access log, never for the caller.
    """

    outcome: Outcome
    urn: str | None = None
    revision: int | None = None
    refusals: tuple[Refusal, ...] = ()
    hidden: tuple[str, ...] = field(default=(), compare=False)


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
