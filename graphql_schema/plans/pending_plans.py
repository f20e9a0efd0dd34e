"""Change plans that wait for an acknowledgement by a team of the viewer."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import ChangePlanRef, TeamRef
from graphql_schema.plans.plan_lists import OPEN_PLANS
from graphql_schema.plans.plan_status import status_of
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import Row

MAX_PLANS: Final = 20
"""Maximal number of plans that are examined: each needs two walks."""

MAX_LISTED: Final = 2_000
"""Number of the newest open plans among which the examined ones are chosen.

It is far greater than MAX_PLANS, so that the plans of one author are not all of them.
"""

_LISTED: Final = PageRequest(MAX_LISTED, in_parts=True)
"""The request of these plans. Those beyond half of what the operation may read are left out."""

MAX_WALKED: Final = 20_000
"""Assets and edges in the examined plans of one author, after which no further plan of this author is examined."""

MAX_EDGES: Final = 100_000
"""Number of edges in the impacts of the plans that are examined in one step. Each impact has an equal share."""

_STEPS: Final = (1, 4, MAX_PLANS)
"""Of each author the first plan is examined, then those up to the fourth, then the others.

A plan of which a limit left something out is the last one of its author.
"""


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
    examined: int = stored_field(
        f"Number of examined plans, at most {MAX_PLANS} of the newest {MAX_LISTED} open ones: the newest plan of each "
        "author, then the second newest of each, and so on. Few plans of an author are examined if they affect much."
    )
    complete: bool = stored_field(
        "Whether all open plans that are visible to the viewer were examined, and no limit cut the impact of one."
    )


async def pending_plans(info: Info, limit: int) -> JsonObject:
    """Return the source of a :class:`PendingPlans` with at most ``limit`` plans."""
    mine = info.context.principal.teams
    if not mine:
        return {"nodes": [], "total": 0, "examined": 0, "complete": True}
    found = await info.context.reader.attached_records("ChangePlan", OPEN_PLANS, _LISTED)
    plans = [item.row for item in found.items]
    statuses = await _statuses(info, plans)
    waiting = [
        {"plan": plan, "teams": teams}
        for plan in plans
        if (status := statuses.get(plan.urn))
        and (teams := [each["team"] for each in status["teams"] if _waits(each, mine)])
    ]
    return {
        "nodes": waiting[:limit],
        "total": len(waiting),
        "examined": len(statuses),
        "complete": not found.has_next
        and len(statuses) == len(plans)
        and not any(each["cut"] for each in statuses.values()),
    }


def _waits(team: JsonObject, mine: Collection[str]) -> bool:
    return team["team"].urn in mine and team["acknowledgement"] is None


async def _statuses(info: Info, plans: Sequence[Row]) -> dict[str, JsonObject]:
    """Return the status of each examined plan by its id.

    Authors and plans have equal shares, so that the plans of one do not keep others from seeing those of all others.
    """
    ranked = [*_ranked(plans)][:MAX_PLANS]
    statuses: dict[str, JsonObject] = {}
    walked = Counter[str]()
    begin = 0
    for end in _STEPS:
        chosen = [plan for rank, plan in ranked if begin <= rank < end and walked[_author(plan)] < MAX_WALKED]
        if begin and info.context.budget.is_half_read:
            break
        share = MAX_EDGES // (2 * max(len(chosen), 1))
        found = await asyncio.gather(*(status_of(plan, info, share) for plan in chosen))
        for plan, status in zip(chosen, found, strict=True):
            statuses[plan.urn] = status
            walked[_author(plan)] += MAX_WALKED if status["cut"] else status["walked"]
        begin = end
    return statuses


def _ranked(plans: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """Yield the plans with their number among those of the author: the first of each author, then the second."""
    numbers = Counter[str]()
    ranks = []
    for plan in plans:
        ranks.append(numbers[_author(plan)])
        numbers[_author(plan)] += 1
    yield from sorted(zip(ranks, plans, strict=True), key=lambda each: each[0])


def _author(plan: Row) -> str:
    return str(plan.record["plannedBy"])
