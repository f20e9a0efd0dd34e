"""Declarations of relation fields: a relation query as data, read by a generic resolver."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import strawberry

from graphql_schema.fields.connection import After, ConnectionSource, First, Shape, page_request_of, row_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parents, Resolved, SchemaField, resolved_for_all
from graphql_schema.ports.conditions import In
from graphql_schema.ports.relation_query import (
    ALL,
    ONE,
    REGISTERED,
    ItemFilter,
    PageRequest,
    RelationQuery,
    RowFilter,
)
from graphql_schema.ports.row import PageItem, Row

ActiveOnly = Annotated[
    bool | None, strawberry.argument(description="Whether to return only deployments with the status ACTIVE.")
]

IncludeStubs = Annotated[
    bool | None,
    strawberry.argument(
        description="Whether to list versions that were only referenced, too. If there are too many versions to read, "
        "a list without these also lacks versions that hide their `hydration`."
    ),
]

_ACTIVE = RowFilter(In("status", ("ACTIVE",)))
"""Accepts deployments whose status is ACTIVE and visible."""


def to_one(rel: RelationQuery, description: str, *inputs: str) -> SchemaField:
    """Return a field with the first row of a relation query, or null.

    ``inputs`` are further fields that the value depends on.
    """
    return _first_of(rel, ONE, description, *inputs)


def to_latest(rel: RelationQuery, description: str, *inputs: str) -> SchemaField:
    """Return a field with the first row of a relation query that :data:`REGISTERED` accepts, or null."""
    return _first_of(rel, PageRequest(first=1, keep=REGISTERED), description, *inputs)


def to_last_recorded(rel: RelationQuery, description: str) -> SchemaField:
    """Return a field with the first row of a relation query by :func:`last_recorded`, or null."""

    async def resolve(roots: Parents, info: Info) -> list[Resolved]:
        found = await info.context.reader.related_to_all(roots, rel, ALL)
        in_turns = info.context.budget.in_turns(found)
        return [min(each.items, key=last_recorded).row if each.items else None async for each in in_turns]

    return _relation_field(rel, resolve, description)


def last_recorded(item: PageItem) -> tuple[int, str]:
    """Return the sort key by which the row comes first whose edge was the last to begin, of equals the first by id.

    What counts is the instant at which the begin was recorded: structural edges begin at 0.
    """
    edge = item.edge or {}
    return -int(edge.get("opened", edge.get("validFrom", 0))), item.row.urn


def _first_of(rel: RelationQuery, page: PageRequest, description: str, *inputs: str) -> SchemaField:
    async def resolve(roots: Parents, info: Info) -> list[Resolved]:
        found = await info.context.reader.related_to_all(roots, rel, page)
        in_turns = info.context.budget.in_turns(found)
        return [each.items[0].row if each.items else None async for each in in_turns]

    return _relation_field(rel, resolve, description, *inputs)


def to_list(rel: RelationQuery, description: str) -> SchemaField:
    """Return a list field with all rows of a relation query, for relations with few rows."""

    async def resolve(roots: Parents, info: Info) -> list[Resolved]:
        budget, lists = info.context.budget, list[Resolved]()
        async for each in budget.in_turns(await info.context.reader.related_to_all(roots, rel, ALL)):
            budget.foresee_items(len(each.items))  # before the list is made: thousands of users may have all teams
            lists.append([item.row for item in each.items])
        return lists

    return _relation_field(rel, resolve, description)


def to_many(rel: RelationQuery, description: str, *, first: int = 20) -> SchemaField:
    """Return a connection field over a relation query; ``first`` is the default page size."""
    size = first

    async def resolve(roots: Parents, info: Info, first: First = size, after: After = None) -> list[Resolved]:
        return await relation_connections(roots, info, rel, size if first is None else first, after)

    return _relation_field(rel, resolve, description)


def to_versions(rel: RelationQuery, description: str) -> SchemaField:
    """Return a connection field of versions, by default of those that :data:`REGISTERED` accepts."""

    async def resolve(
        roots: Parents, info: Info, include_stubs: IncludeStubs = False, first: First = 20, after: After = None
    ) -> list[Resolved]:
        return await relation_connections(roots, info, rel, first, after, None if include_stubs else REGISTERED)

    return _relation_field(rel, resolve, description)


def to_deployments(rel: RelationQuery, description: str) -> SchemaField:
    """Return a connection field of deployments, by default of the active ones only."""

    async def resolve(
        roots: Parents, info: Info, active_only: ActiveOnly = True, first: First = 20, after: After = None
    ) -> list[Resolved]:
        return await relation_connections(roots, info, rel, first, after, _ACTIVE if active_only else None)

    return _relation_field(rel, resolve, description)


def _relation_field(
    rel: RelationQuery, resolve: Callable[..., Awaitable[list[Resolved]]], description: str, *inputs: str
) -> SchemaField:
    """Return a field whose resolver takes all sources."""
    return strawberry.field(resolver=resolve, description=description, metadata=resolved_for_all(*rel.inputs, *inputs))


async def relation_connections(
    roots: Sequence[Row],
    info: Info,
    rel: RelationQuery,
    first: int | None,
    after: str | None,
    keep: ItemFilter | None = None,
    shape: Shape = row_of,
) -> list[Resolved]:
    """Return pages of a relation query from many sources, filtered by ``keep``, as the sources of connections.

    ``shape`` returns the node of an item. Raises LimitError if ``first`` is out of range, InvalidError if ``after`` is
    no cursor of the list of each source, and the errors of the reader.
    """
    bound = [page_request_of(info, first, after, roots[0].urn, keep=keep)]  # no pause: errors keep their order
    in_turns = info.context.budget.in_turns
    bound += [page_request_of(info, first, after, root.urn, keep=keep) async for root in in_turns(roots[1:])]
    page = bound[0][0]  # a cursor belongs to one source: with `after`, several sources are an error
    found = await info.context.reader.related_to_all(roots, rel, page)
    sources = in_turns(zip(found, bound, strict=True))
    return [ConnectionSource(each, page, binding, shape) async for each, (_, binding) in sources]
