"""The fold of observed columns: a schema, and the source columns of which each job says that it computes a column.

The evidence has parts. The part ``schema`` is a list of columns. Every other part has the source columns of each column
by one facet of a job (or producer). It has the subject who sent it last. An empty part that another subject sent is
kept beside it, under its name and that subject, and counts for the bounds.

The sources that events gave are kept apart from those of a registration: a column has the first under OBSERVED_FROM,
the others under ``derivedFrom``. A registration replaces its own and leaves the observed ones; an event, the reverse.
Sources may be hidden from who sends an event. So a part with another value than its sender gave before counts as a
change, whatever is stored, and the bounds are those of each sender.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import orjson

from graphql_schema.ports.record import JsonObject, Record

COLUMNS: Final = "columns"
"""The record key of the columns of a dataset."""

SCHEMA: Final = "schema"
"""The part with the schema; every other part begins with the id of a job, or names a producer."""

OBSERVED_FROM: Final = "observedFrom"
"""Key of a column: the source columns that events gave, in the order of their dataset and name."""

SOURCES: Final = ("derivedFrom", OBSERVED_FROM)
"""The keys of a column with source columns, whose datasets may be hidden from a caller."""

MAX_PARTS: Final = 16
"""Maximal number of parts with source columns that are kept of one sender; of more, those of the greatest order."""

MAX_BYTES: Final = 48 * 1024
"""Maximal size, as JSON, of the parts with source columns that are kept of one sender."""

ALL_SENDERS: Final = 3
"""How many times as much is kept of all senders together."""

SENDER: Final = "sender"
"""Key, in a part with source columns, of the subject who sent it; absent in those of earlier releases."""

_FORMER_SENDER: Final = "by"
"""The mark of the release before for the sender of a part."""

BY_SOURCES: Final = "bySources"
"""Key, with true, of a column that exists only because a job gave sources for it."""

_OBSERVED: Final = ("dataType", "description")
"""The values of a column that a schema gives."""

Parts = Mapping[str, JsonObject]

Sources = dict[tuple[str, str], Record]
"""Source columns by their dataset and name."""


def folded_columns(
    stored: Sequence[Record], before: Parts, after: Parts, repeated: Collection[str] = (), *, is_mixed: bool = True
) -> tuple[list[JsonObject], set[str], dict[str, JsonObject]]:
    """Return the columns by the evidence ``after``, the names of columns with a kept value, and the evidence to store.

    ``stored`` are the columns in the record, which the evidence ``before`` and other clients have made. A kept value is
    one of another client that differs from the schema. The evidence is ``after`` within the bounds of each sender. Only
    columns get other sources that are named by a part with another value, or by one of those that are ``repeated``: the
    parts that the present event sends. If ``before`` has parts of an earlier release, all columns get theirs anew.

    With ``is_mixed``, the ``derivedFrom`` of ``stored`` may have sources of events: an earlier release kept them there.
    """
    old_schema, new_schema = _schema(before), _schema(after)
    parts = _bounded(after)
    former = {name: part for name, part in before.items() if name != SCHEMA and SENDER not in part}
    known = {column["name"]: column for column in stored}
    touched = (
        _touched(before, parts, repeated) | new_schema.keys() - known.keys() | old_schema.keys() - new_schema.keys()
    )
    if former:
        touched |= known.keys() | set(_names_in(parts.values()))
    kept: set[str] = set()
    columns: list[JsonObject] = []
    former_sources, sources = _sources(former), _sources(parts)
    by_sources = {
        name for name, column in known.items() if former and is_mixed and _is_by(former_sources.get(name, {}), column)
    } - old_schema.keys()
    named = set(_names_in(parts.values()))
    names, alone = _names(known, old_schema, new_schema, by_sources, {name: name in named for name in touched})
    lone = frozenset(alone)
    for name in [*names, *alone]:
        column = {key: value for key, value in known.get(name, {"name": name}).items() if key != BY_SOURCES}
        if name in lone:
            column[BY_SOURCES] = True
        _set_observed(column, old_schema.get(name, {}), new_schema.get(name, {}), kept)
        if name in touched:
            _set_sources(column, former_sources.get(name, {}) if is_mixed else {}, sources.get(name, {}))
        columns.append(column)
    return columns, kept, parts


def sender_of(part: Record) -> str:
    """Return the subject who sent a part with source columns; "" if an earlier release did not record it."""
    return str(part.get(SENDER, part.get(_FORMER_SENDER, "")))


def all_sources(column: Record) -> list[Record]:
    """Return the source columns of a column: the registered ones, and then the observed ones that are not among them.

    Each is ``{dataset, column}``, with a ``transformation`` if that is known.
    """
    registered = column.get("derivedFrom") or []
    observed = column.get(OBSERVED_FROM) or []
    known = {(each["dataset"], each["column"]) for each in registered} if observed else ()
    return [*registered, *(each for each in observed if (each["dataset"], each["column"]) not in known)]


def with_observed_sources(columns: Iterable[Record], parts: Parts) -> list[Record]:
    """Return the columns, each with the source columns that the evidence ``parts`` has of it, as observed ones."""
    found = _sources(parts)
    plain = without_sources(columns, (OBSERVED_FROM,))
    return [
        {**column, OBSERVED_FROM: [*sources.values()]} if (sources := found.get(column["name"])) else column
        for column in plain
    ]


def without_sources(columns: Iterable[Record], keys: Collection[str] = SOURCES) -> list[Record]:
    """Return columns without their source columns, by default the registered and the observed ones."""
    return [{name: value for name, value in column.items() if name not in keys} for column in columns]


def with_sources_of(columns: Iterable[Record], stored: Iterable[Record], parts: Parts) -> list[Record]:
    """Return the columns, each with the source columns of the stored one of the same name.

    A column that is not stored has its own registered ones, and as observed ones those of the evidence ``parts``.
    """
    by_name = {column["name"]: {key: column[key] for key in SOURCES if key in column} for column in stored}
    plain = ((column, by_name.get(column["name"])) for column in with_observed_sources(columns, parts))
    return [column if own is None else {**without_sources([column])[0], **own} for column, own in plain]


def _bounded(parts: Parts) -> dict[str, JsonObject]:
    """Return the evidence with the schema, and the latest other parts within the bounds of each sender and of all."""
    senders: dict[str, tuple[int, int]] = {}
    left, count = ALL_SENDERS * MAX_BYTES, ALL_SENDERS * MAX_PARTS
    kept: dict[str, JsonObject] = {}
    others = (part for part in parts if part != SCHEMA)
    for part in sorted(others, key=lambda part: ([*parts[part]["order"]], part), reverse=True):
        entry = {**parts[part], SENDER: sender_of(parts[part])}
        size = len(orjson.dumps(entry["value"]))
        own_size, own_count = senders.get(entry[SENDER], (0, 0))
        own_size, own_count = senders[entry[SENDER]] = own_size + size, own_count + 1
        if own_size <= MAX_BYTES and own_count <= MAX_PARTS:
            left, count = left - size, count - 1
            if left >= 0 and count >= 0:
                kept[part] = entry
    return {part: parts[part] if part == SCHEMA else kept[part] for part in parts if part == SCHEMA or part in kept}


def _schema(parts: Parts) -> dict[str, Record]:
    return {column["name"]: column for column in parts.get(SCHEMA, {"value": []})["value"]}


def _names_in(parts: Iterable[JsonObject]) -> Iterable[str]:
    """Yield the names of the columns for which parts have sources; a name may occur twice."""
    for part in parts:
        if isinstance(part["value"], Mapping):
            yield from part["value"]


def _is_by(sources: Sources, column: Record) -> bool:
    """Return whether a column has nothing but source columns that parts of an earlier release gave."""
    stored = column.get("derivedFrom") or ()
    is_bare = column.keys() <= {"name", "derivedFrom"}
    return is_bare and bool(sources) and all((each["dataset"], each["column"]) in sources for each in stored)


def _touched(before: Parts, after: Parts, repeated: Collection[str]) -> set[str]:
    """Return the names of the columns for which a part with sources differs, or is among those ``repeated``."""
    found: set[str] = set()
    for part in (before.keys() | after.keys()) - {SCHEMA}:
        states = [parts[part] for parts in (before, after) if part in parts]
        if part in repeated or len(states) == 1 or states[0]["value"] != states[1]["value"]:
            found.update(_names_in(states))
    return found


def _sources(parts: Parts) -> dict[str, Sources]:
    """Return the source columns of each column by all jobs, by their dataset and name, in this order."""
    found: dict[str, Sources] = {}
    for part in sorted(part for part in parts if part != SCHEMA):
        for column, sources in (parts[part]["value"] or {}).items():
            of_column = found.setdefault(column, {})
            for source in sources:
                of_column.setdefault((source["dataset"], source["column"]), source)
    return {column: {key: each[key] for key in sorted(each)} for column, each in found.items()}


def _names(
    known: Mapping[str, Record],
    old_schema: Mapping[str, Record],
    new_schema: Mapping[str, Record],
    by_sources: Collection[str],
    named: Mapping[str, bool],
) -> tuple[list[str], list[str]]:
    """Return the names of the columns of the schema and then of other clients, and of those that only sources name.

    A column that the schema no longer has remains only if it has a sensitivity, which no event may remove, or if a job
    still gives sources for it. ``by_sources`` are columns of an earlier release that only sources name, and ``named``
    has the columns whose sources are set, with whether there are any.
    """
    others = list[str]()
    alone = {name for name, has_sources in named.items() if has_sources and name not in new_schema}
    for name, column in known.items():
        if name in new_schema:
            continue
        is_alone = BY_SOURCES in column or name in by_sources
        if column.get("sensitivity") is not None or not (is_alone or name in old_schema):
            others.append(name)
        elif is_alone and named.get(name, True):
            alone.add(name)
    return [*new_schema, *others], sorted(alone.difference(others))


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
    column: JsonObject, former: Mapping[tuple[str, str], Record], new: Mapping[tuple[str, str], Record]
) -> None:
    """Set the observed sources of a column; an earlier release put the ``former`` ones among the registered ones."""
    if former and column.get("derivedFrom"):
        given = column.pop("derivedFrom")
        if others := [each for each in given if (each["dataset"], each["column"]) not in former]:
            column["derivedFrom"] = others
    if new:
        column[OBSERVED_FROM] = [*new.values()]
    else:
        column.pop(OBSERVED_FROM, None)
