"""Ids that are values rather than edges: the datasets of source columns, and the run of a link.

What a caller may not read it may not compare. If such an id is hidden from the caller, or absent, the given value
counts as changed, whether it is stored already or not.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.ports.commands import Command, LinkCommand, ObserveCommand, RegisterCommand
from graphql_schema.ports.record import Record
from graphql_schema.rules.observation.observed_columns import COLUMNS, SCHEMA

RUN_ID: Final = "runId"
"""Key, in the values of a link, of the id of the run that observed the edge."""


def references_in(command: Command) -> Iterator[str]:
    """Yield the ids that the values of a registration, an observation or a link name."""
    if isinstance(command, RegisterCommand):
        yield from source_datasets(command.values.get(COLUMNS) or ())
    elif isinstance(command, ObserveCommand):
        given = (each.value for each in command.values if each.field == COLUMNS and each.part != SCHEMA)
        for value in given:
            yield from (source["dataset"] for sources in (value or {}).values() for source in sources)
    elif isinstance(command, LinkCommand) and command.values.get(RUN_ID):
        yield command.values[RUN_ID]


def names_unseen(unit: ItemUnit, command: Command) -> bool:
    """Return whether one of :func:`references_in` is hidden from the caller, or absent."""
    return any_unseen(unit, references_in(command))


def any_unseen(unit: ItemUnit, urns: Iterable[str]) -> bool:
    """Return whether one of these ids is hidden from the caller, or absent."""
    named = [*dict.fromkeys(urns)]
    unit.lookup.require_records(*named)
    records = map(unit.lookup.record, named)
    return any(record is None or not unit.visibility.is_visible(record) for record in records)


def source_datasets(columns: Iterable[Record]) -> Iterator[str]:
    """Yield the datasets of the source columns of some columns."""
    for column in columns:
        yield from (source["dataset"] for source in column.get("derivedFrom") or ())
