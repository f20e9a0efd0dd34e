"""A team with all that are a part of it, at any depth: what its lists mean by its sub-teams."""

import asyncio
from typing import Annotated

import strawberry

from graphql_schema.catalog.relations import PART_OF
from graphql_schema.fields.context import Info
from graphql_schema.ports.relation_query import ALL, related
from graphql_schema.ports.row import Row
from policies.errors import LimitError

MAX_SUBTEAMS = 250
"""Teams that one field looks at together."""

LEVELS = 4
"""How far down one request looks."""

SUBTEAMS = related(*((PART_OF.into("Team"),) * depth for depth in range(1, LEVELS + 1)))
"""From a team to those that are a part of it, so many levels down; the path of a row is its least depth, from 0."""

IncludeSubteams = Annotated[
    bool | None, strawberry.argument(description="Whether those of its sub-teams count, at any depth.")
]


async def with_subteams(root: Row, info: Info, include: bool | None) -> list[Row]:  # noqa: FBT001 - an argument's value
    """The team and, if they are wanted, those below it, each once, whatever circles they form.

    One request for every :data:`LEVELS` levels. Raises LimitError where there are more than :data:`MAX_SUBTEAMS`.
    """
    teams = {root.vid: root}
    lowest = [root] if include else []
    while lowest:
        slices = await asyncio.gather(*(info.context.reader.related(team, SUBTEAMS, ALL) for team in lowest))
        found = [item for each in slices for item in each.items if item.row.vid not in teams]
        teams |= {item.row.vid: item.row for item in found}
        if len(teams) > MAX_SUBTEAMS:
            raise LimitError(
                f"{root.urn} has more than {MAX_SUBTEAMS - 1} sub-teams; ask for one of them at a time.",
                limit=MAX_SUBTEAMS,
            )
        lowest = list({item.row.vid: item.row for item in found if item.path == LEVELS - 1}.values())
    return list(teams.values())
