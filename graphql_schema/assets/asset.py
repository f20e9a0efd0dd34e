"""The Asset interface: what every governed ML asset has, and how its common relations are read."""

from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.enums import AssetKind, Hydration, LifecycleStage, Sensitivity, Visibility
from graphql_schema.catalog.relations import CHANGED, CONTAINS, MONITORED_BY, REPLACED_BY, Direction
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import INPUTS, Parent, depends_on, stored_field
from graphql_schema.fields.node import Node, type_of
from graphql_schema.fields.refs import (
    AssetRef,
    AssetVersionRef,
    ChangeRef,
    CheckRef,
    DomainRef,
    IncidentRef,
    NeighbourRef,
    TeamRef,
)
from graphql_schema.fields.relation_fields import to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Property
from graphql_schema.governance.ownership import Ownership, _owners, ownership_of
from graphql_schema.governance.tags import TagAssignment, _tags
from graphql_schema.governance.viewer_access import ViewerAccess, _viewer_access
from graphql_schema.lineage.impact import Impact, asset_impact
from graphql_schema.lineage.neighbours import _neighbours
from graphql_schema.lineage.traversal import Lineage, asset_lineage
from graphql_schema.observability.asset_health import Health, asset_health
from graphql_schema.observability.incidents import asset_incidents
from graphql_schema.ports.relation_query import newest_first, related
from graphql_schema.usage.asset_usage import Usage, asset_usage

HISTORY = newest_first(CHANGED.into("Change"))


async def _owner_team(root: Parent, info: Info) -> Any:
    urn = root.record.get("ownerTeam")
    return await info.context.reader.node(urn) if urn else None


def _property(root: Parent, key: Annotated[str, strawberry.argument(description="The key.")]) -> str | None:
    found = [pair["value"] for pair in root.read("properties") or () if pair["key"] == key]
    return found[0] if found else None


@strawberry.interface(
    description="Every governed ML asset. `id`, `kind`, `displayName`, `ownerTeam` and `viewerAccess` are visible to "
    "whoever may discover it."
)
class Asset(Node):
    """Every governed ML asset."""

    kind: AssetKind = stored_field("What it is.")
    source: str = stored_field("The system it comes from, in lower case.")
    namespace: str = stored_field("The namespace within the source.")
    name: str = stored_field("The name within the namespace.")
    display_name: str = stored_field("The name to show.")
    description: str | None = stored_field("What it is, in words.")
    stage: LifecycleStage | None = stored_field("Where it is in its life.")
    visibility: Visibility | None = stored_field("Who may discover it.")
    sensitivity: Sensitivity | None = stored_field("The effective sensitivity: the strictest that applies.")
    declared_sensitivity: Sensitivity | None = stored_field("The sensitivity that was declared here.")
    hydration: Hydration | None = stored_field("Whether it was registered or only referred to.")
    revision: int | None = stored_field("Counts its changes, from 1.")
    properties: list[Property] | None = stored_field("Free keys and values, by key.")
    property: str | None = strawberry.field(
        description="The value of one free key.", resolver=_property, metadata=depends_on("properties")
    )
    source_created_at: Instant | None = stored_field("When the source system says it was made.")
    created_at: Instant | None = stored_field("When it was registered here.")
    created_by: str | None = stored_field("The subject that registered it.")
    updated_at: Instant | None = stored_field("When it last changed here.")
    updated_by: str | None = stored_field("The subject that last changed it.")
    deleted_at: Instant | None = stored_field("When it was deleted; null while it exists.")
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

    latest_version: AssetVersionRef | None = stored_field("The newest version.")

    resolve_type = staticmethod(type_of)


@strawberry.interface(description="An immutable version of an asset.")
class AssetVersion(Node):
    """An immutable version of an asset."""

    version: str = stored_field("The version, as the source writes it.")

    resolve_type = staticmethod(type_of)
