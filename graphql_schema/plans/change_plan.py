"""Change plans: what is planned, what it affects, and who has acknowledged it."""

from dataclasses import replace

import strawberry

from graphql_schema.catalog.enums import PlanOutcome
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.lineage.impact import Impact, ImpactSource
from graphql_schema.plans.plan_status import ChangePlanStatus, planned_lineage, status_of, visible_roots


async def _roots(root: Parent, info: Info) -> Resolved:
    return await visible_roots(root, info)


async def _impact(root: Parent, info: Info) -> Resolved:
    return ImpactSource(info, await planned_lineage(root, info))


async def _impact_now(root: Parent, info: Info) -> Resolved:
    return ImpactSource(info, replace(await planned_lineage(root, info), pin=None))


async def _status(root: Parent, info: Info) -> Resolved:
    """Return the status of a plan, computed once for all aliases of the field."""
    return await info.context.once(("plan status", root.urn), lambda: status_of(root, info))


@strawberry.type(
    description="A planned change of some assets. No write waits for acknowledgements: a plan is evidence, as an "
    "approval is."
)
class ChangePlan(Node):
    """A planned change of some assets."""

    title: str = stored_field("The change in a few words.")
    description: str | None = stored_field("The change in detail; null if not given.")
    planned_by: str = stored_field("The caller who planned the change, in the form of `Change.actor`.")
    planned_at: Instant = stored_field("The instant of the plan.")
    deadline: Instant | None = stored_field("The instant until which acknowledgements are expected; null without one.")
    max_depth: int = stored_field("Number of levels downstream that the impact has.")
    outcome: PlanOutcome | None = stored_field("How the plan ended; null while it is open.")
    closed_at: Instant | None = stored_field("The instant at which the plan was closed; null while it is open.")
    closed_by: str | None = stored_field(
        "The caller who closed the plan, in the form of `Change.actor`; null while it is open."
    )
    roots: list[AssetRef] | None = strawberry.field(
        description="The assets to change that are visible to the viewer.", resolver=_roots
    )
    impact: Impact | None = strawberry.field(
        description="The impact of the visible roots by the lineage at the time of the plan, as far as the viewer may "
        "see it now. Values of assets are those of today.",
        resolver=_impact,
    )
    impact_now: Impact | None = strawberry.field(
        description="The impact of the visible roots by the lineage of now.", resolver=_impact_now
    )
    status: ChangePlanStatus | None = strawberry.field(
        description="Whom the change concerns, and who has acknowledged it.", resolver=_status
    )
