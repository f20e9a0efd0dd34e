"""Completes the schema that Strawberry builds: readers of fields, resolution of abstract types, and field masks.

A field in ``row.access.hidden`` is reported, and resolves to null, or to an error for ``Prefer: policy=strict``; its
resolver does not run. Fields of a record are read directly, without the call path of Strawberry, which is slower.
Non-null fields cannot be hidden: they are visible with their row.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    is_introspection_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from graphql_schema.fields.field import FOR_ALL, INPUTS
from graphql_schema.fields.node import type_of
from graphql_schema.fields.record_reader import GuardedResolver, OneSource, RecordReader, Resolve
from policies.governed import Governed
from policies.vocabulary import field_action

ASSET = "Asset"
"""Interface of the asset types; the policy governs their fields by the mask of the row."""

EDGES = ("Neighbour", "LineageEdge", "Ownership", "TagAssignment")
"""Types that show an edge; the policy governs their fields by the masks of both ends."""


def install_field_guards(schema: GraphQLSchema) -> None:
    """Set the resolver of every field and the type resolution of every abstract type; guard the governed fields.

    Defaults of null are removed.
    """
    _drop_null_defaults(schema)
    guarded = governed_fields(schema).fields
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            type_.resolve_type = type_of
        elif isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_):
            type_.is_type_of = None
            for name, field in type_.fields.items():
                field.resolve = _resolver(name, field, governed=type_.name in guarded)


def governed_fields(schema: GraphQLSchema) -> Governed:
    """Return the types and fields of the schema that the policy governs."""
    assets, edges = _assets(schema), {name: cast("GraphQLObjectType", schema.type_map[name]) for name in EDGES}
    types = {**assets, **edges}
    return Governed(
        {name: list(type_.fields) for name, type_ in assets.items()},
        {name: list(type_.fields) for name, type_ in edges.items()},
        frozenset(
            field_action(type_name, name)
            for type_name, type_ in types.items()
            for name, field in type_.fields.items()
            if isinstance(field.type, GraphQLNonNull)
        ),
        dict(_derived(types)),
    )


def _assets(schema: GraphQLSchema) -> dict[str, GraphQLObjectType]:
    """Return the object types of assets by name."""
    interface = schema.type_map[ASSET]
    return {
        name: type_
        for name, type_ in sorted(schema.type_map.items())
        if isinstance(type_, GraphQLObjectType) and interface in type_.interfaces
    }


def _derived(types: Mapping[str, GraphQLObjectType]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each derived field with the fields that it is computed from, as ``Type.field``.

    An input without a type name is a field of the same type.
    """
    for type_name, type_ in types.items():
        for name, field in type_.fields.items():
            inputs = _declared(field).metadata.get(INPUTS)
            made = inputs(type_name) if inputs else ()
            if made:
                yield (
                    field_action(type_name, name),
                    frozenset(each if "." in each else field_action(type_name, each) for each in made),
                )


def _drop_null_defaults(schema: GraphQLSchema) -> None:
    """Remove the defaults of null: resolvers and inputs have their own defaults, and the SDL is shorter without."""
    for type_ in schema.type_map.values():
        for element in _defaulted(type_):
            if element.default_value is None:
                element.default_value = Undefined


def _defaulted(type_: GraphQLNamedType) -> Iterator[GraphQLArgument | GraphQLInputField]:
    """Yield the arguments and input fields of a type."""
    if isinstance(type_, GraphQLInputObjectType):
        yield from type_.fields.values()
    elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for field in type_.fields.values():
            yield from field.args.values()


def _resolver(name: str, field: GraphQLField, *, governed: bool) -> Resolve:
    """Return the resolver of a field: its own or a reader of its source, guarded by the field mask if governed."""
    declared = _declared(field)
    if not declared.is_basic_field:
        resolve = cast("Resolve", field.resolve)
        if declared.metadata.get(FOR_ALL):
            resolve = OneSource(resolve)
        return GuardedResolver(name, resolve) if governed else resolve
    return RecordReader(name, declared.python_name)


def _declared(field: GraphQLField) -> StrawberryField:
    """Return the Strawberry field from which a field was built."""
    return cast("StrawberryField", field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF])
