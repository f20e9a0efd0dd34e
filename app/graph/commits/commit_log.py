"""The commit log of a process: orders its transactions, and wakes the readers of the change feed.

A transaction writes the batches of one or more calls. All changes of one batch have one instant, later than that of
every earlier batch in the store, and are ordered by id. Before a process plans a transaction, it learns the instants of
other processes (:mod:`app.graph.commits.write_log`).

The embedded store shows a transaction as a whole, so a reader misses no change by continuing after the last change that
was read. Elasticsearch may show a part of one for a moment, so there a reader ends before what may be such a part
(:meth:`CommitLog.complete_until`).

If the clock was ahead and was set back, instants continue after the last one, so the order is kept. A change whose
instant is more than MAX_AHEAD_MS ahead of the clock is dated by the clock
(:func:`graphql_schema.rules.change_stamp.dated`).
"""

import asyncio
from collections import deque
from time import monotonic
from typing import Final

import structlog

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.rules.change_stamp import date_apart

PARTIAL_SECONDS: Final = 2.0
"""Seconds after which the index shows all of a transaction that another process has committed to the storage."""

AFTER_ALL_IDS: Final = "~"
"""A string that is greater than every URN."""

_LAST: Final = PreparedStatement.of(
    "g.V().has('kind', kind).order().by('createdAt', desc).limit(1).values('createdAt').toList()",
    "kind",
    name="commit_log",
)

_log = structlog.get_logger(__name__)


class CommitLog:
    """Returns increasing instants (epoch milliseconds) for batches, and signals written transactions.

    ``waiting`` is the number of readers that wait for the next transaction.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self._last = 0
        self._partial: deque[tuple[float, int]] = deque()
        self._bounded = False
        self._learned_now = 0
        self._written = asyncio.Event()
        self._count = 0
        self._begun: int | None = None
        self._tenant = ""
        self._behind = False

    def instant(self, now: int, tenant: str) -> int:
        """Return the instant of a batch that is written from ``now`` on, later than all returned or learned before.

        Call it under the write lock, for each batch of a transaction, and :meth:`end` when the transaction is over.
        All batches of a transaction are of one tenant.
        Logs a warning if the instant is more than MAX_AHEAD_MS ahead of ``now``, unless the previous one was so too.
        """
        self._begun = now if self._begun is None else min(self._begun, now)
        self._tenant = tenant
        self._last = max(now, self._last + 1)
        behind = date_apart(self._last, now) is not None
        if behind and not self._behind:
            _log.warning("clock_behind_changes", seconds=(self._last - now) // 1_000)
        self._behind = behind
        return self._last

    @property
    def last(self) -> int:
        """The latest instant that :meth:`instant` returned, or that was learned or loaded; 0 before the first."""
        return self._last

    def learned(self, at: int, now: int = 0) -> None:
        """Continue after the instant ``at`` of another process, 0 for none, and wake waiting readers.

        ``now`` is the present of that process when it wrote.
        """
        self._drop_expired()
        if at > self._last:
            self._partial.append((monotonic() + PARTIAL_SECONDS, self._last))
            asyncio.get_running_loop().call_later(PARTIAL_SECONDS, self._wake)
        self._last = max(self._last, at)
        self._learned_now = max(self._learned_now, now)
        self._wake()

    def present(self, now: int) -> int:
        """Return the instant of an operation that begins when the clock shows ``now``.

        It is not before the writes that were learned, because the clocks of processes differ. A learned write does not
        count if it is more than MAX_AHEAD_MS ahead of ``now``.
        """
        return now if date_apart(self._learned_now, now) is not None else max(now, self._learned_now)

    def end(self) -> None:
        """End a transaction, whether it has written or not; call it under the write lock."""
        self._begun = None
        if self._bounded:
            self._bounded = False
            self._wake()

    def complete_until(self) -> int | None:
        """Return an instant up to which no transaction is visible in part only, None if there is no such bound.

        Elasticsearch may show a part of a transaction that is in flight, or that was learned less than PARTIAL_SECONDS
        ago. Readers are woken when the instant moves.
        """
        self._drop_expired()
        bounds = [self._partial[0][1]] if self._partial else []
        if self._begun is not None:
            bounds.append(self._begun - 1)
            self._bounded = True
        return min(bounds, default=None)

    def stable_until(self, now: int, tenant: str) -> int:
        """Return the latest instant, up to ``now``, before the transaction of a tenant in this process.

        It is ``now`` if none is in flight: callers learn by it when others of their tenant write, and only these. A
        read at this instant is repeatable, unless a transaction begins in the same millisecond, or a background job or
        another process writes.
        """
        return now if self._begun is None or tenant != self._tenant else min(now, self._begun - 1)

    def written(self) -> None:
        """Increase ``count`` and wake waiting readers, after a transaction was stored; needs the write lock."""
        self._wake()

    @property
    def count(self) -> int:
        """Return a counter that grows when :meth:`wait` is to return.

        It grows with each transaction of calls that was written here, with each that was learned from other processes,
        and when the instant of :meth:`complete_until` moves.
        """
        return self._count

    async def wait(self, count: int) -> None:
        """Return as soon as the property ``count`` differs from the argument, which is an earlier value of it."""
        self.waiting += 1
        try:
            while self._count == count:
                await self._written.wait()
        finally:
            self.waiting -= 1

    def _drop_expired(self) -> None:
        """Forget the learned transactions that the index shows as a whole by now."""
        while self._partial and self._partial[0][0] <= monotonic():
            self._partial.popleft()

    async def load(self, client: GremlinClient) -> None:
        """Read the instant of the last change in the store: :meth:`instant` then returns later ones only."""
        self._last = max(self._last, await newest(client))

    def _wake(self) -> None:
        self._count += 1
        self._written.set()
        self._written = asyncio.Event()


async def newest(client: GremlinClient) -> int:
    """Return the instant of the last change in the store in epoch milliseconds, 0 if there is none."""
    found: list[int] = await client.submit(_LAST, {"kind": "CHANGE"})
    return max(found, default=0)


class CommitFeed:
    """Implements :class:`graphql_schema.ports.protocols.ChangeFeed` over the commit log of a process and its store."""

    def __init__(self, commit_log: CommitLog, client: GremlinClient) -> None:
        self._commit_log = commit_log
        self._client = client
        self._reading: asyncio.Future[int] | None = None
        self._next: asyncio.Future[int] | None = None

    @property
    def count(self) -> int:
        """Return the counter of the commit log, which grows when there may be new changes."""
        return self._commit_log.count

    async def wait(self, count: int) -> None:
        """Return when the counter of the commit log differs from ``count``."""
        await self._commit_log.wait(count)

    def complete_until(self) -> int | None:
        """Return the bound of :meth:`CommitLog.complete_until`; always None if all writes go through the client."""
        return None if self._client.exclusive else self._commit_log.complete_until()

    async def learn(self) -> None:
        """Learn the earlier writes of other processes; do nothing if the client has no write order."""
        if self._client.write_order is not None:
            await self._client.write_order.learn()

    async def end(self) -> tuple[int, str]:
        """Return the position after the last stored change; callers who wait share the next request to the store.

        A request that was already sent is not shared, because it could miss a change that the caller has just written.
        """
        if self._next is None:
            self._next = asyncio.ensure_future(self._read_end(self._reading))
        return await asyncio.shield(self._next), AFTER_ALL_IDS

    async def _read_end(self, before: asyncio.Future[int] | None) -> int:
        """Return the instant of the last change, read after the request ``before`` has ended."""
        if before is not None:
            await asyncio.wait([before])
        self._reading, self._next = self._next, None
        return await newest(self._client)
