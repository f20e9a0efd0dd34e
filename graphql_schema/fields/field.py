"""Fields that are read from a stored record, and their metadata."""

from typing import Any, TypeAlias

import strawberry

from graphql_schema.ports.record import JsonObject

Parent = strawberry.Parent[Any]
"""The source of a resolver: a :class:`~graphql_schema.ports.row.Row`, or the value of the parent field."""

Parents = strawberry.Parent[Any]
"""The sources of a resolver for all of them (:data:`FOR_ALL`): a list of what :data:`Parent` is."""

Resolved: TypeAlias = Any
"""The value of a field before its subfields are read, such as a row, a masked record or a dictionary.

Strawberry derives the GraphQL type of a field from the annotation of its class, not from that of the resolver.
"""

ResolvedForAll: TypeAlias = Any
"""The values of a field for all its sources: a list of :data:`Resolved` in the order of the sources."""

SchemaField: TypeAlias = Any
"""A field of a GraphQL type, as its class declares it. The annotation there is the GraphQL type of the field."""


INPUTS = "inputs"
"""Metadata key of a function: from the name of a type to the fields that the value of the field depends on."""

FOR_ALL = "forAll"
"""Metadata key that is true if the resolver of a field takes the list of all sources, and returns a value for each."""


LISTING = "listing"
"""Metadata key that is true if a field below an object reads a listing of the graph from the index of the store."""


def stored_field(description: str) -> SchemaField:
    """Return a field without a resolver: it reads the value of its name from its source, such as a record."""
    return strawberry.field(description=description)


def depends_on(*inputs: str) -> JsonObject:
    """Return field metadata that names the fields that a value depends on: ``Type.field``, or a field of the same type.

    The label of the field must not be weaker than the labels of these fields; start-up checks it.
    """
    return {INPUTS: lambda _kind: inputs}


def resolved_for_all(*inputs: str) -> JsonObject:
    """Return the metadata of :func:`depends_on` for a field whose resolver takes the list of all sources."""
    return {**depends_on(*inputs), FOR_ALL: True}
