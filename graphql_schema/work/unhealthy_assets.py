"""Unhealthy assets of the teams of the viewer, as far as their health can be computed at once."""

import asyncio
from collections.abc import Sequence
from typing import Final

import strawberry

from graphql_schema.catalog.enums import AssetKind, HealthStatus
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.filters import AssetFilter, AssetOrder, AssetOrderField, OrderDirection, asset_listing
from graphql_schema.fields.refs import AssetRef
from graphql_schema.ports.conditions import Condition
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import Row
from graphql_schema.rules.health_status import health_fields

MAX_EXAMINED: Final = 200
"""Maximal number of assets whose health is computed: those that were changed last."""

KINDS: Final = tuple(AssetKind[code] for code in ("DATASET", "FEATURE_SET", "MODEL", "SERVICE"))
"""The kinds that are examined unless others are requested."""

STATUSES: Final = (HealthStatus.UNHEALTHY.name, HealthStatus.DEGRADED.name)
"""The statuses that are listed, in this order."""


@strawberry.type(description="Assets of the teams of the viewer that are UNHEALTHY or DEGRADED.")
class UnhealthyAssets:
    """Assets of the teams of the viewer that are UNHEALTHY or DEGRADED."""

    nodes: list[AssetRef] = stored_field("The assets, the UNHEALTHY ones first, then by id; at most `first`.")
    total: int = stored_field("Number of these assets among the examined ones.")
    examined: int = stored_field(
        f"Number of assets whose health was computed: of the {MAX_EXAMINED} that were changed last, those whose health "
        "is visible to the viewer. An asset does not count if a budget of the server ended before its health was "
        "certain."
    )
    complete: bool = stored_field(
        "Whether the teams have no further assets of the kinds, and no budget ended before a health was certain."
    )


async def unhealthy_assets(info: Info, owned: Condition, kinds: Sequence[AssetKind] | None, limit: int) -> JsonObject:
    """Return the source of :class:`UnhealthyAssets` with at most ``limit`` assets; ``kinds`` None or [] are KINDS."""
    where = AssetFilter(kinds=list(kinds or KINDS))
    order = AssetOrder(field=AssetOrderField.UPDATED_AT, direction=OrderDirection.DESC)
    found = await info.context.reader.listing(asset_listing(where, order, owned), PageRequest(MAX_EXAMINED))
    rows = [item.row for item in found.items if _shows_health(item.row)]
    reports = await asyncio.gather(*(info.context.reader.health(row) for row in rows))
    certain = [(row, each.status) for row, each in zip(rows, reports, strict=True) if not each.completeness.is_cut]
    bad = [(row, status) for row, status in certain if status in STATUSES]
    bad.sort(key=lambda each: (STATUSES.index(each[1]), each[0].urn))
    return {
        "nodes": [row for row, _ in bad[:limit]],
        "total": len(bad),
        "examined": len(certain),
        "complete": not found.has_next and len(certain) == len(rows),
    }


def _shows_health(row: Row) -> bool:
    return row.reads("health") and row.access.hidden.isdisjoint(health_fields(row.kind))
