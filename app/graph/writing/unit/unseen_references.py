"""Ids that are values rather than edges: the datasets of source columns, and the run of a link.

What a caller may not read it may not compare. If such an id is hidden from the caller, or absent, the given value
counts as changed, whether it is stored already or not.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.ports.commands import Command, LinkCommand, ObserveCommand, RegisterCommand
from graphql_schema.ports.record import JsonObject, Record
from graphql_schema.rules.observation.observed_columns import COLUMNS, SCHEMA, SENDER

RUN_ID: Final = "runId"
"""Key, in the values of a link, of the id of the run that observed the edge."""


def references_in(command: Command) -> Iterator[str]:
    """Yield the ids that the values of a registration, an observation or a link name."""
    if isinstance(command, RegisterCommand):
        yield from source_datasets(command.values.get(COLUMNS) or ())
    elif isinstance(command, ObserveCommand):
        yield from (urn for _, sources in _observed_sources(command) for urn in sources)
    elif isinstance(command, LinkCommand) and command.values.get(RUN_ID):
        yield command.values[RUN_ID]


def names_unseen(unit: ItemUnit, command: Command) -> bool:
    """Return whether one of :func:`references_in` is hidden from the caller, or absent."""
    return any_unseen(unit, references_in(command))


def guessed_parts(unit: ItemUnit, command: ObserveCommand, parts: Mapping[str, JsonObject]) -> frozenset[str]:
    """Return the parts of observed columns with a source that is hidden from the caller, or absent.

    Those that the caller sent before, by the evidence ``parts``, are left out: the caller knows their sources.
    """
    unit.lookup.require_records(*dict.fromkeys(references_in(command)))
    return frozenset(
        part
        for part, sources in _observed_sources(command)
        if parts.get(part, {}).get(SENDER) != unit.author.subject and any_unseen(unit, sources)
    )


def _observed_sources(command: ObserveCommand) -> Iterator[tuple[str, list[str]]]:
    """Yield each part of observed columns with the datasets that it names as sources."""
    for each in command.values:
        if each.field == COLUMNS and each.part != SCHEMA:
            columns = (each.value or {}).values()
            yield each.part, [source["dataset"] for sources in columns for source in sources]


def any_unseen(unit: ItemUnit, urns: Iterable[str]) -> bool:
    """Return whether one of these ids is hidden from the caller, or absent."""
    named = [*dict.fromkeys(urns)]
    unit.lookup.require_records(*named)
    records = map(unit.lookup.record, named)
    return any(record is None or not unit.visibility.is_visible(record) for record in records)


def source_datasets(columns: Iterable[Record]) -> Iterator[str]:
    """Yield the datasets of the source columns of some columns."""
    for column in columns:
        for source in column.get("derivedFrom") or ():
            yield source["dataset"]
