"""Values of an input as plain JSON, with checks that need no store."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from math import inf
from typing import Any

import orjson
import strawberry
from strawberry.types.base import StrawberryContainer, StrawberryList, StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from graphql_schema.catalog.instants import milliseconds, reversed_intervals
from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.fields.value_types import PropertyInput
from graphql_schema.inputs.input_fields import REFERS, VALUE, InputValue, ValueField
from graphql_schema.ports.record import Json, JsonObject, Position, Record
from policies.errors import InvalidError

MAX_NAME_LENGTH = 1_024
"""Maximal number of characters of a name or display name."""


MAX_REASON_LENGTH = 4_000
"""Maximal number of characters of a reason."""


MAX_RECORD_BYTES = 64 * 1024
"""Maximal number of bytes of the values of one item, as JSON."""


_SCALARS = frozenset({str, int, float, bool, type(None)})
"""Types whose values are JSON already; no step is made for them."""

Path = tuple[str, ...]


class InputError(InvalidError):
    """Invalid input; ``path`` is the place within the input of the item."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


@contextmanager
def error_path(*path: str) -> Iterator[None]:
    """Raise an InvalidError of the body as InputError with ``path``; an InputError keeps its own path."""
    try:
        yield
    except InputError:
        raise
    except InvalidError as error:
        raise InputError(error.message, *path) from None


@dataclass(frozen=True, slots=True)
class InputField:
    """A field of an input class: its GraphQL name, the name of its attribute, its metadata, and its declaration."""

    name: str
    attribute: str
    metadata: Mapping[Any, Any]
    declaration: StrawberryField

    @property
    def many(self) -> bool:
        """Whether the value is a list."""
        return any(isinstance(each, StrawberryList) for each in self._types())

    @property
    def nested(self) -> type | None:
        """The input class of the value, or of each value of a list; None for a scalar or an enumeration."""
        *_, inner = self._types()
        return inner if isinstance(inner, type) and hasattr(inner, "__strawberry_definition__") else None

    def _types(self) -> Iterator[object]:
        """Yield the type of the field, then the type inside each list and each optional type."""
        each: object = self.declaration.type
        yield each
        while isinstance(each, StrawberryContainer):
            each = each.of_type
            yield each


def fields_of(item: InputValue) -> tuple[InputField, ...]:
    """Return the fields of an input object, or of a class of the schema."""
    return _fields(item.__strawberry_definition__)


@lru_cache(maxsize=64)
def _fields(definition: StrawberryObjectDefinition) -> tuple[InputField, ...]:
    return tuple(
        InputField(field.graphql_name or to_camel_case(field.python_name), field.python_name, field.metadata, field)
        for field in definition.fields
    )


def value_steps(item: InputValue) -> Generator[None, None, JsonObject]:
    """Return the given values by record key, nulls as None, enums as names, nested inputs as objects.

    Raises InputError if one of the values is invalid, or if they are too large together. Pauses after each element of a
    list, so that others have turns before a large item is refused.
    """
    values: JsonObject = {}
    for field in fields_of(item):
        declared: ValueField | None = field.metadata.get(VALUE)
        given = getattr(item, field.attribute)
        if declared is not None and given is not strawberry.UNSET:
            _check(field.name, given, declared)
            is_scalar = type(given) in _SCALARS
            values[declared.stored or field.name] = (
                given if is_scalar else (yield from _json_steps(given, (field.name,)))
            )
    check_record(values)
    return values


def check_record(values: Record) -> None:
    """Raise InputError if the values together exceed MAX_RECORD_BYTES, or one of them is invalid.

    Invalid are a display name that is too long, and an interval that ends before it begins.
    """
    if len(values.get("displayName") or "") > MAX_NAME_LENGTH:
        raise InputError(f"The display name is longer than {MAX_NAME_LENGTH} characters; shorten it.", "displayName")
    for begin, end in reversed_intervals(values):
        raise InputError(f"`{end}` is before `{begin}`; correct one of them.", end)
    size = len(orjson.dumps(values))
    if size > MAX_RECORD_BYTES:
        raise InputError(
            f"The values of the item take {size} bytes; a record holds at most {MAX_RECORD_BYTES}. Keep large texts "
            "elsewhere and register their address."
        )


def to_json(given: InputValue, *path: str) -> Json:
    """Return the JSON value of an input value, without absent and null fields, and empty lists, of nested inputs.

    ``path`` is the place of the value in the input. Raises InputError if a list repeats a unique key, or an id is no
    URN or of a kind that its field does not take.
    """
    return run_at_once(_json_steps(given, path))


def _json_steps(given: InputValue, path: Path) -> Generator[None, None, Json]:
    """Return what :func:`to_json` returns, with a pause after each element of a list."""
    if isinstance(given, Enum):
        return given.name
    if isinstance(given, list):
        return (yield from _plain_list(given, path))
    if hasattr(given, "__strawberry_definition__"):
        return (yield from _plain_object(given, path))
    return given


def require_kind(urn: str, kinds: tuple[str, ...], *path: str) -> str:
    """Return the kind of an id; raises InputError if it is no URN or of none of ``kinds``."""
    with error_path(*path):
        kind = parse_urn(urn).kind
    if kind not in kinds:
        raise InputError(f"{urn} is a {kind}; use the id of a {' or '.join(sorted(kinds))}.", *path)
    return kind


def asset_kind(urn: str, *path: str) -> str:
    """Return the kind of the id of an asset; raises InputError for any other text."""
    return require_kind(urn, ASSETS, *path)


def checked_reason(reason: str | None) -> str | None:
    """Return a reason for the audit, None for an empty one; raises InputError if it is too long."""
    if reason is not None and len(reason) > MAX_REASON_LENGTH:
        raise InputError(f"The reason is longer than {MAX_REASON_LENGTH} characters; shorten it.", "reason")
    return reason or None


def _check(name: str, given: InputValue, declared: ValueField) -> None:
    if given is None and declared.required:
        raise InputError(f"`{name}` cannot be null; give a value, or omit it to keep the stored one.", name)
    if given is not None and declared.within is not None:
        least, greatest = declared.within
        if not least <= given <= greatest:
            bounds = f"of at least {least:g}" if greatest == inf else f"from {least:g} to {greatest:g}"
            raise InputError(f"`{name}` is {given:g}; use a number {bounds}.", name)
    if given is not None and declared.duration and milliseconds(given) is None:
        raise InputError(
            f"`{name}` is {given[:40]!r}; write weeks, days, hours, minutes and seconds, such as `P1D` or `PT6H`.", name
        )


def _plain_list(given: list[Json], path: Path) -> Generator[None, None, list[Json]]:
    values = []
    for index, each in enumerate(given):
        values.append(each if type(each) in _SCALARS else (yield from _json_steps(each, (*path, str(index)))))
        yield
    unique = getattr(type(given[0]), "UNIQUE", None) if given else None
    if unique is not None:
        _refuse_twice([tuple(value.get(part) for part in unique) for value in values], path)
    if given and isinstance(given[0], PropertyInput):
        values.sort(key=lambda pair: str(pair["key"]))
    return values


def _refuse_twice(keys: list[Position], path: Path) -> None:
    first: dict[Position, int] = {}
    for index, key in enumerate(keys):
        if first.setdefault(key, index) != index:
            name = " of ".join(str(part) for part in key if part is not None)
            raise InputError(
                f"{name[:80]!r} is listed twice, first at index {first[key]}; list it once.", *path, str(index)
            )


def _plain_object(given: InputValue, path: Path) -> Generator[None, None, JsonObject]:
    values: JsonObject = {}
    for field in fields_of(given):
        value = getattr(given, field.attribute)
        if value is None or value is strawberry.UNSET or value == []:
            continue
        if REFERS in field.metadata:
            require_kind(value, field.metadata[REFERS], *path, field.name)
        is_scalar = type(value) in _SCALARS
        values[field.name] = value if is_scalar else (yield from _json_steps(value, (*path, field.name)))
    return values


def check_text(text: str | None, max_length: int, name: str) -> None:
    """Raise InputError for a text that is blank, too long, or contains NUL; None is accepted."""
    if text is not None and (not text.strip() or len(text) > max_length or "\0" in text):
        raise InputError(f"`{name}` needs 1 to {max_length} characters, not all of them blank, and no NUL.", name)
