"""The fold of observed columns: a schema, and the source columns of which each job says that it computes a column.

The evidence has parts. The part ``schema`` is a list of columns. Every other part has the source columns of each column
by one facet of a job (or producer); a job has up to three such parts. Values that another client registered remain: a
sensitivity, a description, a column, a source column.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from graphql_schema.ports.record import Json, JsonObject, Record

COLUMNS: Final = "columns"
"""The record key of the columns of a dataset."""

SCHEMA: Final = "schema"
"""The part with the schema; every other part begins with the id of a job, or names a producer."""

MAX_PARTS: Final = 16
"""Maximal number of parts with source columns that are kept; of more, those of the greatest order."""

MAX_BYTES: Final = 48 * 1024
"""Maximal size of the columns of a dataset as JSON; sources are left out if the columns would be larger."""

SENDER: Final = "by"
"""Key, in a part with source columns, of the subject who sent it."""

_OBSERVED: Final = ("dataType", "description")
"""The values of a column that a schema gives."""


def folded_columns(
    stored: Sequence[Record], before: Mapping[str, JsonObject], after: Mapping[str, JsonObject]
) -> tuple[list[JsonObject], set[str], dict[str, JsonObject]]:
    """Return the columns by the evidence ``after``, the names of columns with a kept value, and the evidence to store.

    ``stored`` are the columns in the record, which the evidence ``before`` and other clients have made. A kept value is
    one of another client that differs from the schema. The evidence is ``after`` with at most MAX_PARTS other parts.
    """
    after = _with_last_parts(after)
    old_schema, new_schema = _schema(before), _schema(after)
    old_sources, new_sources = _sources(before), _sources(after)
    known = {column["name"]: column for column in stored}
    kept: set[str] = set()
    columns: list[JsonObject] = []
    for name in _names(known, old_schema, new_schema, old_sources, new_sources):
        column = {**known.get(name, {"name": name})}
        _set_observed(column, old_schema.get(name, {}), new_schema.get(name, {}), kept)
        _set_sources(column, old_sources.get(name, {}), new_sources.get(name, {}))
        columns.append(column)
    if len(orjson.dumps(columns)) > MAX_BYTES:
        columns = [{key: value for key, value in column.items() if key != "derivedFrom"} for column in columns]
    return columns, kept, after


def with_sender(
    before: Mapping[str, JsonObject], after: Mapping[str, JsonObject], subject: str
) -> dict[str, JsonObject]:
    """Return the evidence ``after`` an event, with its sender in the parts with source columns that it gave."""
    return {
        part: entry if part == SCHEMA or entry is before.get(part) else {**entry, SENDER: subject}
        for part, entry in after.items()
    }


def _with_last_parts(parts: Mapping[str, JsonObject]) -> dict[str, JsonObject]:
    """Return the evidence with the schema, and the MAX_PARTS other parts of the greatest order."""
    others = sorted((part for part in parts if part != SCHEMA), key=lambda part: (parts[part]["order"], part))
    dropped = set(others[:-MAX_PARTS])
    return {part: entry for part, entry in parts.items() if part not in dropped}


def _schema(parts: Mapping[str, JsonObject]) -> dict[str, Record]:
    return {column["name"]: column for column in parts.get(SCHEMA, {"value": []})["value"]}


def _sources(parts: Mapping[str, JsonObject]) -> dict[str, dict[tuple[str, str], Record]]:
    """Return the source columns of each column by all jobs, by their dataset and name."""
    found: dict[str, dict[tuple[str, str], Record]] = {}
    for part in sorted(part for part in parts if part != SCHEMA):
        for column, sources in parts[part]["value"].items():
            for source in sources:
                found.setdefault(column, {}).setdefault((source["dataset"], source["column"]), source)
    return found


def _names(
    known: Mapping[str, Record],
    old_schema: Mapping[str, Record],
    new_schema: Mapping[str, Record],
    old_sources: Mapping[str, Json],
    new_sources: Mapping[str, Json],
) -> list[str]:
    """Return the names of all columns: those of the schema, then those of other clients, then those with sources.

    A column that the schema no longer has remains only if it has a sensitivity, which no event may remove, or if a job
    still gives sources for it.
    """
    others = [
        name
        for name, column in known.items()
        if name not in new_schema
        and ((name not in old_schema and name not in old_sources) or column.get("sensitivity") is not None)
    ]
    rest = sorted(name for name in new_sources if name not in new_schema and name not in others)
    return [*new_schema, *others, *rest]


def _set_observed(column: JsonObject, old: Record, new: Record, kept: set[str]) -> None:
    """Set the values of a schema in a column.

    A value of another client remains; if the schema gives a different one, the column is added to ``kept``.
    """
    for key in _OBSERVED:
        stored = column.get(key)
        if stored is not None and stored != old.get(key) and stored != new.get(key):
            if key in new:
                kept.add(str(column["name"]))
        elif key in new:
            column[key] = new[key]
        elif stored == old.get(key):
            column.pop(key, None)


def _set_sources(
    column: JsonObject, old: Mapping[tuple[str, str], Record], new: Mapping[tuple[str, str], Record]
) -> None:
    """Set the source columns: those of other clients as they are, then the observed ones."""
    stored = column.pop("derivedFrom", None) or []
    others = [each for each in stored if (each["dataset"], each["column"]) not in old]
    mine = {(each["dataset"], each["column"]) for each in others}
    sources = [*others, *(new[key] for key in sorted(new) if key not in mine)]
    if sources:
        column["derivedFrom"] = sources
