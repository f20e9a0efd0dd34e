"""Reads and writes webhooks; a write is refused if the registration in the store is not the expected one.

No level of a query reads these vertices, so a write is not part of the write log, and touches nothing that is cached.
"""

import asyncio
from collections.abc import Hashable
from typing import Final
from weakref import WeakValueDictionary

from app.fair_queue import PROCESS
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.touched import NOTHING
from app.graph.webhooks.stored_webhook import WEBHOOK_ROOT, StoredWebhook, webhook_from_row

_LOAD: Final = PreparedStatement.of(
    """
def rows = []
g.V(xs).out('WEBHOOK').each { rows << [x: it.id(), record: it.value('record'), note: it.value('note')] }
[rows]
""",
    "xs",
    name="webhooks",
)

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
    """The webhooks of a store. ``lock`` is that of the writers of the process."""

    def __init__(self, client: GremlinClient, lock: asyncio.Lock) -> None:
        self._client = client
        self._lock = lock
        self._registering = WeakValueDictionary[Hashable, asyncio.Lock]()
        self.changed = asyncio.Event()

    @property
    def leads(self) -> bool:
        """Whether this process runs the background jobs, and so sends the webhooks."""
        order = self._client.write_order
        return order is None or order.leads

    def registering(self, caller: Hashable) -> asyncio.Lock:
        """Return the lock under which a caller counts its webhooks and stores a further one."""
        return self._registering.setdefault(caller, asyncio.Lock())

    async def all(self, caller: Hashable = PROCESS) -> list[StoredWebhook]:
        """Return all webhooks of all tenants; ``caller`` is whose slot of the store the read takes."""
        (rows,) = await self._client.submit(_LOAD, {"xs": [WEBHOOK_ROOT]}, caller=caller)
        return [webhook_from_row(row) for row in rows]

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
