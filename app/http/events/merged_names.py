"""Names of an event that mean a merged dataset: the report and the record have the dataset that remains."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.ingest.sources.openlineage.event_names import NameRule
from app.ingest.sources.openlineage.mapping import MappedEvent
from graphql_schema.inputs.command_ids import with_ids
from graphql_schema.ports.commands import ObserveCommand
from graphql_schema.ports.outcomes import WriteOutcome


def with_remaining(mapped: MappedEvent, outcomes: Sequence[WriteOutcome]) -> MappedEvent:
    """Return the mapping with remaining datasets in place of merged ones; ``outcomes`` has one for each command.

    The rule of such a name is MERGED. A name of a dataset that was not written stays as it is.
    """
    remaining: dict[str, str] = {
        command.urn: outcome.urn
        for command, outcome in zip(mapped.commands, outcomes, strict=True)
        if isinstance(command, ObserveCommand) and outcome.stored and outcome.urn not in {None, command.urn}
    }
    return _renamed(mapped, remaining) if remaining else mapped


def _renamed(mapped: MappedEvent, remaining: Mapping[str, str]) -> MappedEvent:
    def current(urn: str) -> str:
        return remaining.get(urn, urn)

    return replace(
        mapped,
        subject=current(mapped.subject),
        commands=tuple(with_ids(command, current) for command in mapped.commands),
        resolved=tuple(
            replace(each, urn=current(each.urn), rule=NameRule.MERGED) if each.urn in remaining else each
            for each in mapped.resolved
        ),
        ignored=tuple(replace(each, urn=current(each.urn)) for each in mapped.ignored),
    )
