"""The mutations: each field that a concept declares belongs to a type of the schema."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

from strawberry.types.field import StrawberryField

import graphql_schema
from graphql_schema.schema import GraphSchema


def declared() -> Iterator[tuple[str, object]]:
    """Yield the fields that modules of the schema declare outside of a type, each with its resolver."""
    for each in walk_packages(graphql_schema.__path__, "graphql_schema."):
        module = import_module(each.name)
        for name, value in vars(module).items():
            resolver = value.base_resolver if isinstance(value, StrawberryField) else None
            if resolver is not None and resolver.wrapped_func.__module__ == module.__name__:
                yield f"{name} of {module.__name__}", resolver.wrapped_func


def used(schema: GraphSchema) -> set[object]:
    """Return the resolvers of all fields of the schema."""
    types = (each.extensions.get("strawberry-definition") for each in schema.core.type_map.values())
    fields = (field for each in types for field in getattr(each, "fields", ()))
    return {field.base_resolver.wrapped_func for field in fields if getattr(field, "base_resolver", None)}


def test_every_declared_field_is_in_the_schema(schema: GraphSchema) -> None:
    """A mutation that no line of `Mutation` names could not be called, and the same holds for a query."""
    found = used(schema)
    missing = [name for name, resolver in declared() if resolver not in found]
    assert missing == [], f"No type has {', '.join(missing)}: add a mutation to Mutation in graphql_schema/mutation.py."
