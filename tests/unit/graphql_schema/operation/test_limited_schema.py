"""The schema with admission: what it finds out about a document before it is executed."""

import pytest
import strawberry

from graphql_schema.operation.document_cache import ANYBODY
from graphql_schema.operation.limited_schema import OperationSchema


@strawberry.type
class Query:
    """The root of queries."""

    x: int = 1


@strawberry.type
class Mutation:
    """The root of mutations."""

    y: int = 1


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("{ x }", None, False),
        ("mutation { y }", None, True),
        ("query mutation { mutation: x }", None, False),
        ("query A { x } mutation B { y }", "A", False),
        ("query A { x } mutation B { y }", "B", True),
        ("query A { x } mutation B { y }", None, False),
        ("mutation B { y }", "C", False),
        ("mutation {", None, False),
    ],
)
async def test_the_chosen_operation_is_a_mutation_or_not(text: str, name: str | None, expected: object) -> None:
    """The operation decides, by its name if there are several; a text without it executes no mutation."""
    assert await OperationSchema(Query, Mutation).is_mutation(text, name, ANYBODY) is expected
