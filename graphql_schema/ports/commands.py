"""Commands: one frozen value for each kind of write that a writer accepts.

Instants are epoch milliseconds. Enumerations are given by name, except the ``action`` of a RegisterCommand. The first
field of a command has the id, or the ids, that the command is about; LinkCommand and UnlinkCommand begin with the
relation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import RELATIONS, Direction, Hop
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.background.owner_commands import InheritOwnerCommand
from graphql_schema.ports.events.event_commands import (
    FinishThinEventCommand,
    QueueThinEventCommand,
    RecordIngestionCommand,
    ReplayThinEventCommand,
    TakeThinEventCommand,
)
from graphql_schema.ports.outcomes import WriteOutcome
from graphql_schema.ports.record import Json, Record


class AnyVersion:
    """The value of ``expected_version`` that accepts every version, and an alias that is not set."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = AnyVersion()
"""The expected version of a command that does not check it."""


@dataclass(frozen=True, slots=True)
class UnlinkCommand:
    """Ends an edge, regardless of its declarers, at ``valid_to`` or now; ``valid_to`` also corrects an ended edge.

    `VERSION_OF` cannot be ended, because the id of a version names its parent.
    """

    relation: str
    source: str
    target: str
    valid_to: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteCommand:
    """Deletes an asset and its visible children softly: they stay stored, but no relation, list or search has them now.

    Rejected if one of them is in visible use: by another live asset that is no run and no inactive deployment, as an
    active deployment, or under an alias. With ``despite_others``, uses by assets of other owners or of none do not
    count.
    """

    urn: str
    expected_revision: int | None = None
    reason: str | None = None
    despite_others: bool = False


@dataclass(frozen=True, slots=True)
class MergeCommand:
    """Merges the dataset ``source`` into ``target``: edges continue there, and the id of ``source`` leads there.

    ``source`` must have been only referenced, or described by events alone. Changes nothing if both ids lead to one
    dataset already.
    """

    source: str
    target: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RestoreCommand:
    """Restores a deleted asset, and the visible children that were deleted with it; changes nothing if not deleted."""

    urn: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RevertCommand:
    """Undoes a change; rejected if a value or edge that it would restore has changed since. ``change`` is its id.

    A registration is undone by deleting the asset, even if the asset has changed since.
    """

    change: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SetAliasCommand:
    """Points an alias of a model at a version.

    ``expected_version`` is the version that the alias must point at before: None for no version, :data:`ANY` for any.
    ``protected`` None keeps the present protection; a new alias is then not protected.
    """

    model: str
    alias: str
    version: str
    expected_version: str | AnyVersion | None = ANY
    protected: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveAliasCommand:
    """Removes an alias of a model.

    ``expected_version`` is the version that the alias must point at, None for any. If ``own``, the caller must be the
    one who pointed it there.
    """

    model: str
    alias: str
    expected_version: str | None = None
    own: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An idempotency key, with the type of the input that it was sent with, and a digest of its values.

    An item of a bulk call without a key of its own has one that is derived from that of the call, which is ``call``.
    """

    text: str
    digest: str
    call: "IdempotencyKey | None" = None
    input_type: str = ""


@dataclass(frozen=True, slots=True)
class ApproveCommand:
    """Records a decision about an asset; ``gate`` is the name of the approval, such as `release`.

    With the flag ``only_known``, a gate must need an approval of this name.
    """

    subject: str
    gate: str
    decision: str
    reason: str | None = None
    expires_at: int | None = None
    key: IdempotencyKey | None = None
    expected_revision: int | None = None
    only_known: bool = False


@dataclass(frozen=True, slots=True)
class RecordUsageCommand:
    """Records the counters of one consumer of an asset on one day (``2026-11-24``).

    They replace the stored ones of the same asset, consumer and day. A stored cost remains if the caller may not bill.
    """

    asset: str
    consumer: str
    day: str
    counts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ReportCheckCommand:
    """Records the result of a check, or corrects the stored result of the same instant and window.

    ``values`` has the keys value, window and threshold, with None where absent. ``observed_at`` None is now.
    ``open_incident``, a flag: FAIL or ERROR as the newest result opens an incident, unless the check has an open one or
    the same result refers to one already. With the flag ``only_known``, the asset must have a check of this name.
    """

    asset: str
    check: str
    check_kind: str
    status: str
    observed_at: int | None
    values: Record
    open_incident: bool = False
    key: IdempotencyKey | None = None
    only_known: bool = False


@dataclass(frozen=True, slots=True)
class OpenIncidentCommand:
    """Opens an incident on assets; ``cause`` is the id of a check result or change, None without one."""

    assets: tuple[str, ...]
    title: str
    severity: str
    cause: str | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class ResolveIncidentCommand:
    """Resolves an incident; changes nothing if it is resolved."""

    incident: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PlanChangeCommand:
    """Plans a change of assets; ``snapshot`` is the instant by which its impact is read, as valid and recorded time.

    ``deadline`` is in epoch milliseconds, None without one. ``max_depth`` is that of the impact, in levels.
    """

    roots: tuple[str, ...]
    title: str
    snapshot: tuple[int, int]
    max_depth: int
    description: str | None = None
    deadline: int | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class AcknowledgeChangeCommand:
    """Records the decision of a team about a change plan; ``decision`` is the name of a PlanDecision."""

    plan: str
    team: str
    decision: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CloseChangePlanCommand:
    """Closes a change plan; ``outcome`` is the name of a PlanOutcome."""

    plan: str
    outcome: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredEdges:
    """Edges that one input field declares.

    ``targets`` maps the URNs of far ends to values of their edges, such as ``kinds``. ``declarer``, such as
    ``ModelVersion.trainedOn``, is stored in each edge. Unless ``adds`` is set, the declarer is removed from its edges
    to other URNs, and an edge without declarers ends; concealed edges and blocked tags remain. With ``replaces_all``,
    edges of other declarers to other URNs end too, and observed values do not begin them again. Edges to the URNs in
    ``removes`` end, regardless of their declarers; a propagated tag remains. ``places`` maps URNs to the path of the
    first element of the input that names them.
    """

    hop: Hop
    declarer: str
    targets: Mapping[str, Record]
    adds: bool = False
    origin: str = "DECLARED"
    removes: tuple[str, ...] = ()
    replaces_all: bool = False
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)

    @property
    def field(self) -> str:
        """Return the name of the input field that declares the edges, such as ``trainedOn``."""
        return self.declarer.rpartition(".")[2]

    def place(self, urn: str) -> tuple[str, ...]:
        """Return the path in the input of a far end, such as ``trainedOn``, ``1``; that of the field if it has none."""
        return self.places.get(urn, (self.field,))


@dataclass(frozen=True, slots=True)
class RegisterCommand:
    """Registers or updates one asset, team, user, domain or tag.

    ``values`` holds the given values by record key: a present None restores the default or removes the value, an absent
    key keeps it. The identity is ``urn``; a given ``name`` is the full name, which the URN may have cut. ``required``
    are the fields that a first registration must give and the input lacks. With ``action`` a visible asset must exist.
    ``right`` is the action of the policy that an update needs, and ``id_path`` the input field that holds the id.
    ``known_ids`` is None if references may create stubs, else the unregistered ids, of other items, that are accepted
    beside visible ones and owners of own assets. ``counted`` are the values of an event that count as changed.
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
    known_ids: frozenset[str] | None = None
    counted: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class LinkCommand:
    """Declares one edge; ``values`` are merged into those of a stored edge that has not ended.

    An ended edge begins again with ``values`` alone, unless ``values`` correct its last interval. A None in ``values``
    removes the stored value, but a None as ``validFrom`` or ``origin`` is absent. RegisterCommand has ``known_ids``.
    """

    relation: str
    source: str
    target: str
    values: Record = field(default_factory=dict)
    key: IdempotencyKey | None = None
    dry_run: bool = False
    known_ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ObservedValue:
    """A value that an event gives for a field of an asset.

    Of two values of the same ``field`` and ``part``, the one with the greater ``order`` remains, whichever arrives
    first. ``order`` are numbers such as a rank and an instant; between equal ones, the value decides. ``part`` is "" if
    the value is the whole field, else a key within the field, such as the key of a property. A ``value`` of None
    removes the value that other events gave, not that of a client which registered the asset.
    """

    field: str
    value: Json
    order: tuple[int, ...]
    part: str = ""


@dataclass(frozen=True, slots=True)
class ObserveCommand:
    """Adds what an event says about an asset to what earlier and later events say, in any order.

    ``name`` is the full name, which the URN may have cut. ``edges`` with ``adds`` are added. The others replace the
    edges that earlier events declared, if the value of the field of the same name in ``values`` remains. An edge that
    is invalid or that the caller may not declare is left out and reported in the outcome.
    """

    urn: str
    name: str
    values: tuple[ObservedValue, ...] = ()
    edges: tuple[DeclaredEdges, ...] = ()


@dataclass(frozen=True, slots=True)
class EventCommand:
    """Writes what one event says, command by command, and then the record of what became of it.

    That is one transaction, unless the commands are very many.
    Each of the ``commands`` is accepted or rejected by itself. Their outcomes are the ``parts`` of the outcome of the
    event, in order. ``record`` makes the command that records the event from these outcomes, or None
    for an event that is not recorded. It may be called several times. ``subject`` and ``digest`` are those of the
    record, so that a stored one is read with everything else.
    """

    subject: str
    digest: str
    commands: tuple["Command", ...]
    record: Callable[[tuple[WriteOutcome, ...]], RecordIngestionCommand | None] = field(compare=False)


def changes_source(link: LinkCommand | UnlinkCommand) -> bool:
    """Return whether the asset that a link or its end changes is the *from* end; else it is the *to* end."""
    return Direction.IN in RELATIONS[link.relation].changed_ends(parse_urn(link.source).kind)


Command = (
    RegisterCommand
    | ObserveCommand
    | RecordIngestionCommand
    | EventCommand
    | InheritOwnerCommand
    | LinkCommand
    | UnlinkCommand
    | DeleteCommand
    | RestoreCommand
    | MergeCommand
    | RevertCommand
    | SetAliasCommand
    | RemoveAliasCommand
    | ApproveCommand
    | RecordUsageCommand
    | ReportCheckCommand
    | OpenIncidentCommand
    | ResolveIncidentCommand
    | QueueThinEventCommand
    | TakeThinEventCommand
    | FinishThinEventCommand
    | ReplayThinEventCommand
    | PlanChangeCommand
    | AcknowledgeChangeCommand
    | CloseChangePlanCommand
)
