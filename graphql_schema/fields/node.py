"""The interface Node, and the type of a row."""

import strawberry

from graphql_schema.fields.field import stored_field
from graphql_schema.ports.row import Row


def type_of(source: Row, *_: object) -> str:
    """The GraphQL type of a row: the name of its kind."""
    return source.kind


@strawberry.interface(description="Anything that has an id.")
class Node:
    """Anything that has an id."""

    id: strawberry.ID = stored_field("The URN: stable, loggable, writable by hand.")

    resolve_type = staticmethod(type_of)
