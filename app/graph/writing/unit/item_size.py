"""The size of an item, which decides how it is batched and where it is planned."""

from typing import Final

from graphql_schema.ports.commands import Command, ObserveCommand, RegisterCommand

LONG_ITEM: Final = 500
"""Number of edges or observed values above which an item is planned in the side thread; that many take about 25 ms."""


def edge_count(item: Command) -> int:
    """Return the number of edges that a registration or observation declares; 1 for every other command."""
    return sum(len(each.targets) for each in item.edges) if isinstance(item, RegisterCommand | ObserveCommand) else 1


def is_long(item: Command) -> bool:
    """Return whether the plan of an item takes so long that it belongs in the side thread."""
    return edge_count(item) > LONG_ITEM or (isinstance(item, ObserveCommand) and len(item.values) > LONG_ITEM)
