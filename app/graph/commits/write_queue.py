"""The queue of the writers of a process: batches of calls that wait while a transaction is written.

The next transaction has the first batch of the caller who has waited longest since a transaction began with a batch of
this caller, or since the batch arrived. So no batch waits forever, and one caller with several long batches does not
make the others wait for all of them. The other batches of its tenant are considered in turns: the first of each caller
before the second of any, and those with few items first. One that would exceed MAX_GROUP_ITEMS, MAX_GROUP_EDGES or
MAX_GROUP_TEXT is passed over, and so is one that must be alone. While several callers write, a long batch joins no
transaction, and each caller has few items in one, because all calls of a transaction get their outcomes at its end.
Batches of different tenants are never in one transaction.

Those for which a plan has no time return, and wait as before. Only the caller whose items took long waits anew, behind
all others. Batches that the store, or a limit, refuses together return as well, and then half of them are in one
transaction, down to the batch that is refused.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

MAX_GROUP_ITEMS: Final = 250
"""Maximal number of items that join the oldest batch in a transaction."""

MAX_GROUP_EDGES: Final = 2_500
"""Maximal number of edges and sources of the batches that join the oldest one in a transaction."""

MAX_GROUP_TEXT: Final = 250_000
"""Maximal number of characters of descriptions in the batches that join the oldest one; their words take 25 to 150 ms.

All writers wait while they are found.
"""

MAX_CONTENDED_EDGES: Final = 500
"""Maximal number of edges and sources of a batch that joins the oldest one while several callers write."""

MAX_CONTENDED_TEXT: Final = 25_000
"""The same for the characters of its descriptions."""

MAX_CONTENDED_ITEMS: Final = 50
"""Maximal number of items of one caller in a transaction while several callers write, unless one batch has more."""


@dataclass(eq=False, kw_only=True)
class QueuedWrite:
    """A batch that waits. ``caller`` is the subject; ``item_count``, ``edge_count`` and ``text_length`` are its size.

    A batch that is ``alone`` shares its transaction with no other. ``since`` is the number of transactions that were
    taken before it arrived, or before its caller began to wait anew. Batches that were refused together are divided
    into companies, and then share a transaction with those of the same ``company`` only. The queue sets the latter two.
    """

    tenant: str
    caller: str
    item_count: int
    edge_count: int
    text_length: int = 0
    alone: bool = False
    since: int = 0
    company: int = 0

    @property
    def is_over(self) -> bool:
        """Whether the call has ended, so that the batch is dropped."""
        return False


class WriteQueue:
    """Batches in the order of their arrival. ``leader`` is the task that writes them, None while there is none."""

    def __init__(self) -> None:
        self.leader: asyncio.Task[None] | None = None
        self._waiting: list[QueuedWrite] = []
        self._taken = 0
        self._companies = 0
        self._begun: dict[tuple[str, str], int] = {}
        """For tenants and callers who wait, the number of the last transaction that began with one of their batches.

        So for who began the last one: their next batch may arrive before those of others.
        """
        self._wanted = 0
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, batch: QueuedWrite) -> None:
        """Add a batch as the youngest."""
        batch.since = self._taken
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

    def put_back(self, batches: Sequence[QueuedWrite], last: QueuedWrite) -> None:
        """Return batches that were taken as the oldest ones, because the plan took long, and ended at ``last``.

        All that waits of the caller of that batch waits as if it arrived now.
        """

        def waits_anew(batch: QueuedWrite) -> bool:
            return (batch.tenant, batch.caller) == (last.tenant, last.caller)

        self._waiting = sorted([*batches, *self._waiting], key=waits_anew)
        for batch in filter(waits_anew, self._waiting):
            batch.since = self._taken

    def put_back_divided(self, batches: Sequence[QueuedWrite]) -> None:
        """Return batches that were taken and could not be written together, in two companies; they wait as before.

        The batches of a caller are in one company if that is possible, because one caller is probably the cause.
        """
        self._forget_begun(set())  # who began it has written nothing
        by_caller = sorted(batches, key=lambda batch: batch.caller)
        for company in (by_caller[: len(batches) // 2], by_caller[len(batches) // 2 :]):
            self._companies += 1
            for batch in company:
                batch.company = self._companies
        self._waiting = [*batches, *self._waiting]

    def remove(self, condition: Callable[[QueuedWrite], bool]) -> list[QueuedWrite]:
        """Remove and return the batches that meet a condition."""
        removed = [batch for batch in self._waiting if condition(batch)]
        self._waiting = [batch for batch in self._waiting if batch not in removed]
        return removed

    def take(self, *, is_contended: bool = False) -> list[QueuedWrite]:
        """Remove and return the batches of the next transaction, in the order of their arrival.

        ``is_contended`` states whether several callers write, also if only one of them has batches here now. Batches
        of calls that have ended are dropped. The list is empty if no other batch waits.
        """
        present = [batch for batch in self._waiting if not batch.is_over]
        first = min(present, key=self._waited_since, default=None)
        chosen = set() if first is None else {*_chosen(first, present, is_contended=is_contended)}
        self._waiting = [batch for batch in present if batch not in chosen]
        self._taken += 1
        if first is not None:
            self._begun[first.tenant, first.caller] = self._taken
            self._forget_begun({(first.tenant, first.caller)})
        return [batch for batch in present if batch in chosen]

    def _forget_begun(self, kept: set[tuple[str, str]]) -> None:
        """Forget the transactions that callers began who do not wait, except those of ``kept``."""
        kept = kept | {(batch.tenant, batch.caller) for batch in self._waiting}
        self._begun = {caller: number for caller, number in self._begun.items() if caller in kept}

    def _waited_since(self, batch: QueuedWrite) -> tuple[int, bool]:
        """Return since which transaction a batch waits, and whether another one of its caller has begun one."""
        begun = self._begun.get((batch.tenant, batch.caller))
        return max(batch.since, begun or 0), begun is not None


def _chosen(first: QueuedWrite, present: list[QueuedWrite], *, is_contended: bool) -> Iterator[QueuedWrite]:
    """Yield ``first``, and those of the batches ``present`` of its tenant that fit, in turns of the callers."""
    yield first
    if first.alone:
        return
    max_edges = MAX_CONTENDED_EDGES if is_contended else MAX_GROUP_EDGES
    max_text = MAX_CONTENDED_TEXT if is_contended else MAX_GROUP_TEXT
    max_of_caller = MAX_CONTENDED_ITEMS if is_contended else first.item_count + MAX_GROUP_ITEMS
    of_caller: Counter[str] = Counter({first.caller: first.item_count})
    earlier: Counter[str] = Counter([first.caller])
    turns = []
    for batch in present:
        belongs = batch.tenant == first.tenant and batch.company == first.company and not batch.alone
        if batch is not first and belongs and batch.edge_count <= max_edges and batch.text_length <= max_text:
            turns.append((earlier[batch.caller], batch.item_count, batch))
            earlier[batch.caller] += 1
    items = edges = text = 0
    for _, _, batch in sorted(turns, key=lambda turn: turn[:2]):
        fits = items + batch.item_count <= MAX_GROUP_ITEMS and edges + batch.edge_count <= MAX_GROUP_EDGES
        own = of_caller[batch.caller]
        fits = fits and (not own or own + batch.item_count <= max_of_caller)
        if fits and text + batch.text_length <= MAX_GROUP_TEXT:
            of_caller[batch.caller] = own + batch.item_count
            items, edges, text = items + batch.item_count, edges + batch.edge_count, text + batch.text_length
            yield batch
