"""Fields that are read from a stored record, and their metadata."""

from typing import Any

import strawberry

Parent = strawberry.Parent[Any]
"""The source of a resolver: a :class:`~graphql_schema.ports.row.Row`."""


INPUTS = "inputs"
"""The key of a field's metadata that says what its value is made from."""


def stored_field(description: str) -> Any:
    """A property of the record, stored under the field's GraphQL name."""
    return strawberry.field(description=description)


def depends_on(*inputs: str) -> dict[str, Any]:
    """The metadata of a field that says what it is made from: ``Type.field``, or a field of the same type.

    The policy's labels may not hold the field less closely than these.
    """
    return {INPUTS: lambda _kind: inputs}
