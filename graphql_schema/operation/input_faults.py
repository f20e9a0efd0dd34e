"""Faults of the given values of arguments, found by one walk for literals and for values of variables.

A fault has the same code and path in both forms.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final, TypeAlias, cast

import orjson
from graphql import (
    ConstValueNode,
    EnumValueNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    is_required_input_field,
    print_ast,
)
from graphql.pyutils import suggestion_list

from policies.errors import InvalidError

Given: TypeAlias = object
"""A value node of the document, or the JSON value of a variable."""

Place: TypeAlias = tuple[str | int, ...]
"""The place of a value: the argument or variable, then names of fields and indexes of lists."""

MAX_SHOWN: Final = 80
"""Maximal number of characters of a value that a message of this module quotes."""

_SUGGESTIONS: Final = 3
_EXPECTED: Final = {
    "Int": "a whole number from -2147483648 to 2147483647",
    "Float": "a finite number",
    "String": "a text",
    "Boolean": "`true` or `false`",
    "ID": "a text",
}
"""What a message advises to give for a scalar of the GraphQL specification; others advise in their own messages."""


class InputValueError(InvalidError):
    """The error for a value in arguments or variables that is missing, unknown or not allowed by its type."""


@dataclass(frozen=True, slots=True)
class InputFault:
    """A value that is missing, unknown or not allowed by its type: its place, the fault in words, its node, if any."""

    place: Place
    text: str
    node: Node | None

    @property
    def error(self) -> InputValueError:
        """The error for the client; its message begins with the place, which ``inputPath`` has in parts."""
        return InputValueError(f"`{place_text(self.place)}` {self.text}", inputPath=[str(part) for part in self.place])


def place_text(place: Place) -> str:
    """Return a place as text, such as ``input.items[637].dataset.stage``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def missing(type_: GraphQLInputType, place: Place, node: Node | None = None) -> InputFault:
    """Return the fault of a required value that is absent."""
    return InputFault(place, f"is missing. Its type is `{type_}`; give a value.", node)


def input_faults(given: Given, type_: GraphQLInputType, place: Place) -> Iterator[InputFault]:
    """Yield the faults of one value at ``place``; a variable in a literal yields none here."""
    return (each for each in fault_steps(given, type_, place) if each is not None)


def fault_steps(given: Given, type_: GraphQLInputType, place: Place) -> Iterator[InputFault | None]:
    """Yield what :func:`input_faults` yields, and None after each element of a list and each field of an object.

    So a walk over many values can let others run (:func:`graphql_schema.execution.side_thread.run_in_parts`).
    """
    if isinstance(given, VariableNode):
        return
    if isinstance(type_, GraphQLNonNull):
        if _is_null(given):
            yield _fault(given, place, f"is null. Its type is `{type_}`; give a value.")
            return
        type_ = type_.of_type
    if _is_null(given):
        return
    if isinstance(type_, GraphQLList):
        yield from _list_faults(given, type_.of_type, place)
    elif isinstance(type_, GraphQLInputObjectType):
        yield from _object_faults(given, type_, place)
    elif isinstance(type_, GraphQLEnumType):
        yield from _enum_faults(given, type_, place)
    elif isinstance(type_, GraphQLScalarType):
        yield from _scalar_faults(given, type_, place)


def _list_faults(given: Given, type_: GraphQLInputType, place: Place) -> Iterator[InputFault | None]:
    elements = _elements(given)
    if elements is None:  # one value counts as a list of it
        yield from fault_steps(given, type_, place)
        return
    for index, each in enumerate(elements):
        yield from fault_steps(each, type_, (*place, index))
        yield None


def _object_faults(given: Given, type_: GraphQLInputObjectType, place: Place) -> Iterator[InputFault | None]:
    members = _members(given)
    if members is None:
        yield _fault(given, place, f"is {_shown(given)}; give an object of the type `{type_}`.")
        return
    for name, field in type_.fields.items():
        if name in members:
            yield from fault_steps(members[name], field.type, (*place, name))
            yield None
        elif is_required_input_field(field):
            yield missing(field.type, (*place, name), given if isinstance(given, Node) else None)
    unknown = [name for name in members if name not in type_.fields]
    for name in unknown:
        near = _near(name, type_.fields)
        yield _fault(members[name], (*place, name), f"is unknown: `{type_}` has no such field.{near}")
    if _is_one_of(type_) and not unknown:
        yield from _one_of_faults(given, members, type_, place)


def _one_of_faults(
    given: Given, members: Mapping[str, Given], type_: GraphQLInputObjectType, place: Place
) -> Iterator[InputFault]:
    """Yield the fault of an object that does not have exactly one member with a value."""
    if len(members) != 1:
        names = ", ".join(f"`{name}`" for name in members)
        has = f"has {len(members)} fields ({names})" if members else "has no field"
        yield _fault(given, place, f"{has}; give exactly one field of `{type_}`.")
        return
    ((name, value),) = members.items()
    if _is_null(value):
        yield _fault(value, (*place, name), f"is null; give the one field of `{type_}` a value.")


def _enum_faults(given: Given, type_: GraphQLEnumType, place: Place) -> Iterator[InputFault]:
    name = _enum_name(given)
    if name in type_.values:
        return
    text = given.value if isinstance(given, StringValueNode) else name
    if text in type_.values:
        advice = f"write the value of the enum `{type_}` without quotes."
    else:
        advice = f"use a value of the enum `{type_}`." + ("" if text is None else _near(text, type_.values))
    yield _fault(given, place, f"is {_shown(given) if name is None else _cut(name)}; {advice}")


def _scalar_faults(given: Given, type_: GraphQLScalarType, place: Place) -> Iterator[InputFault]:
    expected = _EXPECTED.get(type_.name)
    if expected is None and isinstance(given, bool | int | float | dict | list):
        expected = "a text"  # all other scalars of the schema are texts
    try:
        value = _coerced(given, type_)
    except (GraphQLError, ArithmeticError, TypeError, ValueError) as error:
        if expected is None and isinstance(error, GraphQLError):
            yield _fault(given, place, f"is invalid: {error.message}")
            return
        value = Undefined
    if value is Undefined:
        yield _fault(given, place, f"is {_shown(given)}, which is no `{type_}`; give {expected or 'another value'}.")
    elif isinstance(value, float) and not isfinite(value):
        yield _fault(given, place, f"is beyond the range of `{type_}`; give {expected}.")


def _coerced(given: Given, type_: GraphQLScalarType) -> object:
    """Return the value of a scalar as graphql-core makes it; Undefined, or raise, if the scalar does not accept it.

    A number that is not finite is returned unchanged.
    """
    if isinstance(given, float) and not isfinite(given):
        return given
    if not isinstance(given, ValueNode):
        return type_.coerce_input_value(given)
    return (type_.coerce_input_literal or type_.parse_literal)(cast("ConstValueNode", given))


def _is_one_of(type_: GraphQLInputObjectType) -> bool:
    """Return whether objects of the type must have exactly one field; Strawberry marks it in its own definition."""
    return type_.is_one_of or getattr(type_.extensions.get("strawberry-definition"), "is_one_of", False)


def _fault(given: Given, place: Place, text: str) -> InputFault:
    return InputFault(place, text, given if isinstance(given, Node) else None)


def _is_null(given: Given) -> bool:
    return given is None or isinstance(given, NullValueNode)


def _elements(given: Given) -> Sequence[Given] | None:
    """Return the elements of a list; None for any other value."""
    if isinstance(given, ListValueNode):
        return given.values
    return given if isinstance(given, list) else None


def _members(given: Given) -> Mapping[str, Given] | None:
    """Return the fields of an object by name; None for any other value."""
    if isinstance(given, ObjectValueNode):
        return {field.name.value: field.value for field in given.fields}
    return given if isinstance(given, dict) else None


def _enum_name(given: Given) -> str | None:
    """Return the name in an enum literal, or a JSON text; None for any other value."""
    if isinstance(given, EnumValueNode):
        return given.value
    return given if isinstance(given, str) else None


def _near(name: str, known: Mapping[str, object]) -> str:
    """Return `` Did you mean …?`` with names from ``known`` that resemble ``name``, or "".

    It ends a message, because :mod:`app.http.error_handling` removes such an end where names must not be disclosed.
    """
    near = suggestion_list(name[:MAX_SHOWN], list(known))[:_SUGGESTIONS]
    return f" Did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""


def _shown(given: Given) -> str:
    """Return a value as text for a message, cut to :data:`MAX_SHOWN` characters; "a list", "an object" for these."""
    if _members(given) is not None:
        return "an object"
    if _elements(given) is not None:
        return "a list"
    if isinstance(given, ValueNode):
        return _cut(print_ast(given))
    return _cut(orjson.dumps(given, default=str).decode())


def _cut(text: str) -> str:
    return f"`{text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + '…'}`"
