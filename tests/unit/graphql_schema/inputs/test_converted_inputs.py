"""Objects of inputs: made once when variables are coerced, equal to those of Strawberry, and not before a resolver."""

from collections.abc import Mapping
from typing import Any

import pytest
import strawberry
from graphql import FieldNode, GraphQLInputObjectType, OperationDefinitionNode, parse
from graphql.execution.values import VariableValues, get_variable_values
from graphql.utilities.coerce_input_value import coerce_input_literal
from strawberry.types.arguments import convert_arguments

from graphql_schema.inputs import converted_inputs as module
from graphql_schema.operation.coerced_variables import CoercedVariables, coerce
from graphql_schema.schema import GraphSchema, build_schema

INPUT = {
    "id": "mlg://dataset/test/default/a",
    "columns": [{"name": "c", "dataType": "string"}, {"name": "d"}],
    "owners": [{"owner": "mlg://team/catalog/default/t"}],
    "stage": "DRAFT",
    "description": None,
}


@pytest.fixture(scope="module")
def schema() -> GraphSchema:
    """Return the schema."""
    return build_schema()


def coerced(schema: GraphSchema, value: Mapping[str, Any]) -> Any:
    """Return the coerced variable of a registration."""
    document = parse("mutation($input: DatasetInput!) { registerDataset(input: $input) { changed } }")
    (operation,) = document.definitions
    found = get_variable_values(schema.core, operation.variable_definitions, {"input": value})  # type: ignore[attr-defined]
    assert isinstance(found, VariableValues)
    return found.coerced["input"]


def converted(schema: GraphSchema, value: object) -> Any:
    """Return what Strawberry gives to the resolver of a registration."""
    fields = schema.get_type_by_name("Mutation").fields  # type: ignore[union-attr]
    (field,) = (each for each in fields if each.python_name == "register_dataset")
    converter = schema.schema_converter
    return convert_arguments({"input": value}, field.arguments, converter.scalar_registry, schema.config)["input"]


def test_a_resolver_gets_the_object_of_the_coercion(schema: GraphSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second and each later field with the same variable gets the same object, and nothing is made for it."""
    value = coerced(schema, INPUT)
    assert INPUT.keys() <= value.keys()
    monkeypatch.setattr(module, "_object", None)
    first = converted(schema, value)
    assert first is converted(schema, value) is value.given
    assert [(each.name, each.data_type) for each in first.columns] == [("c", "string"), ("d", strawberry.UNSET)]
    assert (first.owners[0].ownership.name, first.stage.name) == ("TECHNICAL", "DRAFT")


def test_objects_are_those_of_strawberry(schema: GraphSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nested objects, enums, nulls, absent fields and defaults are as Strawberry makes them by itself."""
    nulls = {"id": INPUT["id"], "description": None, "columns": [{"name": "c"}]}
    made = [converted(schema, coerced(schema, value)) for value in (INPUT, nulls)]
    values = [dict(coerced(schema, value)) for value in (INPUT, nulls)]
    for each in schema.core.type_map.values():
        if isinstance(each, GraphQLInputObjectType):
            monkeypatch.setattr(each.extensions["strawberry-definition"], "from_input", None)
    assert [converted(schema, value) for value in values] == made
    assert made[1].description is None
    assert made[1].display_name is strawberry.UNSET


async def test_a_list_is_converted_once_for_all_literals(schema: GraphSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each literal with a list variable gets the objects of its coercion, in a list of its own."""
    text = "query ($all: [AssetFilter!]) { assets(filter: {and: $all, or: $all}) { nodes { id } } }"
    document = parse(text)
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    variables = await coerce(schema.core, document, operation, {"all": [{"ids": ["a"]}, {"ids": ["b"]}]})
    assert isinstance(variables, CoercedVariables)
    (field,) = operation.selection_set.selections
    assert isinstance(field, FieldNode)
    made = []
    conversion = module._object  # noqa: SLF001 - counted

    def counted(*args: Any) -> object:
        made.append(args)
        return conversion(*args)

    monkeypatch.setattr(module, "_object", counted)
    type_ = schema.core.get_type("AssetFilter")
    assert isinstance(type_, GraphQLInputObjectType)
    [argument] = field.arguments or ()
    found = coerce_input_literal(argument.value, type_, variables.coerced)
    assert len(made) == 1
    given = found.given
    assert given.and_ == given.or_ == [each.given for each in variables.coerced.coerced["all"]]
    assert given.and_ is not given.or_
