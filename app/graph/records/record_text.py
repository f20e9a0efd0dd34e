"""Records as the store keeps them: JSON text in the property ``record`` of a vertex or an edge."""

from collections.abc import Sequence

import orjson

from graphql_schema.ports.record import Json, JsonObject, Record


def text_of(record: Record) -> str:
    """Return the JSON text of a record."""
    return orjson.dumps(record).decode()


def record_of(text: str) -> Record:
    """Return the record in a JSON text."""
    record: JsonObject = orjson.loads(text)
    return record


def records_by_id(flat: Sequence[Json]) -> dict[int, Record]:
    """Return the records of a response ``[vertex id, text, vertex id, text, …]`` by vertex id."""
    return {vid: record_of(text) for vid, text in zip(flat[::2], flat[1::2], strict=True)}
