"""Teams that a change concerns: those that own, use or are on call for what an impact contains."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import OwnershipKind, value
from graphql_schema.catalog.relations import MEMBER_OF
from graphql_schema.catalog.urn import slug_of
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import TeamRef
from graphql_schema.governance.ownership import ownership_of
from graphql_schema.ports.lineage_query import ReachedNode
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ALL, PageRequest, related
from graphql_schema.ports.row import Row
from graphql_schema.usage.asset_usage import MANY_MONTHS, MONTHS, Month, Span, months_of, used_days

MAX_OWNERSHIPS = 100_000
"""Maximal number of ownership edges that one operation reads in several requests."""

TEAMS = related(MEMBER_OF.out("Team"))
"""From a user to the teams of the user."""


@strawberry.enum(description="Why a change of the roots concerns a team.")
class ImpactReason(Enum):
    """Why a change of the roots concerns a team."""

    OWNS = value("OWNS", description="The team is the `ownerTeam` of an affected asset.")
    USES = value(
        "USES",
        description="The team used an asset that the filter shows, roots included, in the requested days: itself, "
        "through a member, or through a service of which the team is the `ownerTeam`.",
    )
    ONCALL = value("ONCALL", description="The team owns an affected asset as ONCALL, directly or inherited.")


ReasonsArg = Annotated[
    list[ImpactReason] | None,
    strawberry.argument(
        description="The reasons to consider: a team is listed if one of them applies. All three if empty or absent."
    ),
]


@strawberry.type(description="A visible team that a change of the roots concerns, with the reasons.")
class ImpactedTeam:
    """A visible team that a change of the roots concerns."""

    team: TeamRef = stored_field("The team.")
    assets: int = stored_field("Number of affected assets with this owner team; 0 if only other reasons apply.")
    reasons: list[ImpactReason] = stored_field(
        "The requested reasons that apply, in the order OWNS, USES, ONCALL, as far as usage and owners are visible to "
        "the viewer."
    )


async def impacted_teams(
    info: Info, nodes: Sequence[ReachedNode], wanted: Sequence[ImpactReason] | None, span: Span
) -> list[JsonObject]:
    """Return the sources of the :class:`ImpactedTeam` objects, by number of assets, most first, then by id.

    ``nodes`` are those of the walk, with the roots at depth 0; ``span`` are the days whose usage counts. Raises
    LimitError if there are too many usage records or ownerships to read.
    """
    budget = info.context.budget
    await budget.pause()
    affected = [node.row for node in nodes if node.depth]
    owned = await _owner_teams(budget, affected)
    reading = {
        ImpactReason.OWNS: lambda: _known(info, owned),
        ImpactReason.USES: lambda: _using(info, [node.row for node in nodes], span),
        ImpactReason.ONCALL: lambda: _on_call(info, affected),
    }
    reasons = [reason for reason in ImpactReason if not wanted or reason in wanted]
    found = await asyncio.gather(*(reading[reason]() for reason in reasons))
    teams = {team.urn: team for rows in found for team in rows}
    applying = defaultdict[str, list[str]](list)
    for reason, rows in zip(reasons, found, strict=True):
        for urn in {team.urn for team in rows}:
            applying[urn].append(reason.name)
    shown = [{"team": team, "assets": owned[urn], "reasons": applying[urn]} for urn, team in teams.items()]
    return sorted(shown, key=lambda each: (-each["assets"], each["team"].urn))


async def _owner_teams(budget: OperationBudget, assets: Iterable[Row]) -> Counter[str]:
    """Return the number of assets of each team that is the visible owner of some, by its id."""
    owners = Counter[str]()
    async for row in budget.in_turns(assets):
        owners[row.visible_value("ownerTeam") or ""] += 1
    return Counter({urn: number for urn, number in owners.items() if urn and slug_of(urn) == "team"})


async def _known(info: Info, urns: Iterable[str]) -> list[Row]:
    """Return the visible ones of some teams."""
    return _visible(await info.context.reader.nodes(sorted(urns)))


async def _using(info: Info, assets: Iterable[Row], span: Span) -> list[Row]:
    """Return the visible teams that used assets within a span, themselves or through members and services."""
    budget = info.context.budget
    used = [row async for row in budget.in_turns(assets) if row.reads("usage")]
    months = await months_of(info, used, MONTHS, span)
    urns = await run_in_turn(_users, len(months) > MANY_MONTHS, months, span)
    consumers = _visible(await info.context.reader.nodes(urns, constant_time=True))
    services = [row for row in consumers if row.kind == "Service" and not row.deleted]
    users = [row for row in consumers if row.kind == "User"]
    serving = await _owner_teams(budget, services)
    joined = info.context.reader.related_to_all(users, TEAMS, ALL)
    owners, memberships = await asyncio.gather(_known(info, serving), joined)
    members = [item.row for each in memberships for item in each.items]
    return [*(row for row in consumers if row.kind == "Team"), *owners, *members]


def _users(months: Iterable[Month], span: Span) -> list[str]:
    """Return the ids of the consumers with usage within a span, each once."""
    return [*dict.fromkeys(month["consumer"] for month in months if used_days(month["days"], span))]


async def _on_call(info: Info, assets: Iterable[Row]) -> list[Row]:
    """Return the visible teams that own assets as ONCALL, directly or inherited."""
    budget = info.context.budget
    shown = defaultdict[str, list[Row]](list)
    async for row in budget.in_turns(assets):
        if row.reads("owners"):
            shown[row.kind].append(row)
    reader, page = info.context.reader, PageRequest(max_edges_in_parts=MAX_OWNERSHIPS)
    reads = (reader.related_to_all(rows, ownership_of(kind, inherited=True), page) for kind, rows in shown.items())
    pages = [page for found in await asyncio.gather(*reads) for page in found]
    return [
        item.row
        async for found in budget.in_turns(pages)
        for item in found.items
        if item.row.kind == "Team" and OwnershipKind.ONCALL.name in (item.edge or {}).get("kinds", ())
    ]


def _visible(rows: Iterable[Row | None]) -> list[Row]:
    return [row for row in rows if row is not None]
