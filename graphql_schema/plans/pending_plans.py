"""Change plans that wait for an acknowledgement by a team of the viewer."""

import asyncio
from typing import Final

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import ChangePlanRef, TeamRef
from graphql_schema.plans.plan_lists import OPEN_PLANS
from graphql_schema.plans.plan_status import status_of
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import PageRequest

MAX_PLANS: Final = 20
"""Maximal number of plans that are examined: each needs two walks."""


@strawberry.type(description="A change plan that waits for acknowledgements by teams of the viewer.")
class PendingPlan:
    """A change plan that waits for acknowledgements by teams of the viewer."""

    plan: ChangePlanRef = stored_field("The plan.")
    teams: list[TeamRef] = stored_field(
        "The teams of the viewer that the change concerns and that have not acknowledged it."
    )


@strawberry.type(description="Open change plans that wait for an acknowledgement by a team of the viewer.")
class PendingPlans:
    """Open change plans that wait for an acknowledgement by a team of the viewer."""

    nodes: list[PendingPlan] = stored_field("The plans, the newest first; at most `first`.")
    total: int = stored_field("Number of plans, those beyond `first` included.")
    examined: int = stored_field(f"Number of examined plans: the newest {MAX_PLANS} open ones, or fewer.")
    complete: bool = stored_field("Whether all open plans that are visible to the viewer were examined.")


async def pending_plans(info: Info, limit: int) -> JsonObject:
    """Return the source of a :class:`PendingPlans` with at most ``limit`` plans."""
    mine = info.context.principal.teams
    if not mine:
        return {"nodes": [], "total": 0, "examined": 0, "complete": True}
    found = await info.context.reader.attached_records("ChangePlan", OPEN_PLANS, PageRequest(MAX_PLANS))
    plans = [item.row for item in found.items]
    statuses = await asyncio.gather(*(status_of(plan, info) for plan in plans))
    missing = [
        [each["team"] for each in status["teams"] if each["team"].urn in mine and each["acknowledgement"] is None]
        for status in statuses
    ]
    waiting = [{"plan": plan, "teams": teams} for plan, teams in zip(plans, missing, strict=True) if teams]
    return {
        "nodes": waiting[:limit],
        "total": len(waiting),
        "examined": len(plans),
        "complete": not found.has_next,
    }
