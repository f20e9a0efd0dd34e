"""References to ids that are not registered: rejected for an item that must create no stub."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import unknown_references
from graphql_schema.ports.commands import Command, LinkCommand, RegisterCommand

Path = tuple[str, ...]
"""The path of a value in the input."""

MAX_REPORTED: Final = 20
"""Maximal number of unknown references that one rejection names."""


def refuse_unknown(unit: ItemUnit, known_ids: frozenset[str] | None, named: Iterable[tuple[str, Path]]) -> None:
    """Reject the item if it refers to an id that is not registered; ``known_ids`` None accepts every id.

    ``named`` has each id with its path in the input. Accepted are visible ids that are no stubs, the ids in
    ``known_ids``, and owners whose assets count as the caller's own. An id in ``known_ids`` does not count
    if a rejected item of the batch would have registered it. A hidden asset is rejected like an absent one.
    """
    if known_ids is None:
        return
    known = (known_ids - unit.lookup.batch.refused_ids) | unit.author.owners
    wanted = {urn: path for urn, path in named if urn not in known}
    unit.lookup.require_records(*wanted)
    unknown = [(urn, path) for urn, path in wanted.items() if not _is_registered(unit, urn)]
    for urn, _ in unknown:
        unit.visibility.report_hidden_id(urn)
    if unknown:
        raise unknown_references(unknown[:MAX_REPORTED])


def without_known(command: Command, refused: Collection[str]) -> Command:
    """Return a command without the ids ``refused``, which earlier items failed to register, in its ``known_ids``."""
    if not isinstance(command, RegisterCommand | LinkCommand) or not command.known_ids or not refused:
        return command
    return replace(command, known_ids=command.known_ids.difference(refused))


def _is_registered(unit: ItemUnit, urn: str) -> bool:
    record = unit.visibility.visible(urn)
    return record is not None and record["hydration"] != "STUB"
