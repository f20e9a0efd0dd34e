"""Usage by team: usage of the assets that a team owns, and consumption by a team of any assets."""

import asyncio
from collections.abc import Generator, Iterable, Sequence

import strawberry

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.catalog.relations import MEMBER_OF, USED_BY
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField
from graphql_schema.governance.owned_assets import all_owned
from graphql_schema.governance.subteams import IncludeSubteams, with_subteams
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ALL, newest_first, related
from graphql_schema.ports.row import Row
from graphql_schema.usage.asset_usage import (
    MANY_MONTHS,
    MONTHS,
    Days,
    From,
    Month,
    Months,
    Span,
    To,
    added_up_in_turn,
    consumers_of,
    months_of,
    span_of,
)

USES = newest_first(USED_BY.into("UsageMonth"))
"""From a consumer to its usage records, newest month first."""

MEMBERS = related(MEMBER_OF.into("User"))
"""From a team to its members."""


async def _usage(
    root: Parent,
    info: Info,
    days: Days = 30,
    include_subteams: IncludeSubteams = False,
    from_: From = None,
    to: To = None,
) -> Resolved:
    span, inclusive = span_of(info, days, from_, to), bool(include_subteams)
    return await info.context.once(
        ("usage of assets", root.vid, span, inclusive), lambda: _usage_of_assets(root, info, span, inclusive=inclusive)
    )


team_usage: SchemaField = strawberry.field(
    description="Usage of the assets that the team owns, without deleted ones, by all consumers. Only assets whose "
    "usage the viewer may see, and consumers visible to the viewer, count. Assets with another `ownerTeam` may "
    "be left out if there are more than 10,000, or they are too large to read; `complete` is then false.",
    resolver=_usage,
)


async def _consumption(
    root: Parent,
    info: Info,
    days: Days = 30,
    include_subteams: IncludeSubteams = False,
    from_: From = None,
    to: To = None,
) -> Resolved:
    span, inclusive = span_of(info, days, from_, to), bool(include_subteams)
    return await info.context.once(
        ("consumption", root.vid, span, inclusive), lambda: _usage_by_consumers(root, info, span, inclusive=inclusive)
    )


team_consumption: SchemaField = strawberry.field(
    description="Usage of any asset by the team, its members and the services it owns, without deleted services. Only "
    "assets whose usage the viewer may see, and services visible to the viewer, count.",
    resolver=_consumption,
)


async def _usage_of_assets(root: Row, info: Info, span: Span, *, inclusive: bool) -> JsonObject:
    """Return the source of the usage of what a team owns, and with ``inclusive`` what its sub-teams own."""
    context = info.context
    teams = await with_subteams(root, info, inclusive)
    owned = await all_owned(info, [team.urn for team in teams], "usage")
    months = await months_of(info, owned.rows, MONTHS, span)
    known = await consumers_of(info, months)
    counted = months._replace(complete=months.complete and owned.complete)
    return await added_up_in_turn(context.budget, counted, known, span, (root.urn, "usage", inclusive))


async def _usage_by_consumers(root: Row, info: Info, span: Span, *, inclusive: bool) -> JsonObject:
    """Return the source of the consumption of a team, and with ``inclusive`` of its sub-teams."""
    context = info.context
    consumers, complete = await _consumers(info, await with_subteams(root, info, inclusive))
    months = await months_of(info, consumers, USES, span)
    is_long = len(months.records) > MANY_MONTHS
    await context.budget.pause()
    urns = await run_in_parts(_used(months.records), is_long=is_long, between=context.budget.check)
    found = await context.reader.nodes(urns, constant_time=True)
    await context.budget.pause()
    shown = await run_in_parts(_shown(months.records, found), is_long=is_long, between=context.budget.check)
    known = Months(shown, months.complete and complete)
    return await added_up_in_turn(context.budget, known, consumers, span, (root.urn, "consumption", inclusive))


def _used(months: Iterable[Month]) -> Generator[None, None, list[str]]:
    """Return the ids of the assets of usage records, each once; pauses after each record."""
    found: dict[str, None] = {}
    for month in months:
        found |= dict.fromkeys(month["subjects"])
        yield
    return [*found]


def _shown(months: Iterable[Month], assets: Iterable[Row | None]) -> Generator[None, None, list[Month]]:
    """Return the usage records of those assets whose usage the viewer may see; pauses after each asset and record."""
    visible = set[str]()
    for row in assets:
        if row is not None and row.reads("usage"):
            visible.add(row.urn)
        yield
    found: list[Month] = []
    for month in months:
        if not visible.isdisjoint(month["subjects"]):
            found.append(month)
        yield
    return found


async def _consumers(info: Info, teams: Sequence[Row]) -> tuple[list[Row], bool]:
    """Return the teams, their members and the visible services that they own, each once, and whether that is all."""
    services = all_owned(info, [team.urn for team in teams], kind=AssetKind["SERVICE"])
    members = asyncio.gather(*(info.context.reader.related(team, MEMBERS, ALL) for team in teams))
    owned, slices = await asyncio.gather(services, members)
    people = [item.row for each in slices for item in each.items]
    return list({row.vid: row for row in (*teams, *people, *owned.rows)}.values()), owned.complete
