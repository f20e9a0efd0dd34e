"""A team with its sub-teams at any depth."""

import asyncio
from typing import Annotated

import strawberry

from graphql_schema.catalog.relations import PART_OF
from graphql_schema.fields.context import Info
from graphql_schema.ports.relation_query import ALL, related
from graphql_schema.ports.row import Row
from policies.errors import LimitError

MAX_SUBTEAMS = 250
"""Maximal number of teams that one field combines, with the team at the top."""

LEVELS = 4
"""Levels of sub-teams that one request reads."""

SUBTEAMS = related(*((PART_OF.into("Team"),) * depth for depth in range(1, LEVELS + 1)))
"""From a team to its sub-teams, LEVELS levels down; the path index of a row is its least depth minus 1."""

IncludeSubteams = Annotated[
    bool | None,
    strawberry.argument(
        description=f"Whether to include sub-teams, at any depth; an error if there are more than {MAX_SUBTEAMS - 1}."
    ),
]


async def with_subteams(root: Row, info: Info, include: bool | None) -> list[Row]:  # noqa: FBT001 - an argument's value
    """Return the team ``root`` and, with ``include``, its sub-teams, each once, even if teams form a cycle.

    Takes one request per :data:`LEVELS` levels. Raises LimitError for more than :data:`MAX_SUBTEAMS` teams.
    """
    teams = {root.vid: root}
    lowest = [root] if include else []
    while lowest:
        slices = await asyncio.gather(*(info.context.reader.related(team, SUBTEAMS, ALL) for team in lowest))
        found = [item for each in slices for item in each.items if item.row.vid not in teams]
        teams |= {item.row.vid: item.row for item in found}
        if len(teams) > MAX_SUBTEAMS:
            raise LimitError(
                f"{root.urn} has more than {MAX_SUBTEAMS - 1} sub-teams; query one of them at a time.",
                limit=MAX_SUBTEAMS,
            )
        lowest = list({item.row.vid: item.row for item in found if item.path == LEVELS - 1}.values())
    return list(teams.values())
