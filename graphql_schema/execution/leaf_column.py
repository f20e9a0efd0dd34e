"""Columns: the completed values of one leaf, a field without subfields, for many objects at once.

The values are those of graphql-core. The common types of values are recognised for a whole column, so that most columns
need no call for each value.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from math import isfinite
from typing import Final

from graphql import GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLLeafType, GraphQLString, Undefined
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT

from graphql_schema.fields.field import Resolved

Column = list[Resolved]

_TEXTS: Final = {str, type(None)}


class StockPathError(Exception):
    """The operation would have an error, or has a field that is not planned; it is executed again by graphql-core.

    The executor of graphql-core propagates errors as GraphQL demands. No caller of the API gets this error.
    """


def leaf_column(type_: GraphQLLeafType, values: Column) -> Column:
    """Return the completed values of a leaf, None for None.

    Raises StockPathError, or the error of the scalar, if a value is not one of the type.
    """
    if None not in values:
        return _completed(type_, values)
    known = iter(_completed(type_, [value for value in values if value is not None]))
    return [None if value is None else next(known) for value in values]


def text_length(column: Column) -> int:
    """Return the number of characters of all texts in a column; other values have none.

    The texts are not joined: a thousand objects may have the same text of 60,000 characters.
    """
    if set(map(type, column)) <= _TEXTS:
        return sum(map(len, filter(None, column)))
    return sum(len(value) for value in column if isinstance(value, str))


def _completed(type_: GraphQLLeafType, values: Column) -> Column:
    """Return the completed values of a leaf that are not None."""
    as_is = _AS_IS.get(type_.name)
    if as_is is not None and as_is(values):
        return values
    kinds = set(map(type, values))
    if len(kinds) == 1 and issubclass(kinds.pop(), str | int | Enum):
        serialized = {value: _serialized(type_, value) for value in set(values)}
        return [serialized[value] for value in values]
    return [_serialized(type_, value) for value in values]  # equal values, such as 1 and True, may be two texts


def _serialized(type_: GraphQLLeafType, value: Resolved) -> Resolved:
    result = type_.serialize(value)
    if result is None or result is Undefined:
        raise StockPathError
    return result


def _only(type_: type) -> Callable[[Sequence[Resolved]], bool]:
    """Return the test whether values all have exactly this type."""
    only = {type_}
    return lambda values: set(map(type, values)) <= only


def _are_int(values: Sequence[Resolved]) -> bool:
    """Return whether values are integers that GraphQL can represent."""
    return set(map(type, values)) <= {int} and (
        not values or (min(values) >= GRAPHQL_MIN_INT and max(values) <= GRAPHQL_MAX_INT)
    )


def _are_float(values: Sequence[Resolved]) -> bool:
    return set(map(type, values)) <= {float} and all(map(isfinite, values))


_AS_IS: Final[dict[str, Callable[[Sequence[Resolved]], bool]]] = {
    GraphQLString.name: _only(str),
    GraphQLID.name: _only(str),
    GraphQLBoolean.name: _only(bool),
    GraphQLInt.name: _are_int,
    GraphQLFloat.name: _are_float,
}
"""By type, the test whether values need no conversion; values of other types are always converted."""
