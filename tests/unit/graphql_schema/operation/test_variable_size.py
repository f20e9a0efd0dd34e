"""The size of variables, counted by hand, and the limits on it."""

from typing import Any

import pytest
from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, build_schema, parse
from strawberry.types import ExecutionResult

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.operation.limits import Breach, DocumentLimits
from graphql_schema.operation.variable_size import PART_SIZE, variable_breaches, variable_size
from graphql_schema.schema import build_schema as built

SMALL = build_schema(
    "input F { a: Int b: [F!] c: F } type Query { x(f: F, n: [Int!], t: [String!]): Int } "
    "type Mutation { y(f: F): Int }"
)


def operation(text: str) -> OperationDefinitionNode:
    """Return the only operation of a document."""
    [found] = parse(text).definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


def alone(found: OperationDefinitionNode) -> DocumentNode:
    """Return the document that has only this operation."""
    return DocumentNode(definitions=(found,))


def breaches_of(*arguments: Any) -> list[Breach]:
    """Return the exceeded limits, found without a pause."""
    return run_at_once(variable_breaches(*arguments))


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 1),
        ({}, 1 + 3),
        ({"a": 1}, 1 + 3 + 1),
        ({"b": [{}, {}]}, 1 + 3 + 1 + 1 + 2 + 2 * (1 + 3)),
        ({"unknown": {"deep": {}}}, 1 + 3 + 1),
        ([1, 2], 1),
    ],
)
def test_an_object_counts_the_fields_of_its_type(value: object, size: int) -> None:
    """Each element counts 1, an object also its fields and those of its type; unknown fields are not followed."""
    assert variable_size(SMALL, operation("query ($f: F) { x(f: $f) }"), {"f": value}, 1_000).size == size


@pytest.mark.parametrize(("undeclared", "size"), [(7, 1), ({}, 1), ({"a": [1, {"b": 2}]}, 1 + 1 + 2 + 1)])
def test_a_variable_that_is_not_declared_counts(undeclared: object, size: int) -> None:
    """Each element of it counts 1, because no input type says which of them would be coerced."""
    given = {"f": None, "g": undeclared}
    assert variable_size(SMALL, operation("query ($f: F) { x(f: $f) }"), given, 1_000).size == 1 + size


def test_a_variable_that_is_declared_again_counts_once() -> None:
    """Hundreds of equal declarations in a short document do not measure one long list hundreds of times."""
    repeated = operation("query (" + "$n: [[Int]] " * 300 + ") { x(n: $n) }")
    assert variable_size(SMALL, repeated, {"n": [[], [], []]}, 1_000).size == 1 + 3 + 3


def test_counting_stops_above_the_maximum() -> None:
    """A value far above the limit is not visited completely: the size is only just above the limit."""
    many: dict[str, object] = {"b": [{"b": [{}] * 10}] * 10}
    size = variable_size(SMALL, operation("query ($f: F) { x(f: $f) }"), {"f": many}, 50).size
    assert 50 < size < 120


def test_a_mutation_may_have_larger_variables() -> None:
    """The same value is refused for a query and accepted for a mutation, which registers many assets at once."""
    limits = DocumentLimits(query_variables=50, mutation_variables=100)
    value: dict[str, object] = {"f": {"b": [{}] * 10}}
    query, mutation = operation("query ($f: F) { x(f: $f) }"), operation("mutation ($f: F) { y(f: $f) }")
    [breach] = breaches_of(SMALL, query, value, limits, alone(query))
    assert (breach.limit, breach.maximum) == ("variables", 50)
    assert breaches_of(SMALL, mutation, value, limits, alone(mutation)) == []


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ("f: $f", None),
        ("f: {b: [$f]}", None),
        ("f: {b: [$f, $f, {c: $f, b: [$f, $f, $f]}]}", 6 * 16),
        ("f: {b: [$f, $f, $f, $f, $f]}, n: $n", 5 * 16),
    ],
)
@pytest.mark.parametrize("place", ["x(%s)", "... { a: x(%s) }", "...P } fragment P on Query { x(%s)"])
def test_an_argument_counts_each_use_of_a_variable(arguments: str, size: int | None, place: str) -> None:
    """A literal with a variable many times is refused, wherever it is; one that has it once or twice is not."""
    document = parse("query ($f: F, $n: [Int!]) { " + place % arguments + " }")
    query = document.definitions[0]
    assert isinstance(query, OperationDefinitionNode)
    limits = DocumentLimits(query_variables=48)
    found = breaches_of(SMALL, query, {"f": {"b": [{}, {}]}, "n": [1]}, limits, document)
    assert [(each.limit, each.actual) for each in found] == ([] if size is None else [("variables", size)])


def test_a_default_counts_like_a_value() -> None:
    """An absent variable counts as its default, and one that is given, null included, as what is given."""
    query = operation("query ($f: F = {b: [{}, {}]}) { x(f: $f) }")
    given: list[dict[str, object]] = [{}, {"f": None}, {"f": {"b": [{}, {}]}}]
    assert [variable_size(SMALL, query, each, 1_000).size for each in given] == [16, 1, 16]


def test_variables_that_are_not_declared_are_refused() -> None:
    """The operation would be refused with the same value in a declared variable."""
    limits = DocumentLimits(query_variables=50)
    query = operation("query { x }")
    [breach] = breaches_of(SMALL, query, {"g": [0] * 60}, limits, alone(query))
    assert (breach.limit, breach.maximum) == ("variables", 50)


@pytest.mark.parametrize("value", [{"t": ["x", "y" * 11]}, {"t": "y" * 11}, {"f": {"a": "y" * 11}}], ids=str)
def test_a_long_text_is_refused(value: dict[str, object]) -> None:
    """The longest text counts, wherever it is, because a resolver visits it at once, and for each object again."""
    query = operation("query ($t: [String!], $f: F) { x(t: $t, f: $f) }")
    [breach] = breaches_of(SMALL, query, value, DocumentLimits(text=10), alone(query))
    assert (breach.limit, breach.actual, breach.maximum) == ("text", 11, 10)
    assert breaches_of(SMALL, query, value, DocumentLimits(text=11), alone(query)) == []


@pytest.mark.parametrize("value", [{"b" * 11: 1}, {"c": {"\u00e9" * 11: None}}, {"b": [{"a": 1}, {"b" * 11: {}}]}])
def test_the_name_of_a_field_counts_as_a_text(value: object) -> None:
    """For an unknown one graphql-core looks for similar names: one of 4 million letters held the loop for 0.12 s."""
    found = operation("query ($f: F) { x(f: $f) }")
    limits = DocumentLimits(text=10)
    (breach,) = breaches_of(SMALL, found, {"f": value}, limits, alone(found))
    assert (breach.limit, breach.actual, breach.maximum) == ("text", 11, 10)


def test_many_long_texts_are_refused_in_a_query() -> None:
    """All texts count together, because a filter is made of them at once; a mutation may have as many as its body."""
    value: dict[str, object] = {"t": ["x" * 4, "x" * 4], "f": {"a": "x" * 3}}
    limits, selected = DocumentLimits(query_characters=10), "query ($t: [String!], $f: F) { x(t: $t, f: $f) }"
    [breach] = breaches_of(SMALL, operation(selected), value, limits, alone(operation(selected)))
    assert (breach.limit, breach.actual, breach.maximum) == ("texts", 11, 10)
    assert "Send fewer" in breach.message
    assert not breaches_of(SMALL, operation(selected), {**value, "f": {}}, limits, alone(operation(selected)))
    mutation = operation("mutation ($f: F) { y(f: $f) }")
    assert not breaches_of(SMALL, mutation, {"f": {"a": "x" * 11}}, limits, alone(mutation))


def test_a_long_list_is_refused() -> None:
    """The longest list counts, at any depth, apart from the number of all elements."""
    limits = DocumentLimits(list_elements=10)
    value: dict[str, object] = {"f": {"b": [{"b": [{}] * 11}, {}]}}
    mutation = operation("mutation ($f: F) { y(f: $f) }")
    [breach] = breaches_of(SMALL, mutation, value, limits, alone(mutation))
    assert (breach.limit, breach.actual, breach.maximum) == ("list", 11, 10)
    value = {"f": {"b": [{"b": [{}] * 10}] * 10}}
    assert breaches_of(SMALL, mutation, value, limits, alone(mutation)) == []


def test_a_large_variable_is_counted_in_parts() -> None:
    """Others have turns while 9,000 lists and objects are counted: each part ends after PART_SIZE and one more."""
    mutation, value = operation("mutation ($f: F) { y(f: $f) }"), {"f": {"b": [{"b": [{"a": 1}]}] * 3_000}}
    size = variable_size(SMALL, mutation, value, 250_000).size
    steps = variable_breaches(SMALL, mutation, value, DocumentLimits(), alone(mutation))
    assert sum(1 for _ in steps) > (size - 3_000) // (PART_SIZE + 10)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """Return the schema of the API."""
    return built().core


def test_a_thousand_registrations_pass(schema: GraphQLSchema) -> None:
    """A bulk of 1,000 model versions with five edges, five metrics and 20 parameters each is within the limit."""
    item = {
        "modelVersion": {
            "id": "mlg://model-version/git/default/m@1",
            "trainedOn": ["mlg://dataset/git/default/d"] * 5,
            "metrics": [{"name": "auc", "value": 0.9}] * 5,
            "params": [{"key": "depth", "value": "7"}] * 20,
        }
    }
    bulk = operation("mutation ($i: RegisterAssetsInput!) { registerAssets(input: $i) { created } }")
    assert breaches_of(schema, bulk, {"i": {"items": [item] * 1_000}}, DocumentLimits(), alone(bulk)) == []


async def test_many_empty_filters_are_refused() -> None:
    """A filter of 3,000 empty alternatives is refused before its coercion, which would visit every field of each."""
    text = "query ($f: AssetFilter) { assets(filter: $f) { nodes { id } } }"
    result = await built().execute(text, variable_values={"f": {"or": [{}] * 3_000}})
    assert isinstance(result, ExecutionResult)
    [error] = result.errors or []
    assert error.extensions is not None
    assert (error.extensions["code"], error.extensions["limit"]) == ("LIMIT_EXCEEDED", "variables")
