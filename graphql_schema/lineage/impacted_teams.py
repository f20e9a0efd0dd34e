"""Teams that a change concerns: those that own, use or are on call for what an impact contains."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Sequence
from enum import Enum
from typing import Annotated, NamedTuple

import strawberry

from graphql_schema.catalog.enums import OwnershipKind, value
from graphql_schema.catalog.relations import MEMBER_OF
from graphql_schema.catalog.urn import slug_of
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import TeamRef
from graphql_schema.governance.ownership import ownership_of
from graphql_schema.ports.lineage_query import ReachedNode
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ALL_IN_PARTS, related
from graphql_schema.ports.row import Row
from graphql_schema.usage.asset_usage import MANY_MONTHS, MONTHS, Month, Span, months_of, used_days

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


class ConcernedTeams(NamedTuple):
    """Sources of :class:`ImpactedTeam` objects.

    ``complete`` is false if usage or owners of some assets were left out, because they are too many to read.
    """

    teams: Sequence[JsonObject]
    complete: bool


class _Found(NamedTuple):
    """Teams that one reason concerns, also several times, and whether all were read."""

    rows: Sequence[Row]
    complete: bool = True


async def impacted_teams(
    info: Info, nodes: Sequence[ReachedNode], wanted: Sequence[ImpactReason] | None, span: Span
) -> ConcernedTeams:
    """Return the teams that a change concerns, by number of assets, most first, then by id.

    ``nodes`` are those of the walk, with the roots at depth 0; ``span`` are the days whose usage counts.
    """
    budget = info.context.budget
    await budget.pause()
    affected = [node.row for node in nodes if node.depth]
    owned = await _owner_teams(budget, affected)
    reading = {
        ImpactReason.OWNS: lambda: _owning(info, owned),
        ImpactReason.USES: lambda: _using(info, [node.row for node in nodes], span),
        ImpactReason.ONCALL: lambda: _on_call(info, affected),
    }
    reasons = [reason for reason in ImpactReason if not wanted or reason in wanted]
    found = await asyncio.gather(*(reading[reason]() for reason in reasons))
    rows = {team.urn: team for each in found for team in each.rows}
    applying = defaultdict[str, list[str]](list)
    for reason, each in zip(reasons, found, strict=True):
        for urn in {team.urn for team in each.rows}:
            applying[urn].append(reason.name)
    shown: list[JsonObject] = [
        {"team": team, "assets": owned[urn], "reasons": applying[urn]} for urn, team in rows.items()
    ]
    ordered = sorted(shown, key=lambda each: (-each["assets"], each["team"].urn))
    return ConcernedTeams(ordered, all(each.complete for each in found))


async def _owner_teams(budget: OperationBudget, assets: Iterable[Row]) -> Counter[str]:
    """Return the number of assets of each team that is the visible owner of some, by its id."""
    owners = Counter[str]()
    async for row in budget.in_turns(assets):
        owners[row.visible_value("ownerTeam") or ""] += 1
    return Counter({urn: number for urn, number in owners.items() if urn and slug_of(urn) == "team"})


async def _known(info: Info, urns: Iterable[str]) -> list[Row]:
    """Return the visible ones of some teams."""
    return _visible(await info.context.reader.nodes(sorted(urns)))


async def _owning(info: Info, urns: Iterable[str]) -> _Found:
    return _Found(await _known(info, urns))


async def _using(info: Info, assets: Iterable[Row], span: Span) -> _Found:
    """Return the visible teams that used assets within a span, themselves or through members and services."""
    budget = info.context.budget
    used = [row async for row in budget.in_turns(assets) if row.reads("usage")]
    months = await months_of(info, used, MONTHS, span)
    urns = await run_in_parts(_users(months.records, span), is_long=len(months.records) > MANY_MONTHS)
    consumers = _visible(await info.context.reader.nodes(urns, constant_time=True))
    services = [row for row in consumers if row.kind == "Service" and not row.deleted]
    users = [row for row in consumers if row.kind == "User"]
    serving = await _owner_teams(budget, services)
    joined = info.context.reader.related_to_all(users, TEAMS, ALL_IN_PARTS)
    owners, memberships = await asyncio.gather(_known(info, serving), joined)
    members = {item.row.urn: item.row async for each in budget.in_turns(memberships) for item in each.items}
    teams = [row for row in consumers if row.kind == "Team"]
    is_complete = months.complete and not any(each.has_next for each in memberships)
    return _Found([*teams, *owners, *members.values()], is_complete)


def _users(months: Iterable[Month], span: Span) -> Generator[None, None, list[str]]:
    """Return the ids of the consumers with usage within a span, each once; pauses after each month."""
    found: dict[str, None] = {}
    for month in months:
        if month["consumer"] not in found and used_days(month["days"], span):
            found[month["consumer"]] = None
        yield
    return [*found]


async def _on_call(info: Info, assets: Iterable[Row]) -> _Found:
    """Return the visible teams that own assets as ONCALL, directly or inherited."""
    budget = info.context.budget
    shown = defaultdict[str, list[Row]](list)
    async for row in budget.in_turns(assets):
        if row.reads("owners"):
            shown[row.kind].append(row)
    together = info.context.reader.related_to_all
    reads = (together(rows, ownership_of(kind, inherited=True), ALL_IN_PARTS) for kind, rows in shown.items())
    pages = [page for found in await asyncio.gather(*reads) for page in found]
    teams = {  # each once: a hundred teams of a domain may own ten thousand assets
        item.row.urn: item.row
        async for found in budget.in_turns(pages)
        for item in found.items
        if item.row.kind == "Team" and OwnershipKind.ONCALL.name in (item.edge or {}).get("kinds", ())
    }
    return _Found([*teams.values()], not any(each.has_next for each in pages))


def _visible(rows: Iterable[Row | None]) -> list[Row]:
    return [row for row in rows if row is not None]
