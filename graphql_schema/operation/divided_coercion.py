"""Coercion of variables in steps, so that others have turns in the side thread between the values of large ones.

The coercion of graphql-core is one call, half a second for a registration of 84,000 values. It has the same results as
this one: the values, the defaults, and whether a value is invalid. Which fault a value has is found by another walk
(:func:`graphql_schema.operation.input_validation.variable_faults`).
"""

from collections.abc import Generator, Iterable, Mapping
from typing import Final

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values
from graphql.pyutils import is_iterable
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_value
from strawberry.exceptions import StrawberryInputCoercionError

from graphql_schema.execution.converted_values import converted_list

MAX_DEPTH: Final = 200
"""Maximal number of lists and objects around a value, as in graphql-core."""

Steps = Generator[None, None, object]
"""Returns a coerced value, or Undefined for an invalid one; pauses after each element and each given field."""


def divided_coercion(
    schema: GraphQLSchema, definitions: Iterable[VariableDefinitionNode], given: Mapping[str, object]
) -> Generator[None, None, VariableValues | None]:
    """Return the coerced variables, None if one is invalid; pauses as :data:`Steps`.

    Lists of inputs have the objects of their elements (:mod:`graphql_schema.execution.converted_values`).
    """
    values = VariableValues({}, {})
    for definition in definitions:
        name = definition.variable.name.value
        signature = get_variable_signature(schema, definition)
        if name not in given or isinstance(signature, GraphQLError):
            found = get_variable_values(schema, (definition,), {}, max_errors=1)
            if isinstance(found, list):
                return None
            values.sources.update(found.sources)
            values.coerced.update((each, converted_list(value)) for each, value in found.coerced.items())
            continue
        try:
            value = yield from _value(given[name], signature.type, 0)
        except StrawberryInputCoercionError:  # raised for input objects
            return None
        if value is Undefined:
            return None
        values.sources[name] = VariableValueSource(signature, given[name])
        values.coerced[name] = value
    return values


def _value(given: object, type_: GraphQLInputType, depth: int) -> Steps:
    """Return the coerced value of one that so many lists and objects surround."""
    if depth > MAX_DEPTH:
        return Undefined
    if isinstance(type_, GraphQLNonNull):
        if given is None:
            return Undefined
        type_ = type_.of_type
    if given is None:
        return None
    if isinstance(type_, GraphQLList):
        elements = given if is_iterable(given) else [given]  # one value counts as a list of it
        return (yield from _list(elements, type_.of_type, depth + 1))
    if isinstance(type_, GraphQLInputObjectType):
        return (yield from _object(given, type_, depth + 1))
    return coerce_input_value(given, type_)


def _list(elements: Iterable[object], type_: GraphQLInputType, depth: int) -> Steps:
    coerced = []
    for each in elements:
        value = yield from _value(each, type_, depth)
        if value is Undefined:
            return Undefined
        coerced.append(value)
        yield
    return converted_list(coerced)


def _object(given: object, type_: GraphQLInputObjectType, depth: int) -> Steps:
    fields = type_.fields
    if not isinstance(given, dict) or not given.keys() <= fields.keys():
        return Undefined
    coerced: dict[str, object] = {}
    for name, field in fields.items():
        if name in given:
            value = yield from _value(given[name], field.type, depth)
            if value is Undefined:
                return Undefined
            yield
        elif is_required_input_field(field):
            return Undefined
        elif (value := coerce_default_value(field)) is Undefined:
            continue
        coerced[field.out_name or name] = value
    if type_.is_one_of and (len(given) != 1 or len(coerced) != 1 or None in coerced.values()):
        return Undefined
    return type_.out_type(coerced)
