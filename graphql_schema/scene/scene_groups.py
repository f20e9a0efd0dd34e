"""The groups of a scene: what their assets have in common, how many they are, and how healthy."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

import strawberry

from graphql_schema.catalog.enums import AssetKind, HealthStatus
from graphql_schema.catalog.urn import parent_urn
from graphql_schema.execution.many_calls import gathered
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.refs import AssetRef, DomainRef, TeamRef
from graphql_schema.lineage.traversal import KindCount
from graphql_schema.ports.record import JsonObject
from graphql_schema.rules.health_status import health_fields
from graphql_schema.scene.grouping import GroupValues, SceneProperty
from graphql_schema.scene.neighbourhood import SceneGap
from graphql_schema.scene.roll_up import RollUp, SceneAsset

MAX_EXAMINED: Final = 400
"""Maximal number of assets of all groups of a scene whose health is computed."""


@strawberry.type(description="Number of assets with one health status.")
class StatusCount:
    """Number of assets with one health status."""

    status: HealthStatus = stored_field("The status.")
    count: int = stored_field("Number of assets with this status.")


@strawberry.type(description="The health of the assets of a group.")
class GroupHealth:
    """The health of the assets of a group."""

    examined: int = stored_field(
        f"Number of assets whose health was computed: of the nearest of the group, those whose health is visible to "
        f"the viewer. A scene examines at most {MAX_EXAMINED} assets, divided equally among its groups. An asset does "
        "not count if a budget of the server ended before its health was certain."
    )
    statuses: list[StatusCount] = stored_field("Number of examined assets of each status, ordered by status.")


async def _health(root: Parent, info: Info) -> Resolved:
    rows = [row for row in root["examined"] if row.access.hidden.isdisjoint(health_fields(row.kind))]
    rows = [row for row in rows if row.reads("health")]
    calls = [partial(info.context.reader.health, row) for row in rows]
    reports = await gathered(info.context.budget, calls, "health of groups")
    found = Counter(each.status for each in reports if not each.completeness.is_cut)
    return {
        "examined": found.total(),
        "statuses": [{"status": status, "count": found[status]} for status in sorted(found)],
    }


async def _versions_of(root: Parent, info: Info) -> Resolved:
    if root["family"] is None:
        return None
    (row,) = await info.context.reader.nodes([root["family"]], named=True)
    return row


@strawberry.type(description="Assets of a scene that are not listed individually.")
class SceneGroup:
    """Assets of a scene that are not listed individually."""

    key: str = stored_field(
        "The name of the group in `from` and `to` of edges and in `expand`, such as `LEVEL=2 KIND=DATASET`."
    )
    level: int = stored_field("The level of its nearest asset; negative upstream.")
    kind: AssetKind | None = stored_field("The kind of its assets; null if the scene is not grouped by KIND.")
    team: TeamRef | None = stored_field(
        "The owner team of its assets; null if no team is visible, or the scene is not grouped by TEAM."
    )
    domain: DomainRef | None = stored_field(
        "The domain of its assets; null if none is visible, or the scene is not grouped by DOMAIN."
    )
    versions_of: AssetRef | None = strawberry.field(
        description="The asset whose versions these are; null if it is not visible, or `groupedBy` lacks VERSIONS.",
        resolver=_versions_of,
    )
    count: int = stored_field("Number of its assets.")
    counts_by_kind: list[KindCount] = stored_field("Number of its assets of each kind, ordered by kind.")
    inner_edges: int = stored_field("Number of edges between its assets.")
    gaps: list[SceneGap] = stored_field(
        "Why edges of some of its assets may be missing; empty without a disclosed reason."
    )
    health: GroupHealth = strawberry.field(description="The health of its assets.", resolver=_health)


def group_sources(rolled: RollUp, values: GroupValues, inner_edges: Counter[str]) -> list[JsonObject]:
    """Return the sources of the groups of a scene, in the order of their nearest asset."""
    share = MAX_EXAMINED // max(len(rolled.groups), 1)
    return [
        {
            "key": key,
            "innerEdges": inner_edges[key],
            "examined": [asset.row for asset in members[:share]],
            **_common(members[0], rolled.properties, values),
            **_of_all(members),
        }
        for key, members in rolled.groups.items()
    ]


def _common(nearest: SceneAsset, properties: Sequence[SceneProperty], values: GroupValues) -> JsonObject:
    """Return the values that the assets of a group have in common, null for properties that do not make the group.

    ``level`` is that of the nearest asset.
    """

    def given(wanted: SceneProperty) -> str:
        return nearest.values[wanted] if wanted in properties else ""

    urn = nearest.row.urn
    return {
        "level": nearest.level,
        "kind": given(SceneProperty.KIND) or None,
        "team": values.teams.get(given(SceneProperty.TEAM)),
        "domain": values.domains.get(given(SceneProperty.DOMAIN)),
        "family": (parent_urn(urn) or urn) if given(SceneProperty.VERSIONS) else None,
    }


def _of_all(members: Sequence[SceneAsset]) -> JsonObject:
    """Return the counts of a group, and the gaps of its assets."""
    kinds = Counter[str](asset.row.record["kind"] for asset in members)
    return {
        "count": len(members),
        "countsByKind": [{"kind": kind, "count": kinds[kind]} for kind in sorted(kinds)],
        "gaps": sorted({gap for asset in members for gap in asset.gaps}),
    }
