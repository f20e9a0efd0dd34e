"""The journal: what orders the changes of a process, and wakes those who wait for them.

Changes of one transaction have one instant, later than that of every transaction before, so a reader who has seen all
up to an instant misses nothing by asking for what is later. Ties within a transaction are told apart by id.
"""

import asyncio
from typing import Final

import structlog

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from policies.errors import CodedError

LOOK_SECONDS: Final = 2.0
"""How often the store is asked, while somebody waits, whether another process has written."""

AFTER_ALL_IDS: Final = "~"
"""What is greater than every URN."""

_LAST: Final = PreparedStatement.of(
    "g.V().has('kind', kind).order().by('createdAt', desc).limit(1).values('createdAt').toList()", "kind"
)

_log = structlog.get_logger(__name__)


class CommitLog:
    """Gives instants in epoch milliseconds, each later than the last, and tells when something was written."""

    def __init__(self) -> None:
        self._last = 0
        self._stored = 0
        self._written = asyncio.Event()
        self._waiting = 0
        self._count = 0
        self._begun = self._ended = 0

    def instant(self, now: int) -> int:
        """The instant of a transaction that begins now; call it under the write lock, and :meth:`over` after it."""
        self._begun = now
        self._last = max(now, self._last + 1)
        return self._last

    def end(self) -> None:
        """End a transaction, whether it has written or not; call it under the write lock."""
        self._ended = self._begun

    def stable_until(self, now: int) -> int:
        """The last instant up to now of which nothing is being written: what is read as of then stays the same.

        What was answered as written is readable: then it is now, if another write began in the same millisecond.
        """
        return min(now, self._begun - 1) if self._begun > self._ended else now

    def written(self) -> None:
        """Wake all who wait; call it under the write lock, after the transaction of the last instant."""
        self._stored = max(self._stored, self._last)
        self._wake()

    @property
    def count(self) -> int:
        """How often something was written, as far as this process knows."""
        return self._count

    async def wait(self, count: int) -> None:
        """Return when something was written since ``count`` was read, which may be at once."""
        self._waiting += 1
        try:
            while self._count == count:
                await self._written.wait()
        finally:
            self._waiting -= 1

    async def load(self, client: GremlinClient) -> None:
        """Take up after the last change in the store, whatever the clock says."""
        self._stored = await newest(client)
        self._last = max(self._last, self._stored)

    async def watch(self, client: GremlinClient, seconds: float = LOOK_SECONDS) -> None:
        """Until cancelled, look for what other processes write: once for all who wait, and only while somebody does."""
        while True:
            await asyncio.sleep(seconds)
            if self._waiting:
                await self._look(client)

    async def _look(self, client: GremlinClient) -> None:
        known = self._stored
        try:
            await self.load(client)
        except CodedError as error:
            _log.warning("journal_unread", code=str(error.code))
        if self._stored > known:
            self._wake()

    def _wake(self) -> None:
        self._count += 1
        self._written.set()
        self._written = asyncio.Event()


async def newest(client: GremlinClient) -> int:
    """The instant of the last change in the store, 0 when there is none."""
    found: list[int] = await client.submit(_LAST, {"kind": "CHANGE"})
    return max(found, default=0)


class CommitFeed:
    """Implements :class:`graphql_schema.ports.protocols.ChangeFeed` over the journal of a process and its store."""

    def __init__(self, journal: CommitLog, client: GremlinClient) -> None:
        self._journal = journal
        self._client = client

    @property
    def count(self) -> int:
        """See :class:`graphql_schema.ports.protocols.ChangeFeed`."""
        return self._journal.count

    async def wait(self, count: int) -> None:
        """See :class:`graphql_schema.ports.protocols.ChangeFeed`."""
        await self._journal.wait(count)

    async def end(self) -> tuple[int, str]:
        """See :class:`graphql_schema.ports.protocols.ChangeFeed`."""
        return await newest(self._client), AFTER_ALL_IDS
