"""Deletes expired idempotency receipts, one part of an hourly bucket at a time.

A receipt lies in the bucket of the hour in which it was written, so nothing is searched. A receipt that was written
again after its expiry lies in a later bucket too. It leaves the earlier one, and is deleted with the later one.
"""

from typing import Final

from app.graph.commits.write_set import WriteSet
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.expiry_job import ExpiryJob
from app.graph.records.receipt_record import BUCKET_ROOT, RECEIPT_LIFETIME_MS

_EXPIRED: Final = PreparedStatement.of(
    """
def hour = g.V(top).out('SHELF').has('at', P.lte(limit)).limit(1).tryNext().orElse(null)
def part = hour == null ? null : g.V(hour.id()).out('SHELF').limit(1).tryNext().orElse(null)
def bucket = part ?: hour
def found = bucket == null ? [].iterator() : g.V(bucket.id()).out('RECEIPT').limit(most)
def left = characters
def rows = []
while (left > 0 && found.hasNext()) {
  def v = found.next()
  left -= v.value('record').length()
  rows.addAll([v.id(), v.value('at')])
}
[[bucket: bucket?.id(), receipts: rows, full: found.hasNext()]]
""",
    "top",
    "limit",
    "most",
    "characters",
    name="receipts",
)
"""Reads the first receipts of the first part of an expired bucket, or of the bucket itself if it has no parts.

It reads no further ones once these have enough characters: the receipt of a call with many placeholders has a megabyte.
"""


class ReceiptExpiry(ExpiryJob):
    """Deletes expired receipts."""

    name = "receipts"
    pause_seconds = 600.0

    async def delete_expired(self, writes: WriteSet) -> tuple[int, bool]:
        """Add the deletion of a batch of receipts of one expired bucket; there may be more if there was such a bucket.

        A bucket is expired if the receipt that was written last in it is. The bucket, or its part, is deleted with its
        last batch.
        """
        limit = self._clock() - RECEIPT_LIFETIME_MS
        bindings = {"top": BUCKET_ROOT, "limit": limit, "most": self._batch, "characters": self._characters}
        (found,) = await self._client.submit(_EXPIRED, bindings)
        bucket, flat = found["bucket"], found["receipts"]
        if bucket is None:
            return 0, False
        receipts = dict(zip(flat[::2], flat[1::2], strict=True))
        expired = [vid for vid, at in receipts.items() if at <= limit]
        writes.take_from_bucket(bucket, [vid for vid, at in receipts.items() if at > limit])
        if not found["full"] and len(flat) < 2 * self._batch:
            expired.append(bucket)
        writes.delete_receipts(expired)
        return len(expired), True
