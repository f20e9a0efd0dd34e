"""Coercion before execution: the values, the defaults and the errors of graphql-core, for few and many elements."""

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLInputType, build_schema, get_operation_ast, parse, print_ast
from graphql.utilities import coerce_input_value

from graphql_schema.execution import side_thread
from graphql_schema.operation import divided_coercion
from graphql_schema.operation.coerced_variables import (
    LONG_VARIABLES,
    CoercedVariables,
    coerce,
    without_variables,
)
from graphql_schema.operation.input_validation import variable_faults

SCHEMA = build_schema("type Query { x(of: [Int], by: Int = 3): Int } type Mutation { x: Int }")
TEXT = "query ($of: [Int] = 1, $by: Int, $more: Int = 7) { x(of: $of, by: $by) y: x(by: $more) }"


async def found(variables: dict[str, Any]) -> dict[str, object] | list[str]:
    """Return the coerced variables, or the messages of the errors."""
    document = parse(TEXT)
    operation = get_operation_ast(document)
    assert operation is not None
    result = await coerce(SCHEMA, document, operation, variables)
    if isinstance(result, list):
        return [error.message for error in result]
    assert result == variables
    assert isinstance(result, CoercedVariables)
    return result.coerced.coerced


@pytest.mark.parametrize("count", [1, LONG_VARIABLES + 1])
async def test_variables_have_their_values_and_defaults(count: int) -> None:
    """A default is used for an absent variable, an absent one without a default stays absent."""
    assert await found({"of": [1.0] * count}) == {"of": [1] * count, "more": 7}
    assert await found({"by": None}) == {"of": [1], "by": None, "more": 7}


@pytest.mark.parametrize("count", [2, LONG_VARIABLES + 1])
async def test_each_fault_is_an_error(count: int) -> None:
    """The message has the argument and the index, also beyond the first fault."""
    messages = await found({"of": ["a"] * count})
    assert isinstance(messages, list)
    assert messages[:2] == [f'`of[{index}]` is `"a"`, which is no `Int`; {NUMBER}' for index in range(2)]
    assert len(messages) == min(count, 25)


async def test_an_error_between_two_parts_ends_the_coercion(monkeypatch: pytest.MonkeyPatch) -> None:
    """No further value is coerced for a client that has left."""
    monkeypatch.setattr(side_thread, "time", SimpleNamespace(perf_counter=count(step=0.003).__next__))
    coerced: list[object] = []

    def noted(value: object, type_: GraphQLInputType) -> object:
        coerced.append(value)
        return coerce_input_value(value, type_)

    def left() -> None:
        raise ValueError("left")

    monkeypatch.setattr(divided_coercion, "coerce_input_value", noted)
    operation = get_operation_ast(document := parse(TEXT))
    assert operation is not None
    with pytest.raises(ValueError, match="left"):
        await coerce(SCHEMA, document, operation, {"of": [1] * (LONG_VARIABLES + 1)}, left)
    assert len(coerced) == 1


def test_the_faults_are_found_in_steps() -> None:
    """There is a pause after each of a thousand values without a fault."""
    operation = get_operation_ast(document := parse(TEXT))
    assert operation is not None
    steps = variable_faults(SCHEMA, document, operation, {"of": [1] * 1_000 + ["a"]})
    assert sum(1 for _ in steps) == 1_001


NUMBER = "give a whole number from -2147483648 to 2147483647."


def test_a_document_without_variables_is_the_same_apart_from_them() -> None:
    """Names, directives, selections and fragments stay."""
    text = "query A($n: Int) @d { x(by: $n) ...F } mutation B { x } fragment F on Query { x }"
    expected = text.replace("($n: Int)", "")
    assert print_ast(without_variables(parse(text))) == print_ast(parse(expected))
