"""The housekeeper: forgets receipts that have expired, one shelf after the other.

Receipts hang on the shelf of the hour in which they were written (:mod:`app.graph.writing.idempotent_replay`), so
nothing has to be searched. One that was written again after it had expired hangs on a later shelf, too, and goes with
that. It takes the lock of the process's writers for each batch: what is dropped while somebody writes it might come
back torn (janusgraph.md, section 5).
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final

import structlog

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.receipt_record import BUCKET_ROOT, HELD

BATCH: Final = 250
"""Receipts that are dropped while the lock is held."""

PAUSE: Final = 600.0
"""Seconds before each round, give or take a fifth: none is in a hurry."""

_DROP: Final = PreparedStatement.of(
    """
def old = g.V(top).out('SHELF').has('at', P.lte(limit)).limit(1).tryNext().orElse(null)
if (old != null) {
  def expired = g.V(old.id()).out('RECEIPT').has('at', P.lte(limit)).limit(most).toList()
  expired.each { it.remove() }
  if (expired.size() < most) old.remove()
}
[old != null]
""",
    "top",
    "limit",
    "most",
)

_log = structlog.get_logger(__name__)


class ReceiptExpiry:
    """Drops what has expired; ``lock`` is that of the process's writers, ``batch`` how much is dropped under it."""

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
        """Work until cancelled; what fails is logged and tried in the next round."""
        while True:
            await asyncio.sleep(random.uniform(0.8 * PAUSE, 1.2 * PAUSE))  # noqa: S311 - spreads processes
            try:
                while await self.step():
                    pass  # the lock is fair: writers come in between
            except Exception:  # noqa: BLE001 - the job boundary
                _log.exception("housekeeping_failed")

    async def step(self) -> bool:
        """Drop one batch of the oldest shelf, and the shelf with the last; whether there was one."""
        async with self._lock:
            bindings = {"top": BUCKET_ROOT, "limit": self._clock() - HELD, "most": self._batch}
            (found,) = await self._client.submit(_DROP, bindings, writes=True)
        return bool(found)
