"""A column has the values that graphql-core gives for each of them alone, and none if one of them is an error."""

import tracemalloc
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLScalarType,
    GraphQLString,
)
from support.documents.hidden_fields import HIDDEN, hidden_estate
from support.documents.small_schema import ROOTS, red, small_schema
from support.stores.plain_reader import PlainGraph
from support.unpaused_calls import UnpausedCalls

from graphql_schema.execution import vectored_execution
from graphql_schema.execution.leaf_column import Column, StockPathError, leaf_column, text_length
from graphql_schema.fields.context import Context
from graphql_schema.ports.row import MaskedRecord
from graphql_schema.schema import GraphSchema
from policies.principal import Principal


class Colour(Enum):
    """The members of an enum."""

    RED = "r"
    BLUE = "b"


class Text(str):
    """A text that is not exactly a text."""

    __slots__ = ()


EXACT = GraphQLScalarType("Exact", serialize=str)
VOID = GraphQLScalarType("Void", serialize=lambda value: None if value == 0 else value)
BY_MEMBER = GraphQLEnumType("Colour", Colour, names_as_values=None)

GOOD: list[tuple[GraphQLLeafType, list[Any]]] = [
    (GraphQLString, ["a", "", "\u00e4"]),
    (GraphQLString, ["a", 1, True, 1.5, Text("b")]),
    (GraphQLString, [1, True, 1.0, 0, False]),
    (GraphQLID, ["a", 7, "b"]),
    (GraphQLInt, [0, -1, 2**31 - 1, -(2**31)]),
    (GraphQLInt, [True, 1, 1.0, "7", 0, False]),
    (GraphQLFloat, [0.5, -0.0, 1e308]),
    (GraphQLFloat, [1, True, 1.0, 2, "0.5"]),
    (GraphQLBoolean, [True, False, True]),
    (GraphQLBoolean, [1, 0, True, 0.0]),
    (EXACT, [Decimal("1.0"), Decimal(2)]),
    (EXACT, [[1], [1, 2], {"a": 1}]),
    (BY_MEMBER, [Colour.RED, Colour.BLUE, Colour.RED]),
    (GraphQLString, []),
]

BAD: list[tuple[GraphQLLeafType, list[Any]]] = [
    (GraphQLString, ["a", ["b"]]),
    (GraphQLString, ["a", {"b": 1}]),
    (GraphQLInt, [1, 2**31]),
    (GraphQLInt, [-(2**31) - 1]),
    (GraphQLInt, [1.5]),
    (GraphQLInt, ["x"]),
    (GraphQLFloat, [1.0, float("nan")]),
    (GraphQLFloat, [float("inf")]),
    (GraphQLFloat, ["x"]),
    (GraphQLBoolean, [True, "true"]),
    (GraphQLID, ["a", 1.5]),
    (BY_MEMBER, [Colour.RED, "GREEN"]),
    (VOID, [1, 0]),
]


def alone(type_: GraphQLLeafType, value: Any) -> Any:
    """Return what graphql-core serializes a value to."""
    return None if value is None else type_.serialize(value)


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize(("type_", "values"), GOOD)
def test_values_are_those_of_graphql_core(type_: GraphQLLeafType, values: list[Any], nulls: bool) -> None:  # noqa: FBT001 - a parameter
    """Each value has the type and value that graphql-core gives it; None stays where it is."""
    given = [each for value in values for each in (None, value)] if nulls else values
    assert repr(leaf_column(type_, given)) == repr([alone(type_, value) for value in given])


@pytest.mark.parametrize(("type_", "values"), BAD)
def test_a_wrong_value_is_an_error(type_: GraphQLLeafType, values: list[Any]) -> None:
    """A value out of the range or of another type is an error, wherever it is in the column."""
    for given in (values, values[::-1], [None, *values]):
        with pytest.raises((GraphQLError, StockPathError)):
            leaf_column(type_, given)


def test_equal_values_that_are_written_differently_stay_different() -> None:
    """Values that are equal in Python and of one type, such as decimals, have their own texts."""
    given = [Decimal("1.0"), Decimal("1.00")]
    assert leaf_column(EXACT, given) == ["1.0", "1.00"]


def test_every_leaf_of_the_schema(schema: GraphSchema) -> None:
    """Enums by name, and the scalars of the product, are converted as graphql-core converts them."""
    given: dict[str, list[Any]] = {"DateTime": [0, 1_700_000_000_000], "Date": ["2026-11-01"], "Cursor": ["abc"]}
    examined = 0
    for type_ in schema.core.type_map.values():
        if isinstance(type_, GraphQLEnumType) and not type_.name.startswith("__"):
            values: list[Any] = [*type_.values]
        elif type_.name in given:
            values = given[type_.name]
        else:
            continue
        assert isinstance(type_, GraphQLEnumType | GraphQLScalarType)
        assert repr(leaf_column(type_, values * 2)) == repr([alone(type_, value) for value in values * 2])
        examined += 1
    assert examined > 15


def test_characters_are_those_of_texts() -> None:
    """Only texts have characters; nulls, numbers and lists have none."""
    assert text_length(["ab", "", "c"]) == 3
    assert text_length(["ab", None, 7, True, ["xyz"], "c"]) == 3
    assert text_length([]) == text_length([None]) == 0


async def test_masks_of_many_objects_are_applied_in_turns(
    schema: GraphSchema, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither many objects nor many aliases of hidden fields hold the event loop, with or without resolvers."""
    graph = hidden_estate([f"m{number}" for number in range(30)])
    document = HIDDEN.replace("[MODEL]}", "[MODEL]}, first: 30")
    document = document.replace(
        "{ description ", "{ description " + " ".join(f"a{n}: description" for n in range(20)) + " ", 1
    )
    context = Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)
    monkeypatch.setattr(vectored_execution, "TURN_VALUES", 40, raising=False)
    calls = UnpausedCalls(monkeypatch)
    calls.observe(MaskedRecord, "is_shown")
    found = await schema.execute(document, context_value=context)
    assert found.errors is None
    assert graph.report.hidden["Model.description"] == 30 * (2 + 20) + 90
    assert calls.longest <= 40


async def test_leaves_of_resolvers_are_completed_in_parts(ada: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the instants of 50,000 changes, each of which is made a text."""
    graph, sizes = PlainGraph(), list[int]()

    def sized(type_: GraphQLLeafType, values: Column) -> Column:
        sizes.append(len(values))
        return leaf_column(type_, values)

    monkeypatch.setattr(vectored_execution, "leaf_column", sized)
    ROOTS[:] = [red(number) for number in range(2 * vectored_execution.TURN_VALUES + 1)]
    context = Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)
    found = await small_schema().execute("{ reds { twin { delayed } } }", context_value=context)
    assert found.data is not None
    assert [each["twin"]["delayed"] for each in found.data["reds"]] == [*range(len(ROOTS))]
    assert max(sizes) <= vectored_execution.TURN_VALUES < sum(sizes)


def test_texts_are_counted_without_a_copy() -> None:
    """A thousand objects may have the same long text: joined, that would be gigabytes in one callback."""
    column: Column = [None, *["\N{GRINNING FACE}" * 60_000] * 1_000]
    tracemalloc.start()
    try:
        assert text_length(column) == 60_000_000
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert text_length([1, "ab", None, True, ["abc"], {"a": 1}, "c"]) == 3
