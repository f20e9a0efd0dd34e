"""The interfaces of assets: `Asset` with the fields of every asset, `Versioned`, and `AssetVersion`."""

from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import AssetKind, Hydration, LifecycleStage, Sensitivity, Visibility
from graphql_schema.catalog.relations import CONTAINS, PLANNED_FOR, REPLACED_BY, Direction
from graphql_schema.catalog.urn import slug_of
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import (
    FOR_ALL,
    INPUTS,
    Parent,
    Parents,
    Resolved,
    depends_on,
    resolved_for_all,
    stored_field,
)
from graphql_schema.fields.node import Node, type_of
from graphql_schema.fields.refs import (
    AssetRef,
    AssetVersionRef,
    ChangePlanRef,
    ChangeRef,
    CheckRef,
    DomainRef,
    IncidentRef,
    NeighbourRef,
    TeamRef,
)
from graphql_schema.fields.relation_fields import to_last_recorded, to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Property
from graphql_schema.governance.changes import HISTORY
from graphql_schema.governance.ownership import Ownership, ownership_of, resolve_owners
from graphql_schema.governance.tags import TagAssignment, resolve_tags
from graphql_schema.governance.viewer_access import ViewerAccess, resolve_viewer_access
from graphql_schema.lineage.impact import Impact, asset_impact
from graphql_schema.lineage.neighbours import neighbours_field
from graphql_schema.lineage.traversal import Lineage, asset_lineage
from graphql_schema.observability.asset_health import Health, asset_health
from graphql_schema.observability.asset_sources import AssetSource, asset_sources
from graphql_schema.observability.checks import CHECKS
from graphql_schema.observability.incidents import asset_incidents
from graphql_schema.ports.relation_query import newest_first, related
from graphql_schema.usage.asset_usage import Usage, asset_usage


async def _owner_team(roots: Parents, info: Info) -> list[Resolved]:
    owners = [root.record.get("ownerTeam") for root in roots]
    teams = [urn for urn in dict.fromkeys(owners) if urn and slug_of(urn) == "team"]
    found = dict(zip(teams, await info.context.reader.nodes(teams), strict=True))
    return [found.get(urn) for urn in owners]


def _property(
    root: Parent, key: Annotated[str, strawberry.argument(description="The key of the property.")]
) -> str | None:
    found = [pair["value"] for pair in root.read("properties") or () if pair["key"] == key]
    return found[0] if found else None


@strawberry.interface(
    description="A governed ML asset. The parts of its id, `asOf`, `kind`, `displayName`, `ownerTeam` and "
    "`viewerAccess` are visible to every caller who may discover the asset. A field that has no value, or that the "
    "policy hides, is null."
)
class Asset(Node):
    """The fields of every governed asset."""

    kind: AssetKind = stored_field("The kind of the asset.")
    source: str = stored_field("The system that the asset comes from, in lower case.")
    namespace: str = stored_field("The namespace of the asset within the source.")
    name: str = stored_field("The name of the asset within the namespace.")
    display_name: str = stored_field("The name to show for the asset.")
    description: str | None = stored_field("A description of the asset in words.")
    stage: LifecycleStage | None = stored_field("The life cycle stage of the asset.")
    visibility: Visibility | None = stored_field("The callers who may discover the asset.")
    sensitivity: Sensitivity | None = stored_field(
        "The effective sensitivity: the strictest of the declared one and all that propagate to the asset."
    )
    declared_sensitivity: Sensitivity | None = stored_field(
        "The sensitivity that was declared for the asset itself; INTERNAL if none was. Null only if hidden."
    )
    confirmed_sensitivity: Sensitivity | None = stored_field(
        "The sensitivity without raises by callers who had no right to link this asset. Null if that is `sensitivity` "
        "itself, or if hidden. Otherwise an owner confirms `sensitivity` by declaring it for the asset, or an approver "
        "declassifies the edge."
    )
    hydration: Hydration | None = stored_field("Whether the asset was registered or only referenced.")
    revision: int | None = stored_field(
        "1 at first, plus 1 for each item of a call that changes a value of the asset, gives one that another caller "
        "set and that is hidden from the caller, changes its edges through an input about the asset, or reverts a "
        "change of it. `link` and `unlink` count only if they change its domain, parent or `ownerTeam`. Propagated "
        "sensitivity and tags do not count."
    )
    properties: list[Property] | None = stored_field("Free properties of the asset, ordered by key.")
    property: str | None = strawberry.field(
        description="The value of one free property; null if the asset does not have the key or hides `properties`.",
        resolver=_property,
        metadata=depends_on("properties"),
    )
    source_created_at: Instant | None = stored_field(
        "The instant of creation in the source system; null if not given or hidden."
    )
    created_at: Instant | None = stored_field("The instant at which the asset was first registered or referenced.")
    created_by: str | None = stored_field(
        "The caller who first registered or referenced the asset, in the form of `Change.actor`."
    )
    updated_at: Instant | None = stored_field(
        "The instant of the first registration or reference, or of the last call that raised `revision`."
    )
    updated_by: str | None = stored_field(
        "The caller who made the change at `updatedAt`, in the form of `Change.actor`."
    )
    deleted_at: Instant | None = stored_field(
        "The instant at which the asset was deleted; null if it is not deleted, or hidden."
    )
    owner_team: TeamRef | None = strawberry.field(
        description="The team that policies use: the first TECHNICAL team of the owners, else the first team of the "
        "owners, else the owner team of the parent; null without any. An asset without all of these has the team that "
        "its id is reserved for.",
        resolver=_owner_team,
        metadata=resolved_for_all(),
    )
    owners: list[Ownership] | None = strawberry.field(
        description="The direct owners, then those inherited from the parent of a version or feature, from the domain, "
        "and from the domain of the parent. An owner is listed with the first of these only, once for each "
        "responsibility there.",
        resolver=resolve_owners,
        metadata={FOR_ALL: True, INPUTS: lambda kind: ("domain", *ownership_of(kind, inherited=True).inputs)},
    )
    domain: DomainRef | None = to_last_recorded(
        related(CONTAINS.into("Domain")),
        "The business area that the asset itself is in, not that of its parent: of several visible ones the one that "
        "it was put into last, and of equals the first by id. Null if there is none or it is hidden.",
    )
    tags: list[TagAssignment] | None = strawberry.field(
        description="The tags of the asset, set directly or propagated, and those that are blocked on it.",
        resolver=resolve_tags,
        metadata=resolved_for_all(),
    )
    replaced_by: AssetRef | None = to_one(
        related(REPLACED_BY.out()),
        "The asset that replaces this one; null if there is none, or it is hidden or deleted.",
    )
    upstream: Connection[NeighbourRef] | None = neighbours_field(
        Direction.IN,
        "The direct neighbours upstream, where data comes from; edges of the asset's parent or children count too.",
    )
    downstream: Connection[NeighbourRef] | None = neighbours_field(
        Direction.OUT,
        "The direct neighbours downstream, where data goes; edges of the asset's parent or children count too.",
    )
    lineage: Lineage | None = asset_lineage
    impact: Impact | None = asset_impact
    health: Health | None = asset_health
    sources: list[AssetSource] | None = asset_sources
    usage: Usage | None = asset_usage
    checks: Connection[CheckRef] | None = to_many(CHECKS, "The checks that monitor the asset.")
    incidents: Connection[IncidentRef] | None = asset_incidents
    change_plans: Connection[ChangePlanRef] | None = to_many(
        newest_first(PLANNED_FOR.into("ChangePlan")), "Plans of changes of the asset, the newest first."
    )
    history: Connection[ChangeRef] | None = to_many(HISTORY, "The changes of the asset, newest first.")
    viewer_access: ViewerAccess = strawberry.field(
        description="Rights of the viewer on this asset, so that a user interface can disable actions.",
        resolver=resolve_viewer_access,
    )

    resolve_type = staticmethod(type_of)


@strawberry.interface(description="An asset that has versions, which are assets of their own.")
class Versioned:
    """The fields of an asset with versions."""

    latest_version: AssetVersionRef | None = stored_field(
        "The newest visible version, without versions that were only referenced; null if there is none."
    )

    resolve_type = staticmethod(type_of)


@strawberry.interface(description="A version of an asset; an asset of its own.")
class AssetVersion(Node):
    """The fields of a version."""

    version: str = stored_field("The name of the version, as the source writes it.")

    resolve_type = staticmethod(type_of)
