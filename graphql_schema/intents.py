"""What can be asked of the writer beside registering and linking: plain values, one for each kind of write.

Instants are epoch milliseconds, enumerations their names. Each is about the asset in its first field, which must be
there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql_schema.registration import Key, Linking, Registration


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
class Approving:
    """Record a decision about an asset for a gate."""

    subject: str
    gate: str
    decision: str
    reason: str | None = None
    expires_at: int | None = None
    key: Key | None = None


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
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class IncidentOpening:
    """Open an incident on assets."""

    assets: tuple[str, ...]
    title: str
    severity: str
    cause: str | None = None
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class IncidentResolving:
    """Close an incident."""

    incident: str
    reason: str | None = None


Intent = (
    Registration
    | Linking
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
