"""Teams by the names that people type."""

from collections.abc import Callable
from typing import Final

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.urn import make_urn, parse_urn
from graphql_schema.fields.context import Info
from graphql_schema.inputs.values import MAX_NAME_LENGTH
from graphql_schema.ports.conditions import All, In, ListingQuery
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import Row
from graphql_schema.rules.words import title
from policies.errors import InvalidError

_SOURCE: Final = ("catalog", "default")
"""Source and namespace that are searched first for a team with a name."""

MAX_CANDIDATES: Final = 100
"""Maximal number of teams that are compared; if more have the name, that is an error."""


async def team_named(info: Info, name: str) -> Row | None:
    """Return the team with a name; None if there is none.

    These are tried in this order, until a team is found:

    - the exact name in the source `catalog` and namespace `default`;
    - that name in any case, in the same source and namespace;
    - the name or display name of a team of any source, in any case.

    Raises InvalidError if several teams are found, or if the name is empty or longer than names are.
    """
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidError(f"`name` has {len(name)} characters; names have at most {MAX_NAME_LENGTH}.")
    exact = await info.context.reader.node(make_urn("team", *_SOURCE, name))
    if exact is not None:
        return exact
    listing = ListingQuery(All((In("kind", (KINDS["Team"].code,)), In("titles", (title(name),)))))
    found = await info.context.reader.listing(listing, PageRequest(MAX_CANDIDATES))
    if found.has_next:
        raise InvalidError(f"`name` {name!r} fits too many teams; give the `id` of one of them.")
    rows = [item.row for item in found.items]
    for accepts in (_of_catalog(name), _of_any_source(name)):
        teams = [row for row in rows if accepts(row)]
        if len(teams) > 1:
            ids = ", ".join(row.urn for row in teams[:10])
            raise InvalidError(f"`name` {name!r} fits several teams; give the `id` of one of them: {ids}.")
        if teams:
            return teams[0]
    return None


def _of_catalog(name: str) -> Callable[[Row], bool]:
    """Return a test for teams in the source `catalog` and namespace `default` that have the name, in any case."""
    return lambda row: _source(row) == _SOURCE and _equal(row, "name", name)


def _of_any_source(name: str) -> Callable[[Row], bool]:
    """Return a test for teams that have the name or display name, in any case."""
    return lambda row: _equal(row, "name", name) or _equal(row, "displayName", name)


def _equal(row: Row, field: str, name: str) -> bool:
    return str(row.record[field]).casefold() == name.casefold()


def _source(row: Row) -> tuple[str, str]:
    parts = parse_urn(row.urn)
    return parts.source, parts.namespace
