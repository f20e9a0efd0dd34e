"""The declaration of filter inputs: each field carries a function from its value to conditions.

One line declares a field of the schema and its condition, so that the schema has no filter without effect.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import Field, fields
from enum import Enum
from functools import cache
from typing import ClassVar, Final, Protocol, assert_never, cast

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from graphql_schema.fields.field import SchemaField
from graphql_schema.ports.conditions import (
    ALWAYS,
    MAX_FILTER_CONDITIONS,
    MAX_FILTER_DAYS,
    MAX_FILTER_IDS,
    MAX_FILTER_TEXT_LENGTH,
    MAX_PREFIX_BYTES,
    MAX_SUBSTRING_LENGTH,
    Above,
    All,
    AnyOf,
    Below,
    Condition,
    Contains,
    Contaminated,
    HasWord,
    HealthIs,
    In,
    MatchesPattern,
    Negated,
    StartsWith,
    UnusedFor,
    Value,
    nodes,
)
from policies.errors import InvalidError

CONDITIONS: Final = "conditions"
"""The metadata key under which a filter field keeps the function from its value to conditions."""

BESIDE: Final = "beside"
"""The metadata key under which a filter field keeps the attribute of another field that its conditions depend on."""


class FilterInput(Protocol):
    """An input whose fields are all declared with :func:`filter_field`, or with a function that uses it."""

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]


@strawberry.input(description="A condition on a text; every given field must match. Upper and lower case differ.")
class StringFilter:
    """A condition on a text."""

    eq: str | None = strawberry.field(description="The text is equal to this.", default=None)
    in_: list[str] | None = strawberry.field(name="in", description="The text is one of these.", default=None)
    prefix: str | None = strawberry.field(
        description=f"The text starts with this, at most {MAX_PREFIX_BYTES:,} bytes; an empty text adds no condition.",
        default=None,
    )
    contains: str | None = strawberry.field(
        description=f"The text contains this, at most {MAX_SUBSTRING_LENGTH} characters; an empty text adds no "
        "condition. Not possible inside `not`.",
        default=None,
    )


def filter_field(
    description: str, conditions: Callable[..., Iterable[Condition]], *, name: str | None = None, beside: str = ""
) -> SchemaField:
    """Declare a field of a filter; a value that is absent or null adds no condition.

    ``name`` is the GraphQL name if it differs from that of the attribute. ``beside`` is the attribute of another field,
    whose value is a second argument of the function ``conditions``.
    """
    metadata = {CONDITIONS: conditions, BESIDE: beside}
    return strawberry.field(description=description, name=name, default=None, metadata=metadata)


def one_of(key: str, description: str) -> SchemaField:
    """Declare a list of accepted ids, texts or enum values of a native property."""

    def conditions(values: Sequence[str | Enum]) -> Iterator[Condition]:
        yield In(key, tuple(value.name if isinstance(value, Enum) else value for value in values))

    return filter_field(description, conditions)


def text(key: str, description: str) -> SchemaField:
    """Declare a :class:`StringFilter` on a native property; an empty prefix or substring adds no condition."""

    def conditions(wanted: StringFilter) -> Iterator[Condition]:
        if wanted.eq is not None:
            yield In(key, (wanted.eq,))
        if wanted.in_ is not None:
            yield In(key, tuple(wanted.in_))
        if wanted.prefix:
            yield StartsWith(key, wanted.prefix)
        if wanted.contains:
            yield Contains(key, wanted.contains)

    return filter_field(description, conditions)


def above(key: str, description: str) -> SchemaField:
    """Declare an exclusive lower bound of a native property."""

    def conditions(bound: Value) -> Iterator[Condition]:
        yield Above(key, bound)

    return filter_field(description, conditions)


def below(key: str, description: str) -> SchemaField:
    """Declare an exclusive upper bound of a native property."""

    def conditions(bound: Value) -> Iterator[Condition]:
        yield Below(key, bound)

    return filter_field(description, conditions)


def not_below(key: str, description: str) -> SchemaField:
    """Declare an inclusive lower bound of a native property."""

    def conditions(bound: Value) -> Iterator[Condition]:
        yield Negated(Below(key, bound))

    return filter_field(description, conditions)


def condition_of(given: FilterInput) -> All:
    """Return the condition of a filter, the conjunction of the conditions of its fields.

    Raises InvalidError if a value is invalid, or a list or a text is too long.
    """
    found: list[Condition] = []
    for name, attribute, beside, conditions in _declared(type(given)):
        value = getattr(given, attribute)
        if value is not None:
            _refuse_long_list(name, value)
            also = (getattr(given, beside),) if beside else ()
            found += _within_limits(name, conditions(value, *also))
    return All(tuple(found))


def listing_condition(given: FilterInput | None) -> Condition:
    """Return the condition of a filter of attached records, :data:`ALWAYS` for none.

    Raises InvalidError if a value is invalid or too long, or if the lists of the filter have too many values.
    """
    if given is None:
        return ALWAYS
    found = condition_of(given)
    refuse_oversized(*(each for each in found.conditions if isinstance(each, In)))
    return found


@cache
def _declared(filter_: type[FilterInput]) -> tuple[tuple[str, str, str, Callable[..., Iterable[Condition]]], ...]:
    """Return GraphQL name, attribute, attribute beside it and conditions of each field of a filter."""
    return tuple(
        (
            field.graphql_name or to_camel_case(field.name),
            field.name,
            field.metadata.get(BESIDE, ""),
            field.metadata[CONDITIONS],
        )
        for field in cast("tuple[StrawberryField, ...]", fields(filter_))
    )


def refuse_oversized(*conditions: Condition) -> None:
    """Raise InvalidError if one filter has too many values and conditions, counted together, or too many ids.

    Raise it too if it has too many different :class:`UnusedFor`.
    """
    found = [node for condition in conditions for node in nodes(condition)]
    ids = sum(len(node.values) for node in found if isinstance(node, In) and node.key == "urn")
    if ids > MAX_FILTER_IDS:
        raise InvalidError(f"The filter has {ids} ids; the limit is {MAX_FILTER_IDS}. Use several queries.")
    size = sum(len(node.values) if isinstance(node, In) and node.key != "urn" else 1 for node in found)
    if size > MAX_FILTER_CONDITIONS:
        raise InvalidError(
            f"The filter has {size} values and conditions; the limit is {MAX_FILTER_CONDITIONS}. Use several queries."
        )
    days = len({node for node in found if isinstance(node, UnusedFor)})
    if days > MAX_FILTER_DAYS:
        raise InvalidError(
            f"The filter has {days} different `unusedForDays`; the limit is {MAX_FILTER_DAYS}. Use several queries."
        )


def _refuse_long_list(name: str, value: object) -> None:
    """Raise InvalidError if a value is a list that no filter may have, before each element becomes a term."""
    if isinstance(value, list) and len(value) > MAX_FILTER_IDS:
        raise InvalidError(
            f"`{name}` of the filter has {len(value)} values; a filter has at most {MAX_FILTER_IDS} ids and "
            f"{MAX_FILTER_CONDITIONS} other values and conditions. Use several queries."
        )


def _within_limits(name: str, conditions: Iterable[Condition]) -> Iterator[Condition]:
    """Yield the conditions of the field ``name``; raise InvalidError if one has too long a text.

    The conditions of a nested filter are tested with the fields of that filter.
    """
    for condition in conditions:
        match condition:
            case In(_, values):
                _refuse_long(name, values, MAX_FILTER_TEXT_LENGTH)
            case StartsWith(_, text) | MatchesPattern(_, text) | HasWord(_, text):
                _refuse_long(name, (text,), MAX_FILTER_TEXT_LENGTH)
                _refuse_long_prefix(name, text)
            case Contains(_, substring):
                _refuse_long(name, (substring,), MAX_SUBSTRING_LENGTH)
            case Above() | Below() | UnusedFor() | Contaminated() | HealthIs() | All() | AnyOf() | Negated():
                pass
            case _:
                assert_never(condition)
        yield condition


def _refuse_long_prefix(name: str, text: str) -> None:
    size = len(text.encode())
    if size > MAX_PREFIX_BYTES:
        raise InvalidError(
            f"`{name}` of the filter has a prefix of {size} bytes; the limit is {MAX_PREFIX_BYTES}. Use a shorter one."
        )


def _refuse_long(name: str, values: Sequence[Value], limit: int) -> None:
    for value in values:
        if isinstance(value, str) and len(value) > limit:
            raise InvalidError(
                f"`{name}` of the filter has a text of {len(value)} characters; the limit is {limit}. Use a shorter "
                "text."
            )
