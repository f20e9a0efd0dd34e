"""The sizes of the items of a call, each measured once: the texts and sources of an event take milliseconds."""

from collections.abc import Sequence
from typing import NamedTuple

from app.graph.writing.unit.item_size import command_count, edge_count, text_length, weight
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.ports.commands import Command, EventCommand


class ItemSize(NamedTuple):
    """What an item counts for a batch; see the functions of :mod:`app.graph.writing.unit.item_size`."""

    commands: int
    edges: int
    text: int
    weight: int


class ItemSizes:
    """The sizes of items, by their identity; it keeps the items."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Command, ItemSize]] = {}

    async def measure(self, items: Sequence[Command]) -> None:
        """Measure the events among items in the side thread."""
        for item in items:
            if isinstance(item, EventCommand):
                await run_aside(self.of, item)

    def of(self, item: Command) -> ItemSize:
        """Return the size of an item, which is measured if it is not known."""
        known = self._known.get(id(item))
        if known is None:
            size = ItemSize(command_count(item), edge_count(item), text_length(item), weight(item))
            known = self._known[id(item)] = item, size
        return known[1]
