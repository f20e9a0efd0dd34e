"""The native properties of a vertex: what the store keeps beside its record, to find, filter and order vertices by."""

from collections.abc import Mapping
from typing import Final

from app.graph.records.merged_record import is_merged
from app.graph.records.record_text import text_of
from app.graph.records.vertex_record import CONFIRMED, DUE_AT, begins, confirmed_sensitivity, is_attached
from graphql_schema.catalog.index_values import cost_rank, path_terms, property_term
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.properties import NATIVE_PROPERTIES
from graphql_schema.ports.record import Json, JsonObject, Record
from graphql_schema.rules.change_stamp import MADE_AT
from graphql_schema.rules.index_terms import name_terms, prose_terms

_LISTED: Final[Mapping[str, tuple[str, ...]]] = {
    "CHANGE": ("subject", "subjectKind", "actor", "action"),
    "CHANGE_PLAN": ("state",),
    "INCIDENT": ("state",),
    "INGESTION": ("subject", "actor", "source", "state"),
    "THIN_EVENT": ("subject", "actor", "source", "state"),
}
"""Kinds of attached records that the index lists, each with the values by which its list is filtered."""

_UNUSED: Final = {"usedAt": 0, "servedAt": 0, "lastUsedAt": 0}
"""Initial native values of the last use; they are not in the record.

:meth:`app.graph.writing.unit.staging.Staging.mark` stages later ones.
"""

MARKS: Final = frozenset(_UNUSED)
"""Names of the native values that are not derived from the record."""

_NONE: Final[Mapping[str, Json]] = {"String": "", "Long": 0, "Double": 0.0, "Boolean": False}
"""The native value of a record without a value, by Java class.

An absent property satisfies neither a test nor its opposite (docs/design/janusgraph.md).
"""

_PATHS: Final = {"codePaths": "codeRef", "dataPaths": "location"}
"""Native sets of the terms of a path, with the field that has the path."""

_OF_ASSETS: Final = [stored for stored in NATIVE_PROPERTIES if not stored.attached_only]


def native_values(record: Record, before: Record | None = None) -> tuple[JsonObject, dict[str, list[str]]]:
    """Return the native properties to write for a record, by name: the single values, and the sets.

    These are all of a new vertex, or those that differ from the ones of ``before``, the stored record.
    """
    values, sets = _natives(record, before)
    if before is not None:
        stored, stored_sets = _natives(before, record)
        values = {name: value for name, value in values.items() if value != stored[name]}
        sets = {name: members for name, members in sets.items() if members != stored_sets[name]}
    if is_attached(record):
        return values, sets
    return {**values, **prose_terms(record, before)}, {**sets, **name_terms(record, before)}


def _natives(record: Record, other: Record | None) -> tuple[JsonObject, dict[str, list[str]]]:
    """Return the native properties that follow from a record, save its index terms; ``other`` as sets_of_asset."""
    if is_attached(record):
        return _natives_of_attached(record), {}
    index = record["index"]
    values = {
        **{stored.name: _native(record, stored.name, _NONE[stored.java]) for stored in _OF_ASSETS if not stored.many},
        CONFIRMED: confirmed_sensitivity(record),
        "urn": record["id"],
        "domain": index["domain"],
        "begins": begins(record),
        "deletedAt": 0 if is_merged(record) else record.get("deletedAt") or FOREVER,  # no list of any instant has it
        **_UNUSED,
        "cost": cost_rank(record.get("costUsd") or 0),
        "record": text_of(record),
    }
    return values, sets_of_asset(record, other)


def has_new_sets(record: Record, before: Record) -> bool:
    """Return whether sets may differ: unless both records share the values from which these follow."""
    sources = ("index", "properties", *_PATHS.values(), *(stored.name for stored in _OF_ASSETS if stored.many))
    return any(record.get(name) is not before.get(name) for name in sources)


def sets_of_asset(record: Record, other: Record | None = None) -> dict[str, list[str]]:
    """Return the sets among the native properties of an asset, save its index terms.

    Without the terms of the free properties, if ``other`` shares these: to make those of an asset takes up to 2 ms.
    """
    index = record["index"]
    owners = [urn for urn, _ in index["owners"]]
    sets = {stored.name: _native(record, stored.name, [""]) for stored in _OF_ASSETS if stored.many}
    is_shared = other is not None and record.get("properties") is other.get("properties")
    terms = {} if is_shared else {"pairs": _pairs(record)}
    return {**sets, **terms, **_paths(record), "owners": owners or [""], "tags": index["tags"] or [""]}


def _native(record: Record, name: str, none: Json) -> Json:
    """Return the value of a record under the name of a native property, ``none`` if it has no value or no members."""
    value = record.get(name)
    return none if value is None or value == [] else value


def _pairs(record: Record) -> list[str]:
    """Return the terms of the free properties of an asset, "" alone if it has none."""
    return [property_term(pair["key"], pair["value"]) for pair in record.get("properties") or ()] or [""]


def _paths(record: Record) -> dict[str, list[str]]:
    """Return the terms of the paths in which the `codeRef` and the `location` of an asset end, "" alone without one."""
    return {name: path_terms(str(record.get(field) or "")) or [""] for name, field in _PATHS.items()}


def _natives_of_attached(record: Record) -> JsonObject:
    """Return the native values of an attached record; only kinds with lists of their own are indexed."""
    values: JsonObject = {"record": text_of(record)}
    listed = _LISTED.get(record["kind"])
    if listed is not None:
        values |= {key: record[key] for key in ("tenant", "kind", "createdAt", *listed)} | {"urn": record["id"]}
        if MADE_AT in record:
            values["begins"] = record[MADE_AT]
        if DUE_AT in record:
            values["begins"] = record[DUE_AT]
    return values
