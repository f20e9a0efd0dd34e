"""Deletes expired idempotency receipts, one hourly bucket at a time.

A receipt lies in the bucket of the hour in which it was written, so nothing is searched. A receipt that was written
again after its expiry lies in a later bucket too, and is deleted with that one.
"""

from typing import Final

from app.graph.commits.write_set import WriteSet
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.expiry_job import ExpiryJob
from app.graph.records.receipt_record import BUCKET_ROOT, RECEIPT_LIFETIME_MS

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


class ReceiptExpiry(ExpiryJob):
    """Deletes expired receipts."""

    name = "receipts"
    pause_seconds = 600.0

    async def delete_expired(self, writes: WriteSet) -> tuple[int, bool]:
        """Add the deletion of a batch of receipts of one expired bucket; there may be more if there was such a bucket.

        A bucket is expired if the receipt that was written last in it is. The bucket is deleted with its last batch.
        """
        bindings = {"top": BUCKET_ROOT, "limit": self._clock() - RECEIPT_LIFETIME_MS, "most": self._batch}
        (expired,) = await self._client.submit(_EXPIRED, bindings)
        writes.delete_receipts(expired)
        return len(expired), bool(expired)
