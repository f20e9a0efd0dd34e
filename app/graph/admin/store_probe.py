"""The probe of a store: whether it keeps a write, and whether its index has the last writes.

Both vertices of the probe have the label ``SelfCheck`` and no tenant, so no query of the API returns them.

- The *probe vertex* gets a new value of the indexed property ``source`` with each :meth:`StoreProbe.check`.
- The *index mark* counts the transactions that write vertices or marks with the text
  :data:`app.graph.commits.write_statements.WRITE`; only the embedded store has it. JanusGraph commits the index after
  the storage and reports no failure. Each commit of the index contains all earlier ones, so the index is complete if it
  has the latest count.
"""

import asyncio
from functools import partial
from time import monotonic
from typing import Final
from uuid import uuid4

from app.graph.commits.write_statements import INDEX_MARK, INDEX_MARK_URN
from app.graph.driver.contended_request import repeat_contended
from app.graph.driver.errors import StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.touched import NOTHING
from app.store.errors import StoreReason
from app.store.self_check import VERTEX_ID

INDEX_SECONDS: Final = 2.0
"""Seconds in which the index must show a write; Elasticsearch refreshes its index each second."""
_PAUSE_SECONDS: Final = 0.05

_VERTICES: Final = {"x": VERTEX_ID, "mark": INDEX_MARK}

_WRITE: Final = PreparedStatement.of(
    """
def write = { ->
  def v = g.V(x).tryNext().orElse(null) ?: g.addV('SelfCheck').property(T.id, x).next()
  v.property(single, 'source', nonce)
}
if (!Boolean.getBoolean('mlgraph.indexMark')) { write(); return [true] }
synchronized ('mlgraph write'.intern()) {
  write()
  g.tx().commit()
}
[true]
""",
    "x",
    "nonce",
    name="probe",
)
"""Writes the probe vertex; in the embedded store as :data:`app.graph.commits.write_statements.WRITE`, under its lock.

A probe whose client has given up may still run. Its commit of the index must not follow the commit of a later probe.
"""

_READ: Final = PreparedStatement.of(
    """
def read = { ->
  def stored = g.V(x).values('source').tryNext().orElse('')
  def count = g.V(mark).values('updatedAt').tryNext().orElse(0L)
  def shown = stored == '' || g.V().has('source', stored).id().toList().contains(x)
  def complete = count == 0L || g.V().has('urn', urn).has('updatedAt', count).id().toList().contains(mark)
  [[stored, shown && complete]]
}
if (!locked || !Boolean.getBoolean('mlgraph.indexMark')) return read()
synchronized ('mlgraph write'.intern()) { read() }
""",
    "x",
    "mark",
    "urn",
    "locked",
    name="probe",
)
"""Reads one row ``[value of the probe vertex, whether the index has the stored values of both vertices]``.

If the probe vertex is not stored, its value is "". A vertex that is not stored needs no index entry. With ``locked``,
the row is read between two transactions of the embedded store: no transaction is stored and not indexed yet then.
"""


class StoreProbe:
    """Probes the store behind ``client``; several processes may probe one store at once."""

    def __init__(self, client: GremlinClient, index_seconds: float = INDEX_SECONDS) -> None:
        self._client = client
        self._index_seconds = index_seconds

    async def check(self) -> None:
        """Wait until the index is complete, write a new value to the probe vertex, and wait for the index again.

        Each wait is at most ``index_seconds``, and in the embedded store then for a transaction under way. Nothing is
        sent if the host of the store reports too little disk space: the JVM would log a long trace of each refused
        write.

        Raises StoreUnavailableError with the reason INDEX if the index lacks a document, or with DISK_SPACE. Raises
        StoreFailedError if the store confirms the write and does not keep it, and the errors of
        :meth:`GremlinClient.submit`.
        """
        if self._client.host and not self._client.host.has_space():
            raise StoreUnavailableError.because(StoreReason.DISK_SPACE)
        before = await self._indexed()
        await self._write()
        if await self._indexed() == before:
            raise StoreFailedError(
                "The store confirmed a value and did not store it; set strictTransactionManagement of its Gremlin "
                "Server to false."
            )

    async def check_index(self) -> None:
        """Wait until the index has the stored values of both vertices, at most ``index_seconds``; write nothing.

        In the embedded store, a transaction under way may prolong the wait. Raises StoreUnavailableError with the
        reason INDEX if the index still lacks one of the values, and the errors of :meth:`GremlinClient.submit`.
        """
        await self._indexed()

    async def _write(self) -> None:
        bindings = {"x": VERTEX_ID, "nonce": f"probe:{uuid4().hex}"}
        await repeat_contended(partial(self._client.submit, _WRITE, bindings, writes=NOTHING), _PAUSE_SECONDS)

    async def _indexed(self) -> str:
        """Return the stored value of the probe vertex, "" without one, as soon as the index is complete.

        Each attempt reads the stored values again: other writers may change them between storage and index. A large
        transaction may take longer to index. So in the embedded store the last attempt waits for the transaction under
        way. Raises StoreUnavailableError with the reason INDEX if the index is not complete then.
        """
        end, locked = monotonic() + self._index_seconds, False
        while True:
            bindings = {**_VERTICES, "urn": INDEX_MARK_URN, "locked": locked}
            ((stored, complete),) = await self._client.submit(_READ, bindings)
            if complete:
                return str(stored)
            if locked:
                raise StoreUnavailableError.because(StoreReason.INDEX)
            locked = monotonic() >= end
            await asyncio.sleep(_PAUSE_SECONDS)
