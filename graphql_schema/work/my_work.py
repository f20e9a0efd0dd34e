"""The field `myWork`: what waits for the viewer, and what needs the attention of the teams of the viewer."""

from typing import Annotated, Final

import strawberry

from graphql_schema.catalog.enums import AssetKind, IncidentState
from graphql_schema.fields.connection import After, Connection, First
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, stored_field
from graphql_schema.fields.filters import AssetFilter
from graphql_schema.fields.listing_fields import list_assets
from graphql_schema.fields.refs import AssetRef, IncidentRef, TeamRef
from graphql_schema.governance.owned_assets import owned_by
from graphql_schema.observability.incidents import incidents_of_teams
from graphql_schema.plans.pending_plans import PendingPlans, pending_plans
from graphql_schema.ports.relation_query import MAX_PAGE_SIZE
from graphql_schema.work.pending_approvals import PendingApprovals, pending_approvals
from graphql_schema.work.unhealthy_assets import UnhealthyAssets, unhealthy_assets
from policies.errors import LimitError

FIRST: Final = 20
UNUSED_DAYS: Final = 90
"""Default of `days` of `unused`."""

FirstArg = Annotated[
    int | None, strawberry.argument(description=f"The maximum number of items to list, 0 to {MAX_PAGE_SIZE}.")
]
KindsOfWork = Annotated[
    list[AssetKind] | None,
    strawberry.argument(
        description="The kinds to examine; default, also for []: DATASET, FEATURE_SET, MODEL and SERVICE."
    ),
]
UnusedDays = Annotated[int | None, strawberry.argument(description="The days, as `unusedForDays` of `AssetFilter`.")]


def _limit(first: int | None) -> int:
    """Return the maximal number of items; raise LimitError if it is out of range."""
    limit = FIRST if first is None else first
    if not 0 <= limit <= MAX_PAGE_SIZE:
        raise LimitError(f"`first` is {limit}; give 0 to {MAX_PAGE_SIZE}.", limit=MAX_PAGE_SIZE)
    return limit


async def _approvals(_root: Parent, info: Info, first: FirstArg = FIRST) -> Resolved:
    return await pending_approvals(info, _limit(first))


async def _incidents(root: Parent, info: Info, first: First = FIRST, after: After = None) -> Resolved:
    return await incidents_of_teams(info, root["urns"], IncidentState.OPEN, first, after, root["urns"])


async def _unhealthy(root: Parent, info: Info, kinds: KindsOfWork = None, first: FirstArg = FIRST) -> Resolved:
    return await unhealthy_assets(info, root["urns"], kinds, _limit(first))


async def _unused(
    root: Parent, info: Info, days: UnusedDays = UNUSED_DAYS, first: First = FIRST, after: After = None
) -> Resolved:
    where = AssetFilter(unused_for_days=UNUSED_DAYS if days is None else days)
    return await list_assets(info, where, None, first, after, owned_by(root["urns"]))


async def _plans(_root: Parent, info: Info, first: FirstArg = FIRST) -> Resolved:
    return await pending_plans(info, _limit(first))


@strawberry.type(description="What waits for the viewer, and what needs the attention of the teams of the viewer.")
class MyWork:
    """What waits for the viewer."""

    teams: list[TeamRef] = stored_field(
        "The teams of the viewer that are in the catalog: those of the token, and the teams above them; ordered by id."
    )
    approvals: PendingApprovals | None = strawberry.field(
        description="The newest versions of models with a protected alias that points at another version, if they lack "
        "approvals and the viewer may approve them and did not make them. `approve` also refuses who requested one.",
        resolver=_approvals,
    )
    plans: PendingPlans | None = strawberry.field(
        description="Open change plans that concern a team of the viewer which has not acknowledged it.",
        resolver=_plans,
    )
    incidents: Connection[IncidentRef] | None = strawberry.field(
        description="Open incidents on assets that the teams own, newest first. Assets with another `ownerTeam` may be "
        "left out, as in `incidents` of a team.",
        resolver=_incidents,
    )
    unhealthy: UnhealthyAssets | None = strawberry.field(
        description="The UNHEALTHY or DEGRADED ones among the assets that the teams own and that are examined.",
        resolver=_unhealthy,
    )
    unused: Connection[AssetRef] | None = strawberry.field(
        description="Assets that the teams own and that were not in use on the last `days` days, ordered by id. "
        "An asset without recorded usage must be older than `days` days. `usage` of each has its cost.",
        resolver=_unused,
    )


async def _my_work(info: Info) -> Resolved:
    urns = sorted(info.context.principal.teams)
    return {"teams": [row for row in await info.context.reader.nodes(urns) if row is not None], "urns": tuple(urns)}


my_work: SchemaField = strawberry.field(
    description="What waits for the viewer, and what needs the attention of the teams of the viewer. A list that "
    "cannot be read is null, with an error.",
    resolver=_my_work,
)
