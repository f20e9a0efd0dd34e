"""The size of an item, which decides how it is batched and where it is planned."""

from collections.abc import Iterator
from typing import Final

from graphql_schema.catalog.relations import STARTED_BY, VERSION_OF
from graphql_schema.ports.commands import (
    ApproveCommand,
    CloseChangePlanCommand,
    Command,
    DeleteCommand,
    EventCommand,
    LinkCommand,
    MergeCommand,
    ObserveCommand,
    PlanChangeCommand,
    RegisterCommand,
    RestoreCommand,
    RevertCommand,
    SetAliasCommand,
    UnlinkCommand,
)
from graphql_schema.rules.index_terms import PROSE, words_length
from graphql_schema.rules.observation.observed_columns import COLUMNS

LONG_ITEM: Final = 100
"""Number of observed values above which an item is planned in the side thread, which take 5 to 12 ms.

Further commands of an event count as COMMAND_EDGES.
"""

MANY_DECIDED: Final = 10
"""Number of edges and sources, or of roots of a change plan, above which an item is planned in the side thread.

Two decisions of the policy about one may take 0.7 ms, and its free properties, if it is rewritten, 2 ms.
"""

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
    """Return the number of edges that an item declares or ends.

    Each command counts as one edge that is no registration or observation, and so does the record of an event.
    """
    edges = 1 if isinstance(item, EventCommand) else 0
    for command in commands_in(item):
        if isinstance(command, RegisterCommand | ObserveCommand):
            edges += sum(len(each.targets) + len(each.removes) for each in command.edges)
        else:
            edges += 1
    return edges


def table_count(item: Command) -> int:
    """Return the number of assets for which an event gives columns: each may take 10 ms, whatever it gives."""
    observed = (each for each in commands_in(item) if isinstance(each, ObserveCommand))
    return sum(any(value.field == COLUMNS for value in each.values) for each in observed)


def text_length(item: Command) -> int:
    """Return the number of characters of the descriptions that an item gives: their words are found for the index.

    A description of short words counts as more (:func:`graphql_schema.rules.index_terms.words_length`).
    """
    return sum(words_length(text) for each in commands_in(item) for text in _descriptions(each) if text)


def _descriptions(command: Command) -> Iterator[str | None]:
    """Yield the descriptions that a command gives."""
    if isinstance(command, RegisterCommand):
        yield command.values.get(PROSE)
    elif isinstance(command, ObserveCommand):
        yield from (each.value for each in command.values if each.field == PROSE)


def is_long(item: Command) -> bool:
    """Return whether the plan of an item takes so long that it belongs in the side thread.

    How much a revert looks at, or the end of a change plan, is not known before.
    """
    if isinstance(item, RevertCommand | CloseChangePlanCommand):
        return True
    if isinstance(item, PlanChangeCommand):
        return len(item.roots) > MANY_DECIDED
    commands = [*commands_in(item)]
    values = sum(len(each.values) for each in commands if isinstance(each, ObserveCommand))
    edges = edge_count(item)
    return edges > MANY_DECIDED or max(edges + COMMAND_EDGES * (len(commands) - 1), values) > LONG_ITEM


def may_reach(item: Command) -> bool:
    """Return whether an item may change edges and assets that it does not name, or has the policy decide about them.

    A list ends edges that it lacks. An approval of a deployment is decided for all of its versions, and the user of a
    run for all outputs.
    """
    if isinstance(item, (*REACHING, ApproveCommand, LinkCommand, UnlinkCommand)):
        return True
    registered = (each for each in commands_in(item) if isinstance(each, RegisterCommand | ObserveCommand))
    lists = (edges for command in registered for edges in command.edges if edges.hop.relation is not VERSION_OF)
    return any(not edges.adds or edges.hop.relation is STARTED_BY for edges in lists)


def weight(item: Command) -> int:
    """Return the number of edges as which an item counts in a transaction with those of other calls."""
    return REACHING_EDGES if isinstance(item, REACHING) else edge_count(item)
