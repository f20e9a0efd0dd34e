"""Deletes ingestions that are older than 30 days, the oldest first."""

from typing import Final

import orjson

from app.graph.commits.write_set import WriteSet
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.expiry_job import ExpiryJob
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.relations import INGESTED_INTO

LIFETIME_MS: Final = 30 * 24 * 3_600_000
"""Milliseconds for which an ingestion is kept."""

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


class IngestionExpiry(ExpiryJob):
    """Deletes expired ingestions."""

    name = "ingestions"
    pause_seconds = 900.0

    async def delete_expired(self, writes: WriteSet) -> tuple[int, bool]:
        """Add the deletion of the oldest expired ingestions to ``writes``.

        Return the number of these, and whether there may be more because the batch is full.
        """
        kind = ATTACHED_KINDS["Ingestion"].code
        bindings = {"kind": kind, "limit": self._clock() - LIFETIME_MS, "most": self._batch}
        (found,) = await self._client.submit(_OLDEST, bindings)
        for vid, text in zip(found[::2], found[1::2], strict=True):
            record = orjson.loads(text)
            subject = vertex_id(record["tenant"], record["subject"])
            writes.delete_attached(vid, record["tenant"], INGESTED_INTO.name, subject)
        number = len(found) // 2
        return number, number == self._batch
