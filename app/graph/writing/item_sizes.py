"""The sizes of the items of a call, each measured once: the texts and sources of an event take milliseconds."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from app.graph.writing.unit.item_size import command_count, edge_count, table_count, text_length, weight
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.ports.commands import Command, EventCommand


class ItemSize(NamedTuple):
    """What an item counts for a batch; see the functions of :mod:`app.graph.writing.unit.item_size`."""

    commands: int
    edges: int
    text: int
    weight: int
    tables: int


class ItemSizes:
    """The sizes of the items of a call, by their identity; it keeps the items until the call ends."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Command, ItemSize]] = {}

    def __len__(self) -> int:
        return len(self._known)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep sizes until the end of a call: the operation may make further calls, and has the items until then."""
        try:
            yield
        finally:
            self._known.clear()

    async def measure(self, items: Sequence[Command]) -> None:
        """Measure the events among items in the side thread, in few calls: others may have one before each."""
        await run_in_parts(self._measured(items), is_long=any(isinstance(each, EventCommand) for each in items))

    def _measured(self, items: Sequence[Command]) -> Generator[None]:
        for item in items:
            if isinstance(item, EventCommand):
                self.of(item)
                yield

    def of(self, item: Command) -> ItemSize:
        """Return the size of an item, which is measured if it is not known."""
        known = self._known.get(id(item))
        if known is None:
            size = ItemSize(command_count(item), edge_count(item), text_length(item), weight(item), table_count(item))
            known = self._known[id(item)] = item, size
        return known[1]
