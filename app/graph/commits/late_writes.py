"""Transactions without a response: the store may complete them later, and commits the index after the storage.

A client that gives up ends no script. One that is completed after others would write whole records over theirs. So each
transaction of the embedded store names the *epoch* that began last, and the text ``WRITE`` refuses one of another
epoch. An epoch begins before the next plan, which then waits for a transaction that the store has begun to write. So
what was sent before is either complete, and the plan reads it, or never written.

A repeated call finds what such a transaction stored, and gets its outcome from there, although lists do not
show it yet. The *index mark* of the embedded store shows when lists do: the mark counts transactions, and each commit
of the index contains all earlier ones.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final, cast

from app.graph.commits.write_statements import INDEX_MARK, INDEX_MARK_URN
from app.graph.driver.errors import LostTurnError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.touched import Touched
from app.store.errors import StoreReason
from graphql_schema.ports.record import JsonObject
from policies.errors import CodedError

LATE_SECONDS: Final = 600.0
"""Seconds after which a transaction without a response counts as ended; the store has no limit of its own."""

INDEX_SECONDS: Final = 10.0
"""Seconds in which the index must have what is stored; a store that has just started is slow."""

EPOCH_SECONDS: Final = 30.0
"""Seconds for which a plan waits for an earlier transaction that the store is writing."""

_PAUSE_SECONDS: Final = 0.01
_EPOCH_PAUSE_SECONDS: Final = 0.05

_BEGIN: Final = PreparedStatement.of(
    """
def name = System.identityHashCode(g.getGraph())
def epoch = UUID.randomUUID().toString()
System.setProperty('mlgraph.epoch.' + name, epoch)
[[epoch, System.getProperty('mlgraph.writing.' + name) == null]]
""",
    name="state",
)
"""Begins an epoch, and returns its id, and whether no transaction is being written.

A request that is repeated, and executed late, begins an epoch that no transaction names. It waits for no lock, so it
takes no thread of the store from readers. The text ``WRITE`` first states that it writes, and then reads the epoch: one
of the two always sees the other.
"""

INDEXED: Final = PreparedStatement.of(
    """
def count = g.V(mark).values('updatedAt').tryNext().orElse(0L)
[count == 0L || g.V().has('urn', urn).has('updatedAt', count).id().toList().contains(mark)]
""",
    "mark",
    "urn",
    name="state",
)
"""Reads whether the index has the latest count of the index mark; true for a store without the mark."""


@dataclass(slots=True)
class LateWrites:
    """Whether a transaction of this process may still be completed. ``clock`` returns seconds."""

    clock: Callable[[], float] = monotonic
    _until: float = 0.0

    def begin(self) -> None:
        """Record a transaction without a response; it may be completed within LATE_SECONDS."""
        self._until = self.clock() + LATE_SECONDS

    @property
    def are_possible(self) -> bool:
        """Whether a transaction without a response may still be completed."""
        return self.clock() < self._until

    async def wait_indexed(self, client: GremlinClient) -> None:
        """Return when the index has all that is stored; at once if no transaction is late, or others may write too.

        Call it before an outcome is returned that a late transaction may have stored. During an outage it returns as
        well: lists are refused until the host has restarted the store with a complete index. Raises
        StoreUnavailableError with the reason INDEX and an unknown outcome after INDEX_SECONDS, or if the mark cannot be
        read, whatever the store returns.
        """
        if not (self.are_possible and client.exclusive):
            return
        end = self.clock() + INDEX_SECONDS
        while not (client.host and client.host.outage()) and not await self._is_indexed(client):
            if self.clock() >= end:
                raise StoreUnavailableError.because(StoreReason.INDEX, unknown_outcome=True)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _is_indexed(self, client: GremlinClient) -> bool:
        try:
            return await client.submit(INDEXED, {"mark": INDEX_MARK, "urn": INDEX_MARK_URN}) == [True]
        except CodedError as error:
            raise StoreUnavailableError.because(StoreReason.INDEX, unknown_outcome=True) from error


class WriterEpoch:
    """The epoch of one process; it implements :class:`app.graph.driver.gremlin_client.WriteEpoch`.

    It is a watch of the writes of its client. ``clock`` returns seconds. The epoch is unknown at first, after a
    transaction without a response, and after a refusal: the JVM forgets the epoch when it is started again.
    """

    def __init__(self, client: GremlinClient, clock: Callable[[], float] = monotonic) -> None:
        self._client = client
        self.clock = clock
        self._epoch: str | None = None
        client.write_watches.append(self)

    async def begin(self) -> None:
        """Begin a new epoch, unless the last one goes on; call it before a plan reads anything.

        Raises StoreUnavailableError if the store still writes a late transaction after EPOCH_SECONDS, or does not
        respond.
        """
        if self._epoch is not None:
            return
        end = self.clock() + EPOCH_SECONDS
        while True:
            epoch, is_free = await self._begun()
            if is_free:
                self._epoch = epoch
                return
            if self.clock() >= end:
                raise StoreUnavailableError("The store still executes an earlier write; try again.", retry_after=5)
            await asyncio.sleep(_EPOCH_PAUSE_SECONDS)

    async def _begun(self) -> tuple[str, bool]:
        """Begin an epoch; return its id, and whether no transaction is being written."""
        ((epoch, is_free),) = cast("list[tuple[str, bool]]", await self._client.submit(_BEGIN, {}))
        return epoch, is_free

    def turn(self) -> JsonObject:
        """Return the epoch, as a binding of the text ``WRITE``.

        Raises LostTurnError if it has ended since the plan began, as by a probe without a response.
        """
        if self._epoch is None:
            raise _lost()
        return {"epoch": self._epoch}

    def end_turn(self, *, written: bool) -> None:
        """Record the response to a transaction; raises LostTurnError if it was refused."""
        if not written:
            self._epoch = None
            raise _lost()

    def begun(self, touched: Touched) -> None:
        """Do nothing when a write begins."""

    def ended(self, touched: Touched, *, certain: bool) -> None:  # noqa: ARG002 - of the protocol
        """Let the next plan begin a new epoch if a write may be completed later."""
        if not certain:
            self._epoch = None


def _lost() -> LostTurnError:
    return LostTurnError("A write without a response, or a restart of the store, ended the plan; repeat the request.")


async def begin_plan(client: GremlinClient, planner: str) -> None:
    """Begin the plan of a transaction of ``planner``, before it reads anything; call it under the write lock.

    It learns what other processes have written, or excludes earlier transactions without a response.
    """
    if client.write_order is not None:
        await client.write_order.begin(planner)
    elif client.write_epoch is not None:
        await client.write_epoch.begin()


async def end_plan(client: GremlinClient) -> None:
    """End the plan of :func:`begin_plan`, unless it is repeated; call it under the write lock.

    Processes that wait for its transaction go on if it has none, such as after a dry run or a refusal.
    """
    if client.write_order is not None:
        await client.write_order.end_plan()
