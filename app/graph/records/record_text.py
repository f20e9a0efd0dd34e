"""Records as the store keeps them: JSON text in the property ``record`` of a vertex or an edge."""

from math import isfinite

import orjson

from graphql_schema.ports.record import Json, JsonObject, Record


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


def record_of(text: str) -> Record:
    """Return the record in a JSON text."""
    record: JsonObject = orjson.loads(text)
    return record
