"""Deletes ingestions and thin events that are older than 30 days, the oldest first; pending thin events stay."""

from typing import Final

from app.graph.commits.write_set import WriteSet
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.expiry_job import ExpiryJob
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.relations import INGESTED_INTO, QUEUED_FOR
from graphql_schema.observability.thin_events import ThinEventState

LIFETIME_MS: Final = 30 * 24 * 3_600_000
"""Milliseconds for which an ingestion is kept, and a thin event that is done or dead."""

_SUBJECT_EDGES: Final = {
    ATTACHED_KINDS["Ingestion"].code: INGESTED_INTO.name,
    ATTACHED_KINDS["ThinEvent"].code: QUEUED_FOR.name,
}
"""The relation to the subject of each kind of records that the job deletes, by code."""

_OLDEST: Final = PreparedStatement.of(
    """
def old = g.V().has('kind', P.within(kinds)).has('state', P.neq(kept)).has('createdAt', P.lt(limit))
def found = old.order().by('createdAt').limit(most)
def left = characters
def rows = []
while (left > 0 && found.hasNext()) {
  def v = found.next()
  left -= v.value('record').length()
  rows.addAll([v.id(), v.value('tenant'), v.value('kind'), v.value('subject')])
}
[[rows: rows, full: found.hasNext()]]
""",
    "kinds",
    "kept",
    "limit",
    "most",
    "characters",
    name="ingestions",
)
"""Reads the first of the oldest, until they have enough characters; to read a value of a vertex is to read all."""


class IngestionExpiry(ExpiryJob):
    """Deletes expired ingestions and thin events."""

    name = "ingestions"
    pause_seconds = 900.0

    async def delete_expired(self, writes: WriteSet) -> tuple[int, bool]:
        """Add the deletion of the oldest expired ingestions and thin events to ``writes``; pending events are kept.

        Return the number of these, and whether there may be more because the batch is full, by number or characters.
        """
        bindings = {
            "kinds": [*_SUBJECT_EDGES],
            "kept": ThinEventState.PENDING.name,
            "limit": self._clock() - LIFETIME_MS,
            "most": self._batch,
            "characters": self._characters,
        }
        (found,) = await self._client.submit(_OLDEST, bindings)
        flat = found["rows"]
        rows = list(zip(*(flat[begin::4] for begin in range(4)), strict=True))
        for vid, tenant, kind, subject in rows:
            writes.delete_attached(vid, tenant, _SUBJECT_EDGES[kind], vertex_id(tenant, subject))
        return len(rows), found["full"] or len(rows) == self._batch
