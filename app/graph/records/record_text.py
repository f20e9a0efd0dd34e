"""Records as the store keeps them: JSON text in the property ``record`` of a vertex or an edge."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Final, NoReturn

import orjson

from graphql_schema.ports.record import Json, JsonObject, Record

_ELEMENT_BYTES: Final = 64
"""Bytes of an element of a list or of a value of an object, besides its characters; mostly those of a short text."""

_OBJECT_BYTES: Final = 180
"""Bytes of an object besides its values."""

PART_WEIGHT: Final = 1024 * 1024
"""Weight of records that are parsed between two pauses, in about a millisecond."""


def text_of(record: Record) -> str:
    """Return the JSON text of a record; raises ValueError for a number that is not finite.

    Inputs with such a number are refused before. orjson would write null, which a required field cannot return. A text
    without null therefore needs no search for one.
    """
    text = orjson.dumps(record)
    if b"null" in text:
        _require_finite(record)
    return text.decode()


def _require_finite(value: Json) -> None:
    """Raise ValueError if a value contains a number that is not finite."""
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"a record cannot store {value}; refuse it where it is read")
    elif isinstance(value, dict):
        for each in value.values():
            _require_finite(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _require_finite(each)


def size_of(record: Record) -> int:
    """Return the number of bytes of the JSON text of a record."""
    return len(orjson.dumps(record))


LEAST_BYTES: Final = 5
"""Bytes as which each character counts at least in the budget of an operation: long texts have to be read as well."""


LONG_TEXT: Final = 256 * 1024
"""Number of characters from which on quoted texts are not left out of the weight of a record.

To find those in millions of characters holds the event loop.
"""

MAX_BYTES: Final = 24
"""Bytes of memory for each character of a record with as many short values, beside a wide character, as it may have."""


class DecodedTexts:
    """How many ``characters`` of records this process has decoded."""

    characters = 0


DECODED: Final = DecodedTexts()


def record_of(text: str) -> Record:
    """Return the record in a JSON text, whose characters count in DECODED."""
    DECODED.characters += len(text)
    record: JsonObject = orjson.loads(text)
    return record


def weight_of(text: str) -> int:
    """Return the bytes of memory that the record in a text takes, by estimate, without parsing it.

    The text itself counts, and each value: a record of many short values takes 20 bytes for each character, an
    ordinary one 3 to 5 (docs/adr/0017-graph-cache.md). Each comma counts as a value and each brace as an object, also
    within a quoted text: this is quick, and rather too high. Quoted texts are left out only if it comes to more than
    LEAST_BYTES for each character. So a description of 65,000 braces weighs little more than its characters. A record
    of LONG_TEXT weighs at most MAX_BYTES for each character instead.
    """
    size = sys.getsizeof(text)
    weight = size + _values_weight(text)
    if weight <= LEAST_BYTES * len(text):
        return weight
    return min(weight, MAX_BYTES * len(text)) if len(text) >= LONG_TEXT else size + _values_weight(_unquoted(text))


def _values_weight(text: str) -> int:
    """Return the bytes of the values and objects that the commas and braces of a text separate."""
    return _ELEMENT_BYTES * text.count(",") + _OBJECT_BYTES * text.count("{")


def _unquoted(text: str) -> str:
    """Return JSON without its quoted texts.

    Of backslashes in a row, each two are one backslash of the text; the last of an odd number escapes what follows.
    """
    if "\\" in text:
        text = text.replace("\\\\", "").replace('\\"', "")
    return "".join(text.split('"')[::2])


def parts_of(texts: Sequence[str]) -> Iterator[tuple[slice, list[int]]]:
    """Yield consecutive parts of texts, each with the weights of its texts; a part ends when it has PART_WEIGHT."""
    begin, total, weights = 0, 0, list[int]()
    for end, text in enumerate(texts, 1):
        weights.append(weight_of(text))
        total += weights[-1]
        if total >= PART_WEIGHT or end == len(texts):
            yield slice(begin, end), weights
            begin, total, weights = end, 0, []


class BriefRecord(Mapping[str, Json]):
    """A record whose values of some keys, ``left_out``, were not read.

    Whatever needs one of these values, or all values, calls ``require``, which raises. So no such value is ever taken
    for absent. It is no ``dict``, so that no library writes it as if it were complete.
    """

    __slots__ = ("_left_out", "_require", "_values")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: Mapping[str, Json], left_out: frozenset[str], require: Callable[[], NoReturn]) -> None:
        self._values = values
        self._left_out = left_out
        self._require = require

    def with_values(self, values: Mapping[str, Json], *, without: str) -> "BriefRecord":
        """Return the record with these values in place of its own, and without one key; both must have been read."""
        assert not self._left_out & {*values, without}  # noqa: S101 - short values are never left out
        rest = {key: value for key, value in self._values.items() if key != without}
        return BriefRecord({**rest, **values}, self._left_out, self._require)

    def __getitem__(self, key: str) -> Json:
        if key in self._left_out:
            self._require()
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values or key in self._left_out

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return self._require()

    def __len__(self) -> int:
        return self._require()

    def __eq__(self, other: object) -> bool:
        return self is other or self._require()
