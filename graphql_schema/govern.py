"""The schema after Strawberry has built it: how sources are read, and where the policy's hidden fields become null.

One place for both. A field in ``row.access.hidden`` yields null and is noted before its resolver runs; properties are
read from the source directly, without Strawberry's call path.
"""

from collections.abc import Callable, Iterator
from typing import Any

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

from graphql_schema.asset import type_of
from graphql_schema.row import Row
from policies.errors import ConfigurationError

GOVERNED = "Asset"
"""The interface whose types the policy governs field by field."""

ALWAYS = frozenset({"id", "kind", "source", "namespace", "name", "displayName", "version", "viewerAccess"})
"""Fields that may be non-null: who may discover an asset sees them."""

Resolve = Callable[..., Any]


def govern(schema: GraphQLSchema) -> None:
    """Give every field its reader, every abstract type its resolution, and every governed field its guard."""
    _refuse_non_null(schema)
    _drop_null_defaults(schema)
    governed = _governed(schema)
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            type_.resolve_type = type_of
        elif isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_):
            type_.is_type_of = None
            for name, field in type_.fields.items():
                field.resolve = _resolver(name, field, governed=type_.name in governed)


def governed_coordinates(schema: GraphQLSchema) -> dict[str, list[str]]:
    """The fields of every governed type, by type name; the policy labels each of them."""
    return {name: list(type_.fields) for name, type_ in sorted(_governed(schema).items())}


def _governed(schema: GraphQLSchema) -> dict[str, GraphQLObjectType]:
    interface = schema.type_map[GOVERNED]
    return {
        name: type_
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType) and interface in type_.interfaces
    }


def _refuse_non_null(schema: GraphQLSchema) -> None:
    """Hiding a non-null field would take its whole object away."""
    broken = [
        f"{type_name}.{name}"
        for type_name, type_ in _governed(schema).items()
        for name, field in type_.fields.items()
        if isinstance(field.type, GraphQLNonNull) and name not in ALWAYS
    ]
    if broken:
        raise ConfigurationError(f"Governed fields must be nullable, so that they can be hidden: {', '.join(broken)}.")


def _drop_null_defaults(schema: GraphQLSchema) -> None:
    """What is absent stays absent: resolvers and inputs have defaults of their own, and ``= null`` says nothing."""
    for type_ in schema.type_map.values():
        for element in _defaulted(type_):
            if element.default_value is None:
                element.default_value = Undefined


def _defaulted(type_: GraphQLNamedType) -> Iterator[GraphQLArgument | GraphQLInputField]:
    if isinstance(type_, GraphQLInputObjectType):
        yield from type_.fields.values()
    elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for field in type_.fields.values():
            yield from field.args.values()


def _resolver(name: str, field: GraphQLField, *, governed: bool) -> Resolve:
    declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    if not declared.is_basic_field:
        return _guarded(name, field.resolve) if governed else field.resolve  # type: ignore[arg-type, return-value]
    return _recorded(name) if governed else _read(name, declared.python_name)


def _guarded(name: str, inner: Resolve) -> Resolve:
    def resolve(source: Row, info: Any, **arguments: Any) -> Any:
        if name in source.access.hidden:
            source.access.note(source.kind, name)
            return None
        return inner(source, info, **arguments)

    return resolve


def _recorded(name: str) -> Resolve:
    def resolve(source: Row, _info: Any) -> Any:
        return source.read(name)

    return resolve


def _read(name: str, attribute: str) -> Resolve:
    """Read a row or mapping by the GraphQL name, any other object by the attribute."""

    def resolve(source: Any, _info: Any) -> Any:
        if isinstance(source, Row):
            return source.read(name)
        if isinstance(source, dict):
            return source.get(name)
        return getattr(source, attribute)

    return resolve
