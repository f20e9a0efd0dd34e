"""Begin and end of an asset as it would be stored: the end must not be before the begin."""

from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.instants import reversed_intervals
from graphql_schema.ports.record import Record


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


def _is_given(unit: ItemUnit, vid: int, name: str, before: Record, after: Record) -> bool:
    return before.get(name) != after[name] or name in unit.audit.rewritten.get(vid, ())
