"""Commands: one frozen value for each kind of write that a writer accepts.

Instants are epoch milliseconds, enumerations are given by name. The first field is the asset that the command is about.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import Hop
from graphql_schema.ports.record import Record


class AnyVersion:
    """Expected version that every version satisfies."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = AnyVersion()
"""The expected version of a command that does not check it."""


@dataclass(frozen=True, slots=True)
class UnlinkCommand:
    """Ends an edge, regardless of its declarers, at ``valid_to`` or now."""

    relation: str
    source: str
    target: str
    valid_to: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteCommand:
    """Deletes an asset softly: it stays stored, and no relation, list or search returns it."""

    urn: str
    expected_revision: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RestoreCommand:
    """Restores a deleted asset."""

    urn: str


@dataclass(frozen=True, slots=True)
class RevertCommand:
    """Restores the values before one change, unless they changed again since."""

    change: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SetAliasCommand:
    """Points an alias of a model at a version.

    ``expected_version`` is the version that the alias must point at before: None for no version, :data:`ANY` for any.
    ``protected`` None keeps the present protection.
    """

    model: str
    alias: str
    version: str
    expected_version: str | AnyVersion | None = ANY
    protected: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An idempotency key, with the digest of the payload that it was sent with.

    Items of a bulk call have keys derived from the key of the call, which is ``call``.
    """

    text: str
    digest: str
    call: "IdempotencyKey | None" = None


@dataclass(frozen=True, slots=True)
class ApproveCommand:
    """Records a decision about an asset for a gate."""

    subject: str
    gate: str
    decision: str
    reason: str | None = None
    expires_at: int | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class RecordUsageCommand:
    """Records the counters of one consumer on one day (``2026-11-24``); replaces those stored for that day."""

    asset: str
    consumer: str
    day: str
    counts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ReportCheckCommand:
    """Records the result of a check; ``values`` are value, window and threshold, as far as given."""

    asset: str
    check: str
    check_kind: str
    status: str
    observed_at: int | None
    values: Record
    open_incident: bool = False
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class OpenIncidentCommand:
    """Opens an incident on assets."""

    assets: tuple[str, ...]
    title: str
    severity: str
    cause: str | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class ResolveIncidentCommand:
    """Resolves an incident."""

    incident: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredEdges:
    """Edges that one input field declares.

    ``targets`` maps the URNs of far ends to values of their edges (``kinds``, ``role``, ``mode``). They replace the
    edges that the field declared before, unless ``adds``. ``declarer`` is what the edge stores as its declarer, such as
    ``ModelVersion.trainedOn``. Edges to ``removes`` end, regardless of their declarers.
    """

    hop: Hop
    declarer: str
    targets: Mapping[str, Record]
    adds: bool = False
    origin: str = "DECLARED"
    removes: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        """Return the name of the input field."""
        return self.declarer.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class RegisterCommand:
    """Registers or updates one asset.

    ``values`` holds the given values by field: a present None clears the field, an absent key keeps it. The identity is
    ``urn``; a given ``name`` is the full name, which the URN may have cut. ``required`` names fields that the first
    registration of this kind needs. With ``action`` the asset must exist; ``right`` is the action of the policy that
    the update needs, and ``id_path`` the input field that holds the id.
    """

    urn: str
    values: Record
    edges: tuple[DeclaredEdges, ...] = ()
    expected_revision: int | None = None
    dry_run: bool = False
    required: tuple[str, ...] = ()
    key: IdempotencyKey | None = None
    action: ChangeAction | None = None
    right: str = "update"
    id_path: str = "id"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LinkCommand:
    """Declares one edge; ``values`` are its own values, a present None clears."""

    relation: str
    source: str
    target: str
    values: Record = field(default_factory=dict)
    key: IdempotencyKey | None = None


Command = (
    RegisterCommand
    | LinkCommand
    | UnlinkCommand
    | DeleteCommand
    | RestoreCommand
    | RevertCommand
    | SetAliasCommand
    | ApproveCommand
    | RecordUsageCommand
    | ReportCheckCommand
    | OpenIncidentCommand
    | ResolveIncidentCommand
)
