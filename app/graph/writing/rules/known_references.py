"""References to ids that are not registered: rejected for an item that must create no stub."""

from collections.abc import Iterable
from typing import Final

from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import unknown_references

MAX_REPORTED: Final = 20
"""Maximal number of unknown references that one rejection names."""


def refuse_unknown(unit: ItemUnit, known_ids: frozenset[str] | None, named: Iterable[tuple[str, str]]) -> None:
    """Reject the item if it refers to an id that is not registered; ``known_ids`` None accepts every id.

    ``named`` has each id with its input field. Accepted are ids of visible assets that are no stubs, the ids in
    ``known_ids``, and owners whose assets count as the caller's own. A hidden asset is rejected like an absent one.
    """
    if known_ids is None:
        return
    wanted = {urn: field for urn, field in named if urn not in known_ids and urn not in unit.author.owners}
    unit.lookup.require_records(*wanted)
    unknown = [(urn, field) for urn, field in wanted.items() if not _is_registered(unit, urn)]
    for urn, _ in unknown:
        unit.visibility.report_hidden_id(urn)
    if unknown:
        raise unknown_references(unknown[:MAX_REPORTED])


def _is_registered(unit: ItemUnit, urn: str) -> bool:
    record = unit.visibility.visible(urn)
    return record is not None and record["hydration"] != "STUB"
