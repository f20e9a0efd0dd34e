"""Fields that are read from a stored record, and their metadata."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import strawberry

from graphql_schema.ports.record import JsonObject

Parent = strawberry.Parent[Any]
"""The source of a resolver: a :class:`~graphql_schema.ports.row.Row`, or the value of the parent field."""

Resolved: TypeAlias = Any
"""The value of a field before its subfields are read, such as a row, a masked record or a dictionary.

Strawberry derives the GraphQL type of a field from the annotation of its class, not from that of the resolver.
"""

SchemaField: TypeAlias = Any
"""A field of a GraphQL type, as its class declares it. The annotation there is the GraphQL type of the field."""


INPUTS = "inputs"
"""Metadata key of a function: from the name of a type to the fields that the value of the field depends on."""

VECTOR = "vector"
"""Metadata key of a resolver for many sources at once (:data:`VectorResolver`)."""

VectorResolver: TypeAlias = Callable[..., Awaitable[list[Resolved]]]
"""Returns the values of a field for a list of sources, given the info and the arguments that its resolver has."""


def stored_field(description: str) -> SchemaField:
    """Return a field without a resolver: it reads the value of its name from its source, such as a record."""
    return strawberry.field(description=description)


def depends_on(*inputs: str) -> JsonObject:
    """Return field metadata that names the fields that a value depends on: ``Type.field``, or a field of the same type.

    The label of the field must not be weaker than the labels of these fields; start-up checks it.
    """
    return {INPUTS: lambda _kind: inputs}
