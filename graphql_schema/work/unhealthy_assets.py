"""Unhealthy assets of the teams of the viewer, as far as their health can be computed at once."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import strawberry

from graphql_schema.catalog.enums import AssetKind, HealthStatus
from graphql_schema.execution.many_calls import gathered
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.filters import AssetFilter, AssetOrder, AssetOrderField, OrderDirection
from graphql_schema.fields.refs import AssetRef
from graphql_schema.governance.owned_assets import owned_by, owner_team_in, window_of
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.row import Row
from graphql_schema.rules.health_status import health_fields

MAX_EXAMINED: Final = 200
"""Maximal number of assets whose health is computed: those of the teams that were changed last."""

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
        "is visible to the viewer. If there are more, those with a team as their `ownerTeam` come first; the others "
        "are left out, too, as far as they are too much to read. An asset does not count if a budget of the server "
        "ended before its health was certain."
    )
    complete: bool = stored_field(
        "Whether no assets of the teams and kinds were left out, and no budget ended before a health was certain."
    )


async def unhealthy_assets(
    info: Info, teams: Sequence[str], kinds: Sequence[AssetKind] | None, limit: int
) -> JsonObject:
    """Return the source of :class:`UnhealthyAssets` with at most ``limit`` assets; ``kinds`` None or [] are KINDS.

    It is found once for all aliases of the field with the same kinds.
    """
    key = ("unhealthy assets", tuple(teams), tuple(kinds or KINDS))
    found = await info.context.once(key, lambda: _found(info, teams, kinds or KINDS))
    return {**found, "nodes": found["nodes"][:limit]}


async def _found(info: Info, teams: Sequence[str], kinds: Sequence[AssetKind]) -> JsonObject:
    """Return the source of :class:`UnhealthyAssets` with all of them."""
    where = AssetFilter(kinds=list(kinds))
    order = AssetOrder(field=AssetOrderField.UPDATED_AT, direction=OrderDirection.DESC)
    found = await window_of(info, where, order, owned_by(teams), owner_team_in(teams), MAX_EXAMINED)
    rows = [row for row in found.rows if _shows_health(row)]
    calls = [partial(info.context.reader.health, row) for row in rows]
    reports = await gathered(info.context.budget, calls, "health of unhealthy assets")
    certain = [(row, each.status) for row, each in zip(rows, reports, strict=True) if not each.completeness.is_cut]
    bad = [(row, status) for row, status in certain if status in STATUSES]
    bad.sort(key=lambda each: (STATUSES.index(each[1]), each[0].urn))
    return {
        "nodes": [row for row, _ in bad],
        "total": len(bad),
        "examined": len(certain),
        "complete": found.complete and len(certain) == len(rows),
    }


def _shows_health(row: Row) -> bool:
    return row.reads("health") and row.access.hidden.isdisjoint(health_fields(row.kind))
