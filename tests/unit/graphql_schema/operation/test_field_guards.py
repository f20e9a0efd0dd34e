"""The guards of fields: what is governed, what a hidden field shows, and how a field reads its source."""

from types import SimpleNamespace

import pytest
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLNonNull, GraphQLObjectType, Undefined
from support.estates.plain_rows import PlainAccess, plain_row

from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.schema import GraphSchema


def field_of(schema: GraphSchema, coordinate: str) -> GraphQLField:
    """Return a field by ``Type.field``."""
    type_name, name = coordinate.split(".")
    type_ = schema.core.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    field: GraphQLField = type_.fields[name]
    return field


def resolved(schema: GraphSchema, coordinate: str, source: object) -> object:
    """Return what a field without arguments makes of its source."""
    resolve = field_of(schema, coordinate).resolve
    assert resolve is not None
    return resolve(source, SimpleNamespace())


def test_assets_and_edges_are_governed_and_nothing_else(schema: GraphSchema) -> None:
    """Every kind of asset with all of its fields, and four types of edges; teams and attached records are open."""
    governed = governed_fields(schema.core)
    assert {*governed.assets} == {*ASSETS}
    assert {*governed.edges} == {"Neighbour", "LineageEdge", "Ownership", "TagAssignment"}
    for name, fields in governed.fields.items():
        type_ = schema.core.type_map[name]
        assert isinstance(type_, GraphQLObjectType)
        assert {*fields} == {*type_.fields}


def test_non_null_fields_are_fixed(schema: GraphSchema) -> None:
    """Null cannot replace a non-null value, so the policy must show these fields with their row."""
    governed = governed_fields(schema.core)
    assert {"Model.id", "Model.viewerAccess", "ModelVersion.version"} <= {*governed.fixed}
    for coordinate in ("Model.task", "Model.stage"):
        assert coordinate not in governed.fixed
    assert all(isinstance(field_of(schema, each).type, GraphQLNonNull) for each in governed.fixed)


@pytest.mark.parametrize(
    ("coordinate", "inputs"),
    [
        ("Dataset.property", {"Dataset.properties"}),
        ("ModelVersion.aliases", {"ModelVersion.model", "Model.aliases"}),
        ("Evaluation.againstBaseline", {"Evaluation.metrics", "Evaluation.baseline"}),
    ],
)
def test_inputs_of_a_field_are_coordinates(schema: GraphSchema, coordinate: str, inputs: set[str]) -> None:
    """An input without a type is a field of the same type, also where an interface declares the field."""
    assert set(governed_fields(schema.core).derived[coordinate]) == inputs


def test_a_hidden_field_is_null_and_reported(schema: GraphSchema) -> None:
    """A stored field and a field with a resolver are both null, and each is reported once."""
    access = PlainAccess(frozenset({"task", "property"}))
    row = plain_row("MODEL", "m", access, task="ranking", properties=[{"key": "x", "value": "1"}])
    assert resolved(schema, "Model.task", row) is None
    resolve = field_of(schema, "Model.property").resolve
    assert resolve is not None
    assert resolve(row, SimpleNamespace(), key="x") is None
    assert access.reports == ["hidden task", "hidden property"]


def test_a_logged_field_is_shown_and_reported(schema: GraphSchema) -> None:
    """Reading a restricted field is recorded with the id of the row."""
    access = PlainAccess(logged=frozenset({"artifactUri"}))
    row = plain_row("MODEL_VERSION", "m", access, version="1", artifactUri="s3://x")
    assert resolved(schema, "ModelVersion.artifactUri", row) == "s3://x"
    assert access.reports == [f"read artifactUri {row.urn}"]


def test_open_types_are_read_from_rows_mappings_and_objects(schema: GraphSchema) -> None:
    """A row and a mapping are read by the name of the field, any other object by its attribute."""
    assert resolved(schema, "Team.displayName", plain_row("TEAM", "t")) == "t"
    assert resolved(schema, "MutationError.inputPath", {"inputPath": ["a"]}) == ["a"]
    assert resolved(schema, "MutationError.inputPath", {}) is None
    assert resolved(schema, "MutationError.inputPath", SimpleNamespace(input_path=["b"])) == ["b"]


def test_null_is_the_default_of_no_argument_or_input(schema: GraphSchema) -> None:
    """The SDL has no `= null`; other defaults remain."""
    assets = field_of(schema, "Query.assets")
    assert assets.args["filter"].default_value is Undefined
    assert assets.args["first"].default_value == 20
    set_alias = schema.core.type_map["SetAliasInput"]
    assert set_alias.fields["protected"].default_value is Undefined  # type: ignore[attr-defined]


def test_every_interface_resolves_its_type_by_the_row(schema: GraphSchema) -> None:
    """The type follows from the kind of the row, without a test of every possible type."""
    node = schema.core.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert node.resolve_type is not None
    assert node.resolve_type(plain_row("FEATURE_SET", "f"), SimpleNamespace(), node) == "FeatureSet"  # type: ignore[arg-type]
