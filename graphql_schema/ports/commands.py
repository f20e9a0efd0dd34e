"""What can be asked of the writer beside registering and linking: plain values, one for each kind of write.

Instants are epoch milliseconds, enumerations their names. Each is about the asset in its first field, which must be
there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import Hop


class AnyVersion:
    """What stands for whatever version it is."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = AnyVersion()
"""Of an expected version: whatever it is."""


@dataclass(frozen=True, slots=True)
class Unlinking:
    """End an edge, whoever declared it; at ``valid_to``, or now."""

    relation: str
    source: str
    target: str
    valid_to: int | None = None


@dataclass(frozen=True, slots=True)
class Deleting:
    """Delete an asset softly: everything stays stored, nothing leads to it."""

    urn: str
    expected_revision: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Restoring:
    """Take a deletion back."""

    urn: str


@dataclass(frozen=True, slots=True)
class Reverting:
    """Undo one change: restore what was before it, where nothing has happened to that since."""

    change: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AliasSetting:
    """Let a name of a model stand for a version.

    ``expected`` is the version that it must stand for now: None for none, :data:`ANY` for whatever it is. ``protected``
    None leaves the protection as it is.
    """

    model: str
    alias: str
    version: str
    expected: str | AnyVersion | None = ANY
    protected: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An idempotency key, and a digest of what it was sent with: the same key never does two things.

    The items of a call have keys made of the call's own, which they name by ``within``.
    """

    text: str
    digest: str
    within: "IdempotencyKey | None" = None


@dataclass(frozen=True, slots=True)
class Approving:
    """Record a decision about an asset for a gate."""

    subject: str
    gate: str
    decision: str
    reason: str | None = None
    expires_at: int | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class UsageRecording:
    """Record what a consumer used of an asset on one day (``2026-11-24``); it replaces what was stored for these."""

    asset: str
    consumer: str
    day: str
    counts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CheckReporting:
    """Record what a check found; ``facts`` are value, window and threshold, as far as given."""

    asset: str
    check: str
    check_kind: str
    status: str
    observed_at: int | None
    facts: Mapping[str, Any]
    open_incident: bool = False
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class IncidentOpening:
    """Open an incident on assets."""

    assets: tuple[str, ...]
    title: str
    severity: str
    cause: str | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class IncidentResolving:
    """Close an incident."""

    incident: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredEdges:
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
class RegisterCommand:
    """One thing to register. ``values`` holds what was given: a present None clears, an absent key leaves alone.

    The identity is in ``urn`` alone, but for a given ``name``, which the URN may have cut. ``required`` names the
    fields that this kind needs the first time and that were not given: an item that would create something and has
    any is INVALID. A change of something that must be there, as ``setStage`` is one, says so with ``action``, and with
    ``right`` what the caller must be allowed; ``at`` is the input field that holds the id.
    """

    urn: str
    values: Mapping[str, Any]
    edges: tuple[DeclaredEdges, ...] = ()
    expected_revision: int | None = None
    dry_run: bool = False
    required: tuple[str, ...] = ()
    key: IdempotencyKey | None = None
    action: ChangeAction | None = None
    right: str = "update"
    at: str = "id"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LinkCommand:
    """One edge to declare; ``facts`` are its own values, a present None clears."""

    relation: str
    source: str
    target: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    key: IdempotencyKey | None = None


Command = (
    RegisterCommand
    | LinkCommand
    | Unlinking
    | Deleting
    | Restoring
    | Reverting
    | AliasSetting
    | Approving
    | UsageRecording
    | CheckReporting
    | IncidentOpening
    | IncidentResolving
)
