"""Deletes expired idempotency receipts, one hourly bucket at a time.

A receipt lies in the bucket of the hour in which it was written, so nothing is searched. A receipt that was written
again after its expiry lies in a later bucket too, and is deleted with that one. Each batch holds the lock of the
writers, and has a place in the write log. Otherwise a receipt that is written again could be deleted, or reappear
incomplete (docs/design/janusgraph.md).
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final

import structlog

from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import TransientConflictError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.receipt_record import BUCKET_ROOT, RECEIPT_LIFETIME_MS

BATCH: Final = 250
"""Maximal number of receipts that a step deletes while it holds the lock."""

PAUSE_SECONDS: Final = 600.0
"""Pause before each round, varied by up to a fifth."""

_EXPIRED: Final = PreparedStatement.of(
    """
def old = g.V(top).out('SHELF').has('at', P.lte(limit)).limit(1).tryNext().orElse(null)
def expired = old == null ? [] : g.V(old.id()).out('RECEIPT').has('at', P.lte(limit)).limit(most).id().toList()
if (old != null && expired.size() < most) expired << old.id()
[expired]
""",
    "top",
    "limit",
    "most",
    name="receipts",
)

_log = structlog.get_logger(__name__)


class ReceiptExpiry:
    """Deletes expired receipts. ``lock`` is that of the writers, ``batch`` the maximal number deleted under it."""

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
                _log.exception("receipt_expiry_failed")

    async def step(self) -> bool:
        """Delete a batch of receipts from one expired bucket; return whether there was an expired bucket.

        A bucket is expired if its last receipt is. It is deleted when no expired receipt is left in it. Only the
        process that leads deletes. After a conflict with another process nothing is deleted.
        """
        order = self._client.write_order
        if order is not None and not order.leads:
            return False
        async with self._lock:
            if order is not None:
                await order.begin()
            bindings = {"top": BUCKET_ROOT, "limit": self._clock() - RECEIPT_LIFETIME_MS, "most": self._batch}
            (expired,) = await self._client.submit(_EXPIRED, bindings)
            writes = WriteSet()
            writes.delete_receipts(expired)
            try:
                with self._client.work.job("receipts", len(expired)):
                    await writes.submit(self._client)
            except TransientConflictError:
                if order is None:
                    raise
        return bool(expired)
