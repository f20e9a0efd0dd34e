"""The status of a change plan: whom the change concerns, who has acknowledged it, and what the change affects since."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import strawberry

from graphql_schema.catalog.enums import PlanDecision
from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.refs import TeamRef, UserRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.lineage.impacted_teams import ConcernedTeams, ImpactReason, impacted_teams
from graphql_schema.plans.plan_state import ChangePlanState, plan_state
from graphql_schema.ports.lineage_query import COMPLETE, LineageQuery, ReachedNode, SnapshotTime
from graphql_schema.ports.record import JsonObject, Record
from graphql_schema.ports.row import Row
from graphql_schema.usage.asset_usage import span_of

DAYS = 30
"""Number of days whose usage makes a change concern a team."""


async def _user(root: Parent, info: Info) -> Resolved:
    return await info.context.reader.node(root["user"]) if root.get("user") else None


@strawberry.type(description="The newest decision of a team about a change plan.")
class Acknowledgement:
    """The newest decision of a team about a change plan."""

    decision: PlanDecision = stored_field("The decision.")
    reason: str | None = stored_field("The reason; null without one.")
    at: Instant = stored_field("The instant of the decision.")
    by: str = stored_field("The caller who acknowledged, in the form of `Change.actor`.")
    user: UserRef | None = strawberry.field(
        description="The member who acknowledged; null if the catalog has no such user.", resolver=_user
    )


@strawberry.type(description="A team that a planned change concerns, or that has acknowledged it.")
class PlanTeam:
    """A team that a planned change concerns, or that has acknowledged it."""

    team: TeamRef = stored_field("The team.")
    reasons: list[ImpactReason] = stored_field(
        "Why the change concerns the team, as in `impact { teams }`, as far as is visible to the viewer; empty for a "
        "team that only acknowledged it."
    )
    is_new: bool = stored_field("Whether only what the change affects since the plan concerns the team.")
    acknowledgement: Acknowledgement | None = stored_field("The newest one of the team; null without one.")


@strawberry.type(
    description="The state of a change plan, and the teams that it concerns or that acknowledged it, as far as its "
    "impact is visible to the viewer."
)
class ChangePlanStatus:
    """The state of a change plan, and the teams that it concerns or that acknowledged it."""

    state: ChangePlanState = stored_field("The state of the plan.")
    teams: list[PlanTeam] = stored_field(
        "Visible teams that the change concerns, by the impact at the time of the plan and by that of now; then other "
        "teams that acknowledged it, by id."
    )
    waiting: int = stored_field("Number of concerned teams that have not acknowledged it.")
    complete: bool = stored_field(
        "Whether the impact and the teams that it concerns were found completely, then and now; otherwise the plan is "
        "not READY."
    )
    added: int = stored_field("Number of assets that the change affects now and did not at the time of the plan.")
    removed: int = stored_field("Number of assets that the change affected then and does not now.")


async def visible_roots(plan: Row, info: Info) -> list[Row]:
    """Return the roots of a plan that are visible to the viewer."""
    found = await info.context.reader.nodes(plan.record["subjects"], constant_time=True)
    return [row for row in found if row is not None]


async def planned_lineage(plan: Row, info: Info) -> LineageQuery:
    """Return the lineage downstream of the visible roots at the time of the plan."""
    roots = tuple(row.urn for row in await visible_roots(plan, info))
    return LineageQuery(roots, Direction.OUT, plan.record["maxDepth"], pin=SnapshotTime(*plan.record["snapshot"]))


async def status_of(plan: Row, info: Info, max_edges: int | None = None) -> JsonObject:
    """Return the source of a :class:`ChangePlanStatus`.

    Each of the two impacts has at most ``max_edges`` edges. Beside the fields, ``walked`` is the number of assets and
    edges of both, and ``cut`` whether a limit of the server left something out. Raises LimitError if the operation
    starts too many walks.
    """
    query, reader = replace(await planned_lineage(plan, info), max_edges=max_edges), info.context.reader
    then, now = await asyncio.gather(reader.walk(query), reader.walk(replace(query, pin=None)))
    await info.context.budget.pause()
    difference = await run_in_turn(impact_difference, then.is_long or now.is_long, then.nodes, now.nodes)
    added = difference.new
    given: Record = plan.record["acknowledgements"]
    concerned, former, others = await asyncio.gather(
        _concerned(info, [*then.nodes, *added]),
        _concerned(info, then.nodes) if added else _no_teams(),
        reader.nodes(sorted(given)),
    )
    known = {each["team"].urn for each in (former if added else concerned).teams}
    teams = [_team(each["team"], each["reasons"], each["team"].urn not in known, given) for each in concerned.teams]
    concerned_ids = {each["team"].urn for each in concerned.teams}
    teams += [_team(row, (), False, given) for row in others if row is not None and row.urn not in concerned_ids]  # noqa: FBT003 - a column of the source
    missing = concerned_ids - given.keys()
    has_all_teams = concerned.complete and former.complete
    is_complete = has_all_teams and all(each.completeness.state == COMPLETE for each in (then, now))
    deadline = plan.record.get("deadline")
    state = plan_state(
        closed=plan.record["state"] == ChangePlanState.CLOSED.name,
        missing=missing,
        decisions=[each["decision"] for each in given.values()],
        complete=is_complete,
        overdue=deadline is not None and deadline <= info.context.now(),
    )
    return {
        "state": state.name,
        "teams": teams,
        "waiting": len(missing),
        "complete": is_complete,
        "added": difference.added,
        "removed": difference.removed,
        "walked": sum(len(each.nodes) + each.followed for each in (then, now)),
        "cut": not has_all_teams or any(each.completeness.is_cut for each in (then, now)),
    }


@dataclass(frozen=True, slots=True)
class ImpactDifference:
    """What two impacts differ in: the nodes that the second has alone, roots included, and numbers of affected assets.

    ``added`` is the number of those that only the second has, ``removed`` of those that only the first has.
    """

    new: Sequence[ReachedNode]
    added: int
    removed: int


def impact_difference(then: Sequence[ReachedNode], now: Sequence[ReachedNode]) -> ImpactDifference:
    """Return what the nodes of two walks differ in."""
    shown = {node.row.urn for node in then}
    before, after = ({node.row.urn for node in nodes if node.depth} for nodes in (then, now))
    new = [node for node in now if node.row.urn not in shown]
    return ImpactDifference(new, len(after - before), len(before - after))


async def _concerned(info: Info, nodes: Sequence[ReachedNode]) -> ConcernedTeams:
    return await impacted_teams(info, nodes, None, span_of(info, DAYS))


async def _no_teams() -> ConcernedTeams:
    return ConcernedTeams([], complete=True)


def _team(team: Row, reasons: Iterable[str], is_new: bool, given: Record) -> JsonObject:  # noqa: FBT001 - a column of the source
    return {"team": team, "reasons": [*reasons], "isNew": is_new, "acknowledgement": given.get(team.urn)}
