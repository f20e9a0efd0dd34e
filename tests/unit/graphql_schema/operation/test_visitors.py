"""graphql-core's visitors are freed when a document was visited, and not by the garbage collector."""

import gc
from collections.abc import Iterator

import pytest
from graphql import build_schema, validate
from graphql.language import Visitor

from graphql_schema.operation.input_validation import VALIDATION_RULES
from graphql_schema.operation.parsed_documents import parsed
from graphql_schema.operation.visitors import freed_visitors

SCHEMA = build_schema("type Query { a(b: Int!): Query, c: [String!] }")


@pytest.fixture(autouse=True)
def without_collections() -> Iterator[None]:
    """Collect no garbage but what a test collects."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def visitors() -> int:
    """Return the number of visitors in memory."""
    return sum(isinstance(each, Visitor) for each in gc.get_objects())


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("query A($v: Int!) { a(b: $v) { ...f } } fragment f on Query { c }", 0),
        ("query A($v: Int, $w: Int) { a(b: $v) { ...f d } } fragment f on Query { c { e } }", 4),
    ],
    ids=["valid", "invalid"],
)
def test_a_validation_leaves_no_visitor(text: str, errors: int) -> None:
    """Neither the rules nor the visitors that graphql-core makes for them outlive it; without this they would."""
    before, document = visitors(), parsed(text, 100)
    with freed_visitors():
        assert len(validate(SCHEMA, document, VALIDATION_RULES)) == errors
        assert visitors() > before
    assert visitors() == before
    validate(SCHEMA, document, VALIDATION_RULES)
    assert visitors() > before


def test_visitors_are_freed_after_an_error() -> None:
    """A visitor that was made before the error is freed as well."""
    before = visitors()

    def fail() -> None:
        with freed_visitors():
            Visitor().get_enter_leave_for_kind("field")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert visitors() == before
