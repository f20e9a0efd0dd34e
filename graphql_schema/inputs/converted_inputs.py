"""Objects of input types beside the JSON objects of variables, made when the variables are coerced.

Strawberry makes them before a resolver is called, without a pause. For 5,000 usage records that takes a quarter of a
second, again for each alias, and before the resolver examines the scope of the token. Large variables are coerced in
the side thread (:mod:`graphql_schema.operation.coerced_variables`). Their objects are made there, and all fields of the
operation use them, also if a literal has a variable many times.
"""

from collections.abc import Mapping
from dataclasses import MISSING
from functools import cache

from graphql import GraphQLInputObjectType, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryObjectDefinition, StrawberryType

from graphql_schema.execution.converted_values import ConvertedInput, ConvertedList
from graphql_schema.inputs.values import fields_of


def convert_inputs(schema: GraphQLSchema, converter: GraphQLCoreConverter) -> None:
    """Let the input types of a schema make their objects when a value is coerced; ``converter`` has made the schema.

    A type with a ``from_input`` of its own is not changed.
    """
    context = InputContext(None, converter.config, converter.scalar_registry, ())
    for each in schema.type_map.values():
        if not isinstance(each, GraphQLInputObjectType):
            continue
        definition: StrawberryObjectDefinition = each.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        if definition.from_input in {None, _given}:
            definition.from_input = _given
            each.out_type = _Conversion(definition, context).converted  # type: ignore[method-assign]


class _Conversion:
    """Makes the objects of one input type, with the scalars and names of the ``context``."""

    def __init__(self, definition: StrawberryObjectDefinition, context: InputContext) -> None:
        self._definition = definition
        self._context = context

    def converted(self, value: dict[str, object]) -> ConvertedInput:
        """Return a coerced value with its object."""
        return ConvertedInput(value, _object(self._definition, value, self._context))


def _given(type_: type, value: Mapping[str, object], context: InputContext) -> object:
    """Return the object of a value: the one made at its coercion, else a new one, as for a default of the schema."""
    if isinstance(value, ConvertedInput):
        return value.given
    return _object(type_.__strawberry_definition__, value, context)  # type: ignore[attr-defined]


def _object(definition: StrawberryObjectDefinition, value: Mapping[str, object], context: InputContext) -> object:
    """Return a new object; a field without a value and a default is None, because it may be absent then."""
    values: dict[str, object] = {**_absent(definition)}
    for name, attribute, type_ in _fields(definition):
        if name in value:
            given = value[name]
            if isinstance(given, ConvertedList):
                values[attribute] = list(given.given)
            else:
                values[attribute] = context.convert(given, type_, name)
    return definition.origin(**values)


@cache
def _absent(definition: StrawberryObjectDefinition) -> Mapping[str, None]:
    """Return None for each attribute without a default."""
    return {
        each.python_name: None
        for each in definition.fields
        if each.default_value is MISSING and each.default_factory is MISSING
    }


@cache
def _fields(definition: StrawberryObjectDefinition) -> tuple[tuple[str, str, StrawberryType | type], ...]:
    """Return the GraphQL name, the attribute and the type of each field."""
    types = {each.python_name: each.resolve_type(type_definition=definition) for each in definition.fields}
    return tuple((each.name, each.attribute, types[each.attribute]) for each in fields_of(definition.origin))
