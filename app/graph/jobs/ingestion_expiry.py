"""Deletes ingestions that are older than 30 days, the oldest first, in batches under the lock of the writers."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

import orjson
import structlog

from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import TransientConflictError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.relations import INGESTED_INTO

LIFETIME_MS: Final = 30 * 24 * 3_600_000
"""Milliseconds for which an ingestion is kept."""

BATCH: Final = 250
"""Maximal number of ingestions that a step deletes while it holds the lock."""

PAUSE_SECONDS: Final = 900.0
"""Pause before each round, varied by up to a fifth."""

_OLDEST: Final = PreparedStatement.of(
    """
def found = g.V().has('kind', kind).has('createdAt', P.lt(limit)).order().by('createdAt').limit(most).toList()
[found.collectMany { [it.id(), it.value('record')] }]
""",
    "kind",
    "limit",
    "most",
    name="ingestions",
)

_log = structlog.get_logger(__name__)


class IngestionExpiry:
    """Deletes expired ingestions. ``lock`` is that of the writers, ``batch`` the maximal number deleted under it."""

    def __init__(
        self,
        client: GremlinClient,
        lock: asyncio.Lock,
        clock: Callable[[], int] = epoch_milliseconds,
        batch: int = BATCH,
    ) -> None:
        self._client = client
        self._lock = lock
        self._clock = clock
        self._batch = batch

    async def run(self) -> None:
        """Work until cancelled; a failure is logged and retried in the next round."""
        while True:
            pause = random.uniform(0.8 * PAUSE_SECONDS, 1.2 * PAUSE_SECONDS)  # noqa: S311 - spreads processes
            await asyncio.sleep(pause)
            try:
                while await self.step():
                    pass  # the lock is fair: writers run between steps
            except Exception:  # noqa: BLE001 - the job boundary
                _log.exception("ingestion_expiry_failed")

    async def step(self) -> bool:
        """Delete a batch of expired ingestions; return whether there may be more.

        Only the process that leads deletes. After a conflict with another process nothing is deleted.
        """
        order = self._client.write_order
        if order is not None and not order.leads:
            return False
        async with self._lock:
            if order is not None:
                await order.begin()
            kind = ATTACHED_KINDS["Ingestion"].code
            bindings = {"kind": kind, "limit": self._clock() - LIFETIME_MS, "most": self._batch}
            (found,) = await self._client.submit(_OLDEST, bindings)
            writes = WriteSet()
            for vid, text in zip(found[::2], found[1::2], strict=True):
                record = orjson.loads(text)
                subject = vertex_id(record["tenant"], record["subject"])
                writes.delete_attached(vid, record["tenant"], INGESTED_INTO.name, subject)
            try:
                await writes.submit(self._client)
            except TransientConflictError:
                if order is None:
                    raise
        return len(found) == 2 * self._batch
