"""Coercion in steps: the values and refusals of graphql-core for many random values, and a pause after each value."""

import random
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, get_variable_values
from graphql.utilities import coerce_input_value
from strawberry.exceptions import StrawberryInputCoercionError

from graphql_schema import schema as api
from graphql_schema.execution.converted_values import ConvertedInput
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.operation import coerced_variables
from graphql_schema.operation import divided_coercion as module
from graphql_schema.operation.divided_coercion import MAX_DEPTH, divided_coercion

SMALL = build_schema(
    """
    enum E { A B }
    input One @oneOf { a: Int b: [Int!] c: One }
    input F { a: Int = 3 b: [F!] c: F! = {a: 1, c: {c: {c: null}}} d: [[E]!] = [A] e: String! o: One id: ID }
    input G { a: Int = 3 b: [G!] d: [[E]!] = [[A]] e: String! = "x" o: One = {a: 1} id: ID f: Boolean n: Float }
    type Query { x(g: G, e: [E], one: One, deep: G): Int }
    """
)
TEXT = "query ($g: G = {f: true}, $many: [G!]!, $e: [E] = [B], $one: One, $n: Int = 7, $b: Boolean) { x(g: $g, e: $e) }"
REAL = """mutation ($i: RegisterAssetsInput!, $f: AssetFilter, $all: [AssetFilter!], $d: DatasetInput!) {
  registerAssets(input: $i) { created } registerDataset(input: $d) { changed } }"""
SCALARS = {"Int": 3, "Float": 0.5, "Boolean": False, "DateTime": "2024-01-01T00:00:00Z"}
WRONG: tuple[Any, ...] = (None, 1, -1.5, 2**40, "x", True, [], [None], {}, {"unknown": 1})


def random_value(type_: GraphQLInputType, chance: random.Random, depth: int, wrong: float) -> object:
    """Return a value for a type; each value in it is another one in a part of the cases, ``wrong`` of 1."""
    if chance.random() < wrong:
        return chance.choice(WRONG)
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    elif chance.random() < 0.1:
        return None
    if isinstance(type_, GraphQLList):
        if chance.random() < 0.1:
            return random_value(type_.of_type, chance, depth - 1, wrong)
        return [random_value(type_.of_type, chance, depth - 1, wrong) for _ in range(chance.randrange(4))]
    if not isinstance(type_, GraphQLInputObjectType):
        texts = [*type_.values] if isinstance(type_, GraphQLEnumType) else ["text"]
        return SCALARS.get(str(type_), chance.choice(texts))
    names = [*type_.fields]
    if type_.is_one_of or type_.name == "AssetInput":
        names = chance.sample(names, 1)
    elif depth <= 0:
        names = [name for name in names if isinstance(type_.fields[name].type, GraphQLNonNull)]
    else:
        often = {name for name in names if isinstance(type_.fields[name].type, GraphQLNonNull)}
        names = [name for name in names if name in often or chance.random() < 0.2]
    return {name: random_value(type_.fields[name].type, chance, depth - 1, wrong) for name in names}


def random_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, chance: random.Random, wrong: float
) -> dict[str, Any]:
    """Return random values for the variables of an operation."""
    types = {
        each.variable.name.value: get_variable_signature(schema, each) for each in operation.variable_definitions or ()
    }
    return {
        name: random_value(signature.type, chance, 4, wrong)  # type: ignore[union-attr]
        for name, signature in types.items()
        if chance.random() < 0.9
    }


def operation_of(text: str) -> OperationDefinitionNode:
    """Return the only operation of a document."""
    (found,) = parse(text).definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


Shown = tuple[dict[str, Any], dict[str, object], dict[str, tuple[str, object]]]
"""Coerced values, their objects, and the type and the given value of each variable."""


def shown(found: VariableValues) -> Shown:
    """Return the parts of coerced variables that can be compared; a signature has no equality."""
    objects = {name: each.given for name, each in found.coerced.items() if isinstance(each, ConvertedInput)}
    sources = {name: (str(each.signature.type), each.value) for name, each in found.sources.items()}
    return found.coerced, objects, sources


def undivided(schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]) -> Shown | None:
    """Return what graphql-core makes of the variables; None if one is invalid."""
    try:
        found = get_variable_values(schema, operation.variable_definitions or (), given, max_errors=1)
    except StrawberryInputCoercionError:
        return None
    return shown(found) if isinstance(found, VariableValues) else None


def divided(schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]) -> Shown | None:
    """Return what the coercion in steps makes of the variables; None if one is invalid."""
    found = run_at_once(divided_coercion(schema, operation.variable_definitions or (), given))
    return None if found is None else shown(found)


@pytest.mark.parametrize("is_real", [False, True])
def test_the_results_are_those_of_the_undivided_coercion(*, is_real: bool) -> None:
    """Values, defaults, sources and refusals are equal for a thousand random sets of variables, of which many pass."""
    schema, operation = (api.build_schema().core, operation_of(REAL)) if is_real else (SMALL, operation_of(TEXT))
    chance, accepted = random.Random(7), 0
    for number in range(1_000):
        given = random_variables(schema, operation, chance, 0.02 if number % 2 else 0.0)
        expected, found = undivided(schema, operation, given), divided(schema, operation, given)
        assert found == expected, given
        accepted += found is not None
    assert 200 < accepted < 900


@pytest.mark.parametrize("is_real", [False, True])
async def test_the_errors_are_those_of_short_variables(monkeypatch: pytest.MonkeyPatch, *, is_real: bool) -> None:
    """The messages are equal, and name the faults, for random variables, many of which have a fault."""
    text = REAL if is_real else TEXT
    schema, document, operation = api.build_schema().core if is_real else SMALL, parse(text), operation_of(text)
    chance, refused = random.Random(11), 0
    for _ in range(200):
        given, results = random_variables(schema, operation, chance, 0.02), []
        for limit in (-1, 1_000_000):
            monkeypatch.setattr(coerced_variables, "LONG_VARIABLES", limit)
            found = await coerced_variables.coerce(schema, document, operation, given)
            results.append([each.message for each in found] if isinstance(found, list) else shown(found.coerced))
        assert results[0] == results[1], given
        if isinstance(results[0], list):
            refused += 1
            assert all(message.startswith("`") for message in results[0])  # no fault is unknown to the second walk
    assert refused > 20


def test_what_is_too_deep_is_refused() -> None:
    """The greatest depth is that of graphql-core, for null and values that no type follows too."""
    operation = operation_of("query ($l: [G!]) { x(deep: null) }")
    schema = build_schema("input G { l: [G!] n: Int } type Query { x(deep: G): Int }")
    for levels in range(MAX_DEPTH - 3, MAX_DEPTH + 4):
        for inner in range(4):
            value: Any = [{}, {"n": 1}, {"n": None}, {"l": []}][inner]
            for _ in range(levels // 2):
                value = {"l": [value]}
            given = {"l": value if levels % 2 else [value]}
            assert divided(schema, operation, given) == undivided(schema, operation, given), levels


def test_there_is_a_pause_after_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """No two scalars of a list, or of an object, are coerced in one step."""
    coerced: list[object] = []

    def noted(value: object, type_: GraphQLInputType) -> object:
        coerced.append(value)
        return coerce_input_value(value, type_)

    monkeypatch.setattr(module, "coerce_input_value", noted)
    objects = [{"a": 1, "e": "x", "d": [["A", "B"]]}] * 50
    given = {"many": objects, "e": ["A"] * 200, "n": 1}
    steps = divided_coercion(SMALL, operation_of(TEXT).variable_definitions or (), given)
    before = 0
    for _ in steps:
        assert len(coerced) <= before + 1
        before = len(coerced)
    assert len(coerced) == 50 * 4 + 200 + 1
