"""Ids that are values rather than edges: the run of a link.

What a caller may not read it may not compare. If such an id is hidden from the caller, or absent, the given value
counts as changed, whether it is stored already or not.
"""

from collections.abc import Iterable
from typing import Final

from app.graph.writing.unit.item_unit import ItemUnit

RUN_ID: Final = "runId"
"""Key, in the values of a link, of the id of the run that observed the edge."""


def any_unseen(unit: ItemUnit, urns: Iterable[str]) -> bool:
    """Return whether one of these ids is hidden from the caller, or absent."""
    named = [*dict.fromkeys(urns)]
    unit.lookup.require_records(*named)
    records = map(unit.lookup.record, named)
    return any(record is None or not unit.visibility.is_visible(record) for record in records)
