"""The size of an item, which decides how it is batched and where it is planned."""

from collections.abc import Iterator
from typing import Final

from graphql_schema.ports.commands import (
    Command,
    DeleteCommand,
    EventCommand,
    MergeCommand,
    ObserveCommand,
    RegisterCommand,
    RestoreCommand,
    RevertCommand,
    SetAliasCommand,
)
from graphql_schema.rules.index_terms import PROSE

LONG_ITEM: Final = 100
"""Number of edges or observed values above which an item is planned in the side thread; that many take 5 to 12 ms."""

COMMAND_EDGES: Final = 10
"""Number of edges as which each further command of an event counts: its asset takes about 1 ms, without any edge."""

REACHING: Final = (DeleteCommand, RestoreCommand, MergeCommand, RevertCommand, SetAliasCommand)
"""Commands that read or change edges and assets which they do not name, sometimes thousands."""

REACHING_EDGES: Final = 1_250
"""Number of edges as which such a command counts in a transaction."""


def commands_in(item: Command) -> Iterator[Command]:
    """Yield the commands of an event, or the item itself if it is no event."""
    if isinstance(item, EventCommand):
        yield from item.commands
    else:
        yield item


def command_count(item: Command) -> int:
    """Return the number of commands of an item: those of an event and its record, 1 for every other item."""
    return len(item.commands) + 1 if isinstance(item, EventCommand) else 1


def edge_count(item: Command) -> int:
    """Return the number of edges that a registration or observation declares or ends, and all of an event; else 1."""
    if isinstance(item, EventCommand):
        return sum(map(edge_count, item.commands)) + 1
    if not isinstance(item, RegisterCommand | ObserveCommand):
        return 1
    return sum(len(each.targets) + len(each.removes) for each in item.edges)


def text_length(item: Command) -> int:
    """Return the number of characters of the descriptions that an item gives: their words are found for the index."""
    return sum(len(text or "") for each in commands_in(item) for text in _descriptions(each))


def _descriptions(command: Command) -> Iterator[str | None]:
    """Yield the descriptions that a command gives."""
    if isinstance(command, RegisterCommand):
        yield command.values.get(PROSE)
    elif isinstance(command, ObserveCommand):
        yield from (each.value for each in command.values if each.field == PROSE)


def is_long(item: Command) -> bool:
    """Return whether the plan of an item takes so long that it belongs in the side thread."""
    commands = [*commands_in(item)]
    values = sum(len(each.values) for each in commands if isinstance(each, ObserveCommand))
    return edge_count(item) + COMMAND_EDGES * (len(commands) - 1) > LONG_ITEM or values > LONG_ITEM


def weight(item: Command) -> int:
    """Return the number of edges as which an item counts in a transaction with those of other calls."""
    return REACHING_EDGES if isinstance(item, REACHING) else edge_count(item)
