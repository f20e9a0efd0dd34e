"""The values of an asset as they would be stored together: the end is not before the begin, and all are not too large.

Nor are its tags, properties, owners and the words of its names too many. Each item has limits of its own. Together with
what other items gave, its values could exceed them.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import orjson

from app.graph.records.edge_record import EdgeKey
from app.graph.records.tag_edge import has_mode
from app.graph.records.vertex_record import ALIASES, GIVEN_BY, is_attached
from app.graph.writing.rules.approved_content import NAMED_RUNS, UNPROTECTED_BY, WEAKENED_BY
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.free_properties import MAX_FREE_PROPERTIES, counted
from graphql_schema.catalog.instants import reversed_intervals
from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.catalog.relations import OWNED_BY, TAGGED, Direction
from graphql_schema.ports.record import Record
from graphql_schema.rules.index_terms import has_new_names, name_length, name_terms
from graphql_schema.rules.observation.observed_columns import COLUMNS, without_sources

MAX_RECORD: Final = 100_000
"""Maximal size of the large values of an asset and the ids of its tags together, as JSON in bytes.

A page of 500 of them stays below the memory that an operation may read, unless they are thousands of short values.
The sources of columns do not count; those of events take up to 144 KiB more. The aliases of a model take up to 100 KB
more for each caller who set some.
"""

MAX_TAGS: Final = 100
"""Maximal number of tags that callers set on one asset, and of those that they block there.

The record of the asset has the ids of the former, and jobs read the edges to all of them. Propagated tags do not count:
administrators decide which tags propagate.
"""

MAX_OWNERS: Final = 100
"""Maximal number of owners of one asset: its record has all of them, and each is a value of the index."""

MAX_NAME_WORDS: Final = 500
"""Maximal number of words in the names and the id of one asset: each is a value of the index."""

LARGE_VALUE: Final = 256
"""Bytes from which on a value counts, so that a stage, an instant or a revision does not."""

_UNCOUNTED: Final = frozenset({"index", NAMED_RUNS, ALIASES, GIVEN_BY, WEAKENED_BY, UNPROTECTED_BY})
"""Record keys that do not count for the size, because it would disclose what is hidden.

They have ids of hidden runs, aliases of hidden versions, the givers of hidden fields, and the callers who removed the
protection of such an alias. Runs and aliases have a maximal number; there is one giver for each field, and each caller
is there once.
"""


def refuse_reversed_intervals(unit: ItemUnit) -> None:
    """Reject the item as INVALID if it gives an end that is before the begin of the asset, or such a begin.

    Either may be stored. One that is stored and hidden from the caller does not count, because the rejection would
    disclose it. An interval that the item does not change is accepted as it is.
    """
    for vid, after in unit.staging.staged.vertices.items():
        for begin, end in reversed_intervals(after):
            before = unit.lookup.batch.vertex(vid) or {}
            given = [name for name in (end, begin) if _is_given(unit, vid, name, before, after)]
            stored = {begin, end}.difference(given)
            if given and not (stored and stored & unit.visibility.unknown_fields(before)):
                raise invalid(
                    f"`{end}` is before `{begin}`; correct one of them. The stored values count as well.", given[0]
                )


def refuse_large_records(unit: ItemUnit) -> None:
    """Reject the item as INVALID if the large values of an asset would exceed MAX_RECORD, and what they were before.

    Stored values that are hidden from the caller do not count, because the rejection would disclose their size.
    """
    for vid, record in unit.staging.staged.vertices.items():
        size = _size(record) if KIND_OF_CODE[record["kind"]].asset else 0
        if size <= MAX_RECORD:
            continue
        before = unit.lookup.batch.vertex(vid) or {}
        unknown = unit.visibility.unknown_fields(before) if before else ()
        hidden = {name for name in unknown if not _is_given(unit, vid, name, before, record)}
        if MAX_RECORD < _size(record, hidden) > _size(before, hidden):
            raise invalid(
                f"The values of {record['id']}, with the ids of its tags, would take more than {MAX_RECORD} bytes "
                "together. Keep large texts elsewhere and register their address."
            )


def refuse_many_values(unit: ItemUnit) -> None:
    """Reject the item as INVALID if an asset would have too many free properties, owners, or words in its names.

    An asset of an earlier release may have more: it keeps them, and gets no further ones. Stored values that are hidden
    from the caller do not count, because the rejection would disclose their number.
    """
    for vid, after in unit.staging.staged.vertices.items():
        if is_attached(after):
            continue
        before = unit.lookup.batch.vertex(vid)
        for limit in _LIMITS:
            if limit.field == "displayName" and _keeps_names(unit, before, after):
                continue
            count = limit.count(after)
            if count <= limit.maximum:
                continue
            stored = 0 if before is None else limit.count(before)
            if before is not None and limit.field in unit.visibility.unknown_fields(before):
                count, stored = _given_count(unit, vid, limit, before, after), 0
            if count > max(limit.maximum, stored):
                raise invalid(
                    f"{after['id']} would have {count} {limit.what}; the limit is {limit.maximum}. {limit.advice}",
                    limit.field,
                )


@dataclass(frozen=True, slots=True)
class _Limit:
    """The ``maximum`` of what ``count`` counts in a record, in words ``what``, and the ``field`` of the input."""

    field: str
    what: str
    maximum: int
    count: Callable[[Record], int]
    advice: str


def _keeps_names(unit: ItemUnit, before: Record | None, after: Record) -> bool:
    """Return whether an asset keeps names that the caller may see: their words are not found again, for each child."""
    if before is None or has_new_names(after, before):
        return False
    return "displayName" not in unit.visibility.unknown_fields(before)


def _given_count(unit: ItemUnit, vid: int, limit: _Limit, before: Record, after: Record) -> int:
    """Return the count of what the item itself gives: a list of properties replaces the stored one."""
    if limit.field == "owners":
        return len(unit.staging.staged.edges.at.get((OWNED_BY.name, Direction.OUT, vid), ()))
    return limit.count(after) if _is_given(unit, vid, limit.field, before, after) else 0


def _property_count(record: Record) -> int:
    return counted(pair["key"] for pair in record.get("properties") or ())


def _owner_count(record: Record) -> int:
    return len(record["index"]["owners"])


def _word_count(record: Record) -> int:
    """Return the number of words of the names; 0 for short names: a text has at most twice as many as characters."""
    return len(name_terms(record)["words"]) if name_length(record) > MAX_NAME_WORDS // 2 else 0


_LIMITS: Final = (
    _Limit(
        "properties",
        "free properties",
        MAX_FREE_PROPERTIES,
        _property_count,
        "Join several of them into one, such as a JSON object, or keep them elsewhere.",
    ),
    _Limit("owners", "owners", MAX_OWNERS, _owner_count, "Name a team that has them as members, or remove others."),
    _Limit("displayName", "words in its names", MAX_NAME_WORDS, _word_count, "Give a shorter display name."),
)


def refuse_many_tags(unit: ItemUnit, vid: int, place: Callable[[str], tuple[str, ...]] | None = None) -> None:
    """Reject the item as INVALID if it sets or blocks a tag on an asset that then has more than MAX_TAGS of these.

    An asset of an earlier release may have more: it keeps them until they are removed. A tag of which the caller does
    not know that it is there does not count. ``place`` returns where the input names a tag.
    """
    staged = unit.staging.staged.edges.at.get((TAGGED.name, Direction.OUT, vid), ())
    for mode, done in ((TagMode.DIRECT, "set"), (TagMode.BLOCKED, "blocked")):
        added = [key for key in staged if _has_mode(unit, key, mode) and not _had_mode(unit, key, mode)]
        carried = (unit.lookup.batch.vertex(vid) or {}).get("index", {}).get("tags", ())
        if not added or (mode is TagMode.DIRECT and len(carried) + len(added) <= MAX_TAGS):
            continue
        unit.lookup.require_hops((TAGGED.out(), vid))
        if sum(_has_mode(unit, key, mode) for key in unit.lookup.edges_at(TAGGED.name, Direction.OUT, vid)) > MAX_TAGS:
            urn, tag = (unit.lookup.known(each)["id"] for each in (vid, added[0][2]))
            message = f"More than {MAX_TAGS} tags would be {done} on {urn}, which is the maximum; remove others first."
            raise invalid(message, *(() if place is None else place(tag)[:1]))


def _has_mode(unit: ItemUnit, key: EdgeKey, mode: TagMode) -> bool:
    """Return whether the caller knows a tag as set or blocked."""
    return has_mode(unit.visibility.known(key), mode, unit.now)


def _had_mode(unit: ItemUnit, key: EdgeKey, mode: TagMode) -> bool:
    """Return whether the caller knew a tag as set or blocked before the item."""
    return has_mode(unit.visibility.known_edge(unit.lookup.batch.edge(key), key), mode, unit.now)


def _size(record: Record, without: Collection[str] = ()) -> int:
    """Return the size of the large values of a record, without _UNCOUNTED, some fields, and the sources of columns.

    These sources may be columns of hidden datasets. Of more than MAX_TAGS tags, stored by an earlier release or
    propagated, only so many count.
    """
    left_out, tags = _UNCOUNTED.union(without), record.get("index", {}).get("tags", ())
    counting = {name: value for name, value in {**record, "tags": tags[:MAX_TAGS]}.items() if name not in left_out}
    if COLUMNS in counting:
        counting[COLUMNS] = without_sources(counting[COLUMNS])
    values = (value for value in counting.values() if isinstance(value, str | list | dict))
    return sum(size for size in map(len, map(orjson.dumps, values)) if size >= LARGE_VALUE)


def _is_given(unit: ItemUnit, vid: int, name: str, before: Record, after: Record) -> bool:
    return before.get(name) != after.get(name) or name in unit.audit.rewritten.get(vid, ())
