"""The Asset interface: what every governed ML asset has, and how its common relations are read."""

from functools import lru_cache
from typing import Annotated, Any, Union

import strawberry

from graphql_schema.catalog import (
    CHANGED,
    CONTAINS,
    MONITORED_BY,
    OWNED_BY,
    REPLACED_BY,
    TAGGED,
    WHOLE_HOPS,
    Direction,
    Hop,
)
from graphql_schema.connection import After, Connection, First, Pages, paged
from graphql_schema.context import Info
from graphql_schema.enums import (
    AccessGrade,
    AssetKind,
    EdgeOrigin,
    Hydration,
    LifecycleStage,
    OwnershipKind,
    Relation,
    Sensitivity,
    TagMode,
    Visibility,
)
from graphql_schema.fields import INPUTS, Parent, made_from, own, run_id, to_many, to_one
from graphql_schema.health import Health, asset_health
from graphql_schema.impact import Impact, asset_impact
from graphql_schema.incidents import asset_incidents
from graphql_schema.lineage import Filter, Lineage, asset_lineage
from graphql_schema.refs import (
    AssetRef,
    AssetVersionRef,
    ChangeRef,
    CheckRef,
    DomainRef,
    IncidentRef,
    NeighbourRef,
    TagRef,
    TeamRef,
    UserRef,
)
from graphql_schema.related import ALL, Path, Related, neighbours, newest, related
from graphql_schema.row import Item, Row, Seen
from graphql_schema.scalars import Instant
from graphql_schema.usage import Usage, asset_usage
from graphql_schema.values import Property
from policies.vocabulary import WriteAction

Owner = Annotated[Union[TeamRef, UserRef], strawberry.union("Owner", description="Who owns an asset.")]  # noqa: UP007


def type_of(source: Row, *_: object) -> str:
    """The GraphQL type of a row: the name of its kind."""
    return source.kind


@strawberry.interface(description="Anything that has an id.")
class Node:
    """Anything that has an id."""

    id: strawberry.ID = own("The URN: stable, loggable, writable by hand.")

    resolve_type = staticmethod(type_of)


@strawberry.type(description="Who owns an asset, and in what way.")
class Ownership:
    """Who owns an asset, and in what way."""

    owner: Owner = own("The team or user.")
    ownership: OwnershipKind = own("What the owner is responsible for.")
    inherited: bool = own("Whether it comes from the whole or the domain rather than from the asset itself.")
    inherited_from: AssetRef | None = own("The asset it is inherited from; null when direct or from the domain.")
    since: Instant | None = own("Since when.")


async def _via(root: Parent, info: Info) -> Any:
    """The asset that a tag arrived from, where the caller may know of it."""
    arrived = root.record.get("mode") == TagMode.PROPAGATED.name
    return await info.context.reader.node(root.record["via"]) if arrived else None


@strawberry.type(description="A tag on an asset, and how it came there.")
class TagAssignment:
    """A tag on an asset, and how it came there."""

    tag: TagRef = own("The tag.")
    mode: TagMode = own("How it came there.")
    via: AssetRef | None = strawberry.field(
        description="The asset it arrived from, where it was propagated; null when hidden.", resolver=_via
    )
    since: Instant | None = own("Since when.")


@strawberry.type(description="What the viewer may see and do here, so that interfaces grey out instead of guessing.")
class ViewerAccess:
    """What the viewer may see and do here."""

    grade: AccessGrade = own("How much of the asset the viewer may see.")
    hidden_fields: list[str] = own("Fields that are null because the policy hides them.")
    can_update: bool = own("Whether the viewer may change it.")
    can_promote: bool = own("Whether the viewer may promote it, which moves its aliases.")
    can_retire: bool = own("Whether the viewer may retire it.")


@strawberry.type(description="A direct neighbour along a lineage relation, with the edge that joins them.")
class Neighbour:
    """A direct neighbour along a lineage relation, with the edge that joins them."""

    asset: AssetRef = own("The neighbour.")
    edge_id: strawberry.ID = own("The id of the edge.")
    from_: strawberry.ID = strawberry.field(
        name="from", description="The id at the edge's start, where data comes from."
    )
    to: strawberry.ID = own("The id at the edge's end, where data goes; a whole lists its parts' edges too.")
    relation: Relation = own("The relation.")
    origin: EdgeOrigin = own("How the edge came to be known.")
    confidence: float | None = own("How sure, from 0 to 1; null means certain.")
    valid_from: Instant | None = own("Since when it holds.")
    valid_to: Instant | None = own("Until when it holds; null while it does.")
    run_id: strawberry.ID | None = strawberry.field(
        description="The run that saw it; null when unknown or hidden.", resolver=run_id
    )
    properties: list[Property] | None = own("Free facts about the edge.")


@lru_cache(maxsize=64)
def neighbours_of(kind: str, direction: Direction) -> Related:
    """Direct lineage neighbours of a kind, see :func:`graphql_schema.related.neighbours`."""
    return neighbours(kind, direction)


def _neighbour(item: Item) -> Seen:
    return item.edge_as("Neighbour", asset=item.row)


def _neighbours(direction: Direction, description: str) -> Any:
    async def resolve(root: Parent, info: Info, filter: Filter = None, first: First = 20, after: After = None) -> Any:
        keep = None if filter is None else filter.keep()
        page, binding = paged(info, first, after, root.urn, keep=keep)
        found = await info.context.reader.related(root, neighbours_of(root.kind, direction), page)
        return Pages(found, page, binding, _neighbour)

    def inputs(kind: str) -> tuple[str, ...]:
        return neighbours_of(kind, direction).inputs

    return strawberry.field(resolver=resolve, description=description, metadata={INPUTS: inputs})


def _whole(kind: str) -> tuple[str, ...]:
    return WHOLE_HOPS[kind].kinds if kind in WHOLE_HOPS else ()


@lru_cache(maxsize=64)
def ownership_of(kind: str, *, inherited: bool) -> Related:
    """The paths to an asset's owners: its own, then its whole's, then those of its domain and its whole's domain."""
    own_path: Path = (OWNED_BY.out(),)
    if not inherited:
        return related(own_path)
    inputs = tuple(f"{name}.{field}" for name in _whole(kind) for field in ("owners", "domain"))
    domain: tuple[Hop, ...] = (CONTAINS.into("Domain"),)
    whole: tuple[Hop, ...] = (WHOLE_HOPS[kind],) if kind in WHOLE_HOPS else ()
    paths = [own_path, (*whole, *own_path), (*domain, *own_path), (*whole, *domain, *own_path)]
    return related(*dict.fromkeys(paths), inputs=inputs)


def _ownerships(item: Item) -> list[Seen]:
    edge = item.edge or {}
    giver = item.via[-1] if item.via else None
    asset = giver if giver is not None and giver.kind != "Domain" else None
    return [
        item.edge_as(
            "Ownership",
            owner=item.row,
            ownership=kind,
            inherited=giver is not None,
            inheritedFrom=asset,
            since=edge.get("validFrom"),
        )
        for kind in edge.get("kinds", ())
    ]


WithInherited = Annotated[
    bool | None, strawberry.argument(description="Whether to add the owners of the whole and of the domain.")
]


async def _owners(root: Parent, info: Info, include_inherited: WithInherited = True) -> Any:
    found = await info.context.reader.related(root, ownership_of(root.kind, inherited=bool(include_inherited)), ALL)
    by_path = sorted(found.items, key=lambda item: (item.path, item.row.urn))
    return [row for item in by_path for row in _ownerships(item)]


TAGS = related(TAGGED.out())
HISTORY = newest(CHANGED.into("Change"))


async def _tags(root: Parent, info: Info) -> Any:
    found = await info.context.reader.related(root, TAGS, ALL)
    return [
        item.edge_as("TagAssignment", tag=item.row, since=(item.edge or {}).get("validFrom")) for item in found.items
    ]


async def _owner_team(root: Parent, info: Info) -> Any:
    urn = root.record.get("ownerTeam")
    return await info.context.reader.node(urn) if urn else None


def _property(root: Parent, key: Annotated[str, strawberry.argument(description="The key.")]) -> str | None:
    found = [pair["value"] for pair in root.read("properties") or () if pair["key"] == key]
    return found[0] if found else None


def _viewer_access(root: Parent) -> Any:
    access = root.access
    return {
        "grade": access.grade.value,
        "hiddenFields": sorted(access.hidden),
        "canUpdate": access.may(WriteAction.UPDATE),
        "canPromote": access.may(WriteAction.PROMOTE),
        "canRetire": access.may(WriteAction.RETIRE),
    }


@strawberry.interface(
    description="Every governed ML asset. `id`, `kind`, `displayName`, `ownerTeam` and `viewerAccess` are visible to "
    "whoever may discover it."
)
class Asset(Node):
    """Every governed ML asset."""

    kind: AssetKind = own("What it is.")
    source: str = own("The system it comes from, in lower case.")
    namespace: str = own("The namespace within the source.")
    name: str = own("The name within the namespace.")
    display_name: str = own("The name to show.")
    description: str | None = own("What it is, in words.")
    stage: LifecycleStage | None = own("Where it is in its life.")
    visibility: Visibility | None = own("Who may discover it.")
    sensitivity: Sensitivity | None = own("The effective sensitivity: the strictest that applies.")
    declared_sensitivity: Sensitivity | None = own("The sensitivity that was declared here.")
    hydration: Hydration | None = own("Whether it was registered or only referred to.")
    revision: int | None = own("Counts its changes, from 1.")
    properties: list[Property] | None = own("Free keys and values, by key.")
    property: str | None = strawberry.field(
        description="The value of one free key.", resolver=_property, metadata=made_from("properties")
    )
    source_created_at: Instant | None = own("When the source system says it was made.")
    created_at: Instant | None = own("When it was registered here.")
    created_by: str | None = own("The subject that registered it.")
    updated_at: Instant | None = own("When it last changed here.")
    updated_by: str | None = own("The subject that last changed it.")
    deleted_at: Instant | None = own("When it was deleted; null while it exists.")
    owner_team: TeamRef | None = strawberry.field(
        description="The team that policies go by: the first technical team among the owners.", resolver=_owner_team
    )
    owners: list[Ownership] | None = strawberry.field(
        description="Direct owners, then inherited ones: a version's from its asset, a feature's from its set, an "
        "asset's from its domain.",
        resolver=_owners,
        metadata={INPUTS: lambda kind: ("domain", *ownership_of(kind, inherited=True).inputs)},
    )
    domain: DomainRef | None = to_one(related(CONTAINS.into("Domain")), "The business area.")
    tags: list[TagAssignment] | None = strawberry.field(description="The tags it carries.", resolver=_tags)
    replaced_by: AssetRef | None = to_one(related(REPLACED_BY.out()), "The asset that takes its place.")
    upstream: Connection[NeighbourRef] | None = _neighbours(Direction.IN, "Direct neighbours that it comes from.")
    downstream: Connection[NeighbourRef] | None = _neighbours(Direction.OUT, "Direct neighbours that come from it.")
    lineage: Lineage | None = asset_lineage
    impact: Impact | None = asset_impact
    health: Health | None = asset_health
    usage: Usage | None = asset_usage
    checks: Connection[CheckRef] | None = to_many(related(MONITORED_BY.out("Check")), "What monitors it.")
    incidents: Connection[IncidentRef] | None = asset_incidents
    history: Connection[ChangeRef] | None = to_many(HISTORY, "Its changes, the newest first.")
    viewer_access: ViewerAccess = strawberry.field(
        description="What the viewer may see and do here.", resolver=_viewer_access
    )

    resolve_type = staticmethod(type_of)


@strawberry.interface(description="An asset that has immutable versions.")
class Versioned:
    """An asset that has immutable versions."""

    latest_version: AssetVersionRef | None = own("The newest version.")

    resolve_type = staticmethod(type_of)


@strawberry.interface(description="An immutable version of an asset.")
class AssetVersion(Node):
    """An immutable version of an asset."""

    version: str = own("The version, as the source writes it.")

    resolve_type = staticmethod(type_of)
