"""The commit log of a process: orders its transactions, and wakes the readers of the change feed.

All changes of one transaction have one instant, later than that of every earlier transaction. A reader who has read up
to an instant therefore misses nothing by reading what is later. Changes of one transaction are ordered by id.

If the clock was ahead and was set back, instants continue after the last one, so the order is kept. Dates do not: a
change is then dated by the clock (:func:`graphql_schema.rules.change_date.dated`).
"""

import asyncio
from typing import Final

import structlog

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.rules.change_date import date_apart
from policies.errors import CodedError

LOOK_SECONDS: Final = 2.0
"""Seconds between two checks for transactions of other processes, while a reader waits."""

AFTER_ALL_IDS: Final = "~"
"""A string that is greater than every URN."""

_LAST: Final = PreparedStatement.of(
    "g.V().has('kind', kind).order().by('createdAt', desc).limit(1).values('createdAt').toList()", "kind"
)

_log = structlog.get_logger(__name__)


class CommitLog:
    """Returns increasing instants (epoch milliseconds) for transactions, and signals written ones."""

    def __init__(self) -> None:
        self._last = 0
        self._stored = 0
        self._written = asyncio.Event()
        self._waiting = 0
        self._count = 0
        self._begun = self._ended = 0
        self._behind = False

    def instant(self, now: int) -> int:
        """Return the instant of a transaction that begins now; call it under the write lock, then :meth:`end`.

        Logs a warning when the clock is found behind the last instant by more than MAX_AHEAD_MS, once until it is not.
        """
        self._begun = now
        self._last = max(now, self._last + 1)
        behind = date_apart(self._last, now) is not None
        if behind and not self._behind:
            _log.warning("clock_behind_changes", seconds=(self._last - now) // 1_000)
        self._behind = behind
        return self._last

    def end(self) -> None:
        """End a transaction, whether it has written or not; call it under the write lock."""
        self._ended = self._begun

    def stable_until(self, now: int) -> int:
        """Return the latest instant without a transaction in flight; a read at this instant is repeatable.

        It is ``now`` if no transaction is in flight, so that a client reads its own completed write.
        """
        return min(now, self._begun - 1) if self._begun > self._ended else now

    def written(self) -> None:
        """Wake all waiting readers; call it under the write lock, after the transaction of the last instant."""
        self._stored = max(self._stored, self._last)
        self._wake()

    @property
    def count(self) -> int:
        """Return the number of transactions that this process has written or noticed."""
        return self._count

    async def wait(self, count: int) -> None:
        """Return as soon as a transaction was written since ``count`` was read."""
        self._waiting += 1
        try:
            while self._count == count:
                await self._written.wait()
        finally:
            self._waiting -= 1

    async def load(self, client: GremlinClient) -> None:
        """Continue after the last change in the store, even if the clock of this process is behind."""
        self._stored = await newest(client)
        self._last = max(self._last, self._stored)

    async def watch(self, client: GremlinClient, seconds: float = LOOK_SECONDS) -> None:
        """Check for transactions of other processes until cancelled, while at least one reader waits."""
        while True:
            await asyncio.sleep(seconds)
            if self._waiting:
                await self._look(client)

    async def _look(self, client: GremlinClient) -> None:
        known = self._stored
        try:
            await self.load(client)
        except CodedError as error:
            _log.warning("commit_log_unread", code=str(error.code))
        if self._stored > known:
            self._wake()

    def _wake(self) -> None:
        self._count += 1
        self._written.set()
        self._written = asyncio.Event()


async def newest(client: GremlinClient) -> int:
    """Return the instant of the last change in the store, 0 if there is none."""
    found: list[int] = await client.submit(_LAST, {"kind": "CHANGE"})
    return max(found, default=0)


class CommitFeed:
    """Implements :class:`graphql_schema.ports.protocols.ChangeFeed` over the commit log of a process and its store."""

    def __init__(self, commit_log: CommitLog, client: GremlinClient) -> None:
        self._commit_log = commit_log
        self._client = client

    @property
    def count(self) -> int:
        """See :class:`graphql_schema.ports.protocols.ChangeFeed`."""
        return self._commit_log.count

    async def wait(self, count: int) -> None:
        """See :class:`graphql_schema.ports.protocols.ChangeFeed`."""
        await self._commit_log.wait(count)

    async def end(self) -> tuple[int, str]:
        """See :class:`graphql_schema.ports.protocols.ChangeFeed`."""
        return await newest(self._client), AFTER_ALL_IDS
