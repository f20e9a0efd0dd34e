"""The schema: committed as built, described, and with fields that a policy can hide."""

from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
    parse_value,
)
from strawberry.types import ExecutionResult

from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.operation.input_faults import input_faults
from graphql_schema.schema import README, SDL, GraphSchema, build_schema, readme, sdl
from policies.errors import ConfigurationError
from policies.policy import Policy


def test_the_committed_sdl_is_the_built_schema() -> None:
    """The committed file equals the built schema; `python -m graphql_schema.schema` writes it."""
    assert SDL.read_text() == sdl(), "Run `.venv/bin/python -m graphql_schema.schema`."


def test_the_picture_of_the_readme_is_the_catalog() -> None:
    """The committed README shows the present catalog; the same command writes the picture."""
    assert README.read_text() == readme(), "Run `.venv/bin/python -m graphql_schema.schema`."


def elements(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Yield the coordinate and the description of every element that can have one."""
    for name, type_ in schema.type_map.items():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        yield name, type_.description
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{value}", each.description) for value, each in type_.values.items())
        if isinstance(type_, GraphQLInputObjectType):
            yield from ((f"{name}.{field}", each.description) for field, each in type_.fields.items())
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field, each in type_.fields.items():
                yield f"{name}.{field}", each.description
                yield from ((f"{name}.{field}({arg}:)", one.description) for arg, one in each.args.items())


def test_every_element_is_described(schema: GraphSchema) -> None:
    """Every type, field, argument, input field and enum value has a description."""
    described = dict(elements(schema.core))
    assert "ModelVersion.deployments(activeOnly:)" in described
    assert [coordinate for coordinate, text in described.items() if not (text or "").strip()] == []


def test_all_fields_of_assets_and_edges_are_governed(schema: GraphSchema) -> None:
    """Every field of an asset type and of an edge type needs a label in the policy, and no other field has one."""
    found = governed_fields(schema.core)
    assert sorted(found.assets) == sorted(ASSETS)
    assert {"id", "upstream", "metrics", "trainedOn"} <= set(found.assets["ModelVersion"])
    assert "trainedOn" not in found.assets["Model"]
    assert {name: len(fields) for name, fields in found.edges.items()} == {
        "LineageEdge": 9,
        "Neighbour": 11,
        "Ownership": 5,
        "TagAssignment": 4,
    }


def test_the_inputs_of_derived_fields_are_known(schema: GraphSchema) -> None:
    """A derived field names its inputs, including the fields on a path of several hops, and every input exists."""
    found = governed_fields(schema.core)
    assert found.derived["ModelVersion.trainedOn"] == {"ModelVersion.trainingRun", "Run.inputs"}
    assert found.derived["Feature.owners"] == {"FeatureSet.owners", "FeatureSet.domain", "Feature.domain"}
    assert found.derived["Model.upstream"] == {"ModelVersion.upstream"}
    coordinates = {f"{name}.{field}" for name, fields in found.fields.items() for field in fields}
    assert {each for inputs in found.derived.values() for each in inputs} <= coordinates


def test_a_governed_field_that_cannot_be_hidden_stops_the_start_up() -> None:
    """Hiding a non-null field would remove its object, so such a field must be public, and `task` is not."""
    schema = build_schema().core
    model = schema.type_map["Model"]
    assert isinstance(model, GraphQLObjectType)
    model.fields["task"].type = GraphQLNonNull(model.fields["task"].type)
    with pytest.raises(ConfigurationError, match=r"Model\.task is non-null"):
        Policy.load(None, governed_fields(schema))


def floats_given(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLArgument | GraphQLInputField]]:
    """Yield the coordinate and the definition of each argument and input field of the type `Float`."""
    for name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLInputObjectType):
            yield from ((f"{name}.{key}", field) for key, field in type_.fields.items())
        elif isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_):
            for key, field in type_.fields.items():
                yield from ((f"{name}.{key}({each}:)", argument) for each, argument in field.args.items())


def test_no_float_takes_a_number_that_is_not_finite() -> None:
    """Each argument and input field of the type `Float` refuses such a number, as a literal and as a variable."""
    taking = {key: each for key, each in floats_given(build_schema().core) if get_named_type(each.type) is GraphQLFloat}
    assert taking.keys() > {
        "MetricInput.value",
        "RunInput.costUsd",
        "UsageInput.costUsd",
    }
    for definition in taking.values():
        for given in (parse_value("1e999"), parse_value("-1e999"), float("inf"), float("nan")):
            (fault,) = input_faults(given, definition.type, ("x",))
            assert fault.text == "is beyond the range of `Float`; give a finite number."


async def test_is_one_of_is_null_unless_of_an_input_object(schema: GraphSchema) -> None:
    """`isOneOf` is true or false of input objects, and null of all other types, also of lists and non-null types."""
    found = await schema.execute(
        """{ query: __type(name: "Query") { isOneOf fields { type { isOneOf } } }
             of: __type(name: "AssetInput") { isOneOf }  no: __type(name: "AssetFilter") { isOneOf }
             __schema { types { kind isOneOf } } }"""
    )
    assert isinstance(found, ExecutionResult)
    assert found.errors is None
    assert found.data is not None
    assert {each["type"]["isOneOf"] for each in found.data["query"]["fields"]} == {None}
    assert [found.data[each]["isOneOf"] for each in ("query", "of", "no")] == [None, True, False]
    known = {(each["kind"] == "INPUT_OBJECT", each["isOneOf"]) for each in found.data["__schema"]["types"]}
    assert known == {(True, True), (True, False), (False, None)}
