"""Fields that are read from a stored record, and their metadata."""

from typing import Any

import strawberry

Parent = strawberry.Parent[Any]
"""The source of a resolver: a :class:`~graphql_schema.ports.row.Row`."""


INPUTS = "inputs"
"""Metadata key of a field: the fields that its value depends on."""


def stored_field(description: str) -> Any:
    """Return a field that reads the record value of the same GraphQL name."""
    return strawberry.field(description=description)


def depends_on(*inputs: str) -> dict[str, Any]:
    """Return field metadata that names what the value depends on: ``Type.field``, or a field of the same type.

    The label of the field must not be weaker than the labels of these fields; start-up checks it.
    """
    return {INPUTS: lambda _kind: inputs}
