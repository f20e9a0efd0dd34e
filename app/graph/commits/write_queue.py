"""The queue of the writers of a process: batches of calls that wait while a transaction is written.

The next transaction has the oldest batch, so no batch waits forever. The other batches of its tenant are considered in
turns: the first of each caller before the second of any, and those with few items first. One that would exceed
MAX_GROUP_ITEMS or MAX_GROUP_EDGES is passed over, and so is one that must be alone. Batches of different tenants are
never in one transaction.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

MAX_GROUP_ITEMS: Final = 250
"""Maximal number of items that join the oldest batch in a transaction."""

MAX_GROUP_EDGES: Final = 2_500
"""Maximal number of edges declared by the batches that join the oldest one in a transaction."""


@dataclass(eq=False, kw_only=True)
class QueuedWrite:
    """A batch that waits. ``caller`` is the subject; ``item_count`` and ``edge_count`` are its size.

    A batch that is ``alone`` shares its transaction with no other.
    """

    tenant: str
    caller: str
    item_count: int
    edge_count: int
    alone: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the call has ended, so that the batch is dropped."""
        return False


class WriteQueue:
    """Batches in the order of their arrival. ``leader`` is the task that writes them, None while there is none."""

    def __init__(self) -> None:
        self.leader: asyncio.Task[None] | None = None
        self._waiting: list[QueuedWrite] = []
        self._wanted = 0
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, batch: QueuedWrite) -> None:
        """Add a batch as the youngest."""
        self._waiting.append(batch)
        if len(self._waiting) >= self._wanted:
            self._arrived.set()

    async def gather(self, more: int, seconds: float) -> None:
        """Wait until ``more`` further batches are added, but at most ``seconds``."""
        self._wanted = len(self._waiting) + more
        self._arrived.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrived.wait()

    def take(self) -> list[QueuedWrite]:
        """Remove and return the batches of the next transaction, in the order of their arrival.

        Batches of calls that have ended are dropped. The list is empty if no other batch waits.
        """
        present = [batch for batch in self._waiting if not batch.is_over]
        chosen = {*_chosen(present)}
        self._waiting = [batch for batch in present if batch not in chosen]
        return [batch for batch in present if batch in chosen]


def _chosen(present: list[QueuedWrite]) -> Iterator[QueuedWrite]:
    """Yield the first of the batches ``present``, and those of its tenant that fit, in turns of the callers."""
    if not present:
        return
    first, *rest = present
    yield first
    if first.alone:
        return
    earlier: Counter[str] = Counter([first.caller])
    turns = []
    for batch in rest:
        if batch.tenant == first.tenant and not batch.alone:
            turns.append((earlier[batch.caller], batch.item_count, batch))
            earlier[batch.caller] += 1
    items = edges = 0
    for _, _, batch in sorted(turns, key=lambda turn: turn[:2]):
        if items + batch.item_count <= MAX_GROUP_ITEMS and edges + batch.edge_count <= MAX_GROUP_EDGES:
            items, edges = items + batch.item_count, edges + batch.edge_count
            yield batch
