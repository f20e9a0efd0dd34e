"""The values of an asset as they would be stored together: the end is not before the begin, and all are not too large.

Each item has limits of its own. Together with what other items gave, its values could exceed them.
"""

from collections.abc import Collection
from typing import Final

import orjson

from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.instants import reversed_intervals
from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.ports.record import Record

MAX_RECORD: Final = 100_000
"""Maximal size of the large values of an asset together, as JSON in bytes.

A page of 500 of them stays below the 64 Mi characters that an operation may read.
"""

LARGE_VALUE: Final = 256
"""Bytes from which on a value counts, so that a stage, an instant or a revision does not."""


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
                f"The values of {record['id']} would take more than {MAX_RECORD} bytes together. Keep large texts "
                "elsewhere and register their address."
            )


def _size(record: Record, without: Collection[str] = ()) -> int:
    """Return the size of the large values of a record, without its lists of owners and tags and some fields."""
    counting = (value for name, value in record.items() if name not in {"index", *without})
    values = (value for value in counting if isinstance(value, str | list | dict))
    return sum(size for size in map(len, map(orjson.dumps, values)) if size >= LARGE_VALUE)


def _is_given(unit: ItemUnit, vid: int, name: str, before: Record, after: Record) -> bool:
    return before.get(name) != after.get(name) or name in unit.audit.rewritten.get(vid, ())
