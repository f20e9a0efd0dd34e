"""The interface Node, and the GraphQL type of a row."""

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.scalars import Instant
from graphql_schema.ports.row import Row


def type_of(source: Row, *_: object) -> str:
    """Return the GraphQL type of a row, which is the name of its kind."""
    return source.kind


def _as_of(info: Info) -> Resolved:
    """Return the read time of the operation in epoch milliseconds, None for the present."""
    return info.context.as_of


@strawberry.interface(description="An object with a global id.")
class Node:
    """An object with a global id."""

    id: strawberry.ID = stored_field(
        "The URN, which never changes. That of an asset, team, user, domain or tag is made of the parts that the "
        "source gives; those of other objects contain a hash."
    )
    as_of: Instant | None = strawberry.field(
        description="The instant at which the object was read, as given in `asOf` of the query; null for the present. "
        "With `id` the key of the object in a cache, since the present and the past share their ids.",
        resolver=_as_of,
    )

    resolve_type = staticmethod(type_of)


async def named_row(urn: str | None, info: Info) -> Row | None:
    """Return the row of an id in a record; None without an id, or if the row is not visible to the caller.

    It takes a request to the store in any case, which so discloses no hidden row.
    """
    rows = await info.context.reader.nodes([urn] if urn else [], constant_time=True)
    return rows[0] if rows else None


async def resolve_subject(root: Parent, info: Info) -> Resolved:
    """Return the subject of an attached record of a kind with one subject; None if it is not visible to the caller."""
    return await info.context.reader.node(root.record["subjects"][0])
