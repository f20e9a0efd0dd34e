"""Reads and writes webhooks; a write is refused if the registration in the store is not the expected one.

A registration has the teams of its owner and what these own, often 100 KB, and all are read every few seconds. The
store therefore returns only those that the process does not have yet, in parts, because a response is parsed in one
callback of the event loop.

No level of a query reads these vertices, so a write is not part of the write log, and touches nothing that is cached.
"""

import asyncio
from collections.abc import Hashable, Mapping
from typing import Final
from weakref import WeakValueDictionary

from app.fair_queue import PROCESS
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.groovy.json_size import JSON_SIZE
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.touched import NOTHING
from app.graph.webhooks.stored_webhook import WEBHOOK_ROOT, StoredWebhook, state_from_text, webhook_from_row
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject

PART_BYTES: Final = 4 * 1024 * 1024
"""Bytes of registrations with which a response ends; they are parsed in about 5 ms."""

_LOAD: Final = PreparedStatement.of(
    f"""
{JSON_SIZE}
def rows = []
def size = 0L
def left = 0
g.V(xs).out('WEBHOOK').each {{
  def former = known[it.id().toString()]
  if (former == null && size >= part) {{ left++; return }}
  def record = it.property('record').orElse(null)
  def note = it.property('note').orElse(null)
  if (record == null || note == null) return
  def digest = record.digest('SHA-256')
  if (digest == former) record = null
  else if (size >= part) {{ left++; return }}
  else size += JsonSize.of(record)
  rows << [x: it.id(), digest: digest, record: record, note: note]
}}
[rows, left]
""",
    "xs",
    "known",
    "part",
    name="webhooks",
)
"""Reads webhooks: rows ``{x, digest, record, note}``, and the number of those that are left out.

``known`` has digests of registrations by vertex id, which is text as a key of JSON. ``record`` is null if its digest is
the known one. After ``part`` bytes of records, webhooks with another record are left out. A vertex without its values
is one that another transaction removes at this moment: it is no webhook any more.
"""

_SET: Final = PreparedStatement.of(
    """
synchronized ('mlgraph write'.intern()) {
  def v = g.V(x).tryNext().orElse(null)
  def found = v == null ? null : v.value('record')
  if (found != expected) return [false]
  if (entry == null) { if (v != null) v.remove() }
  else {
    if (v == null) {
      v = g.addV('Webhook').property(T.id, x).next()
      def above = g.V(top).tryNext().orElse(null) ?: g.addV('Webhook').property(T.id, top).next()
      above.addEdge('WEBHOOK', v)
    }
    if (found != entry) v.property(single, 'record', entry)
    v.property(single, 'note', state)
  }
  g.tx().commit()
  [true]
}
""",
    "x",
    "top",
    "expected",
    "entry",
    "state",
    name="webhooks",
)
"""Sets the registration and the state of a webhook, or deletes it if ``entry`` is null.

``expected`` is the stored registration, null if there is none. The response is whether it was as expected.
"""


class WebhookStore:
    """The webhooks of a store. ``lock`` is that of the writers of the process.

    It keeps the webhooks of the last read, with the digests of their registrations.
    """

    def __init__(self, client: GremlinClient, lock: asyncio.Lock) -> None:
        self._client = client
        self._lock = lock
        self._changing = WeakValueDictionary[Hashable, asyncio.Lock]()
        self._known: dict[int, tuple[str, StoredWebhook]] = {}
        self.changed = asyncio.Event()

    @property
    def leads(self) -> bool:
        """Whether this process runs the background jobs, and so sends the webhooks."""
        order = self._client.write_order
        return order is None or order.leads

    def changing(self, caller: Hashable) -> asyncio.Lock:
        """Return the lock of a caller, under which its webhooks are read and one of them is changed.

        At most one change of a caller then waits for the lock of the writers. Several calls at the same time do not
        exceed the maximal number of webhooks together.
        """
        return self._changing.setdefault(caller, asyncio.Lock())

    async def all(self, caller: Hashable = PROCESS) -> list[StoredWebhook]:
        """Return all webhooks of all tenants; ``caller`` is whose slots of the store the reads take.

        They are as one transaction read them, the last one if there are several.
        """
        known, left = self._known, 1
        while left:
            digests = {str(x): digest for x, (digest, _) in known.items()}
            bindings = {"xs": [WEBHOOK_ROOT], "known": digests, "part": PART_BYTES}
            rows, left = await self._client.submit(_LOAD, bindings, caller=caller)
            in_turns = OperationBudget().in_turns(rows)
            known = {row["x"]: (row["digest"], _webhook(row, known)) async for row in in_turns}
        self._known = known
        return [webhook for _, webhook in known.values()]

    async def put(self, webhook: StoredWebhook) -> bool:
        """Store a registration with its state, and set the event ``changed``.

        Return false, without effect, if another process changed or deleted the registration since it was read.
        """
        return self._signalled(await self._set(webhook, webhook.record()))

    async def remove(self, webhook: StoredWebhook) -> bool:
        """Delete a webhook, and set the event ``changed``.

        Return false, without effect, if another process changed or deleted the registration since it was read.
        """
        return self._signalled(await self._set(webhook, None))

    async def save_state(self, webhook: StoredWebhook) -> bool:
        """Store the state alone; return false, without effect, if the registration has changed since it was read."""
        return await self._set(webhook, webhook.text)

    async def _set(self, webhook: StoredWebhook, record: str | None) -> bool:
        bindings = {
            "x": webhook.x,
            "top": WEBHOOK_ROOT,
            "expected": webhook.text or None,
            "entry": record,
            "state": webhook.state_text(),
        }
        async with self._lock:
            (done,) = await self._client.submit(_SET, bindings, writes=NOTHING)
        return bool(done)

    def _signalled(self, done: bool) -> bool:  # noqa: FBT001 - the result of a write
        """Wake the job that sends webhooks, and return ``done``."""
        self.changed.set()
        return done


def _webhook(row: JsonObject, known: Mapping[int, tuple[str, StoredWebhook]]) -> StoredWebhook:
    """Return the webhook of a row; the ``known`` one, with the state of the row, if the row has no registration."""
    if row["record"] is not None:
        return webhook_from_row(row)
    _, webhook = known[row["x"]]
    return webhook.with_state(state_from_text(row["note"]))
