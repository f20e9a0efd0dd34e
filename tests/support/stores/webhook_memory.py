"""Webhooks in memory, with the rules of the store: a write is refused if the registration is not the expected one."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

from app.fair_queue import PROCESS
from app.graph.webhooks.stored_webhook import DeliveryState, StoredWebhook
from policies.principal import Principal, PrincipalKind, Scope

SERVICE = Principal("ci", PrincipalKind.SERVICE_ACCOUNT, "default", scopes=frozenset({Scope.READ, Scope.WRITE}))


def webhook(name: str = "hook", **values: Any) -> StoredWebhook:
    """Return a webhook of a service account, which was never stored."""
    given = {"x": 8, "owner": SERVICE, "name": name, "url": "http://127.0.0.1:1", "filter": {}, "created_at": 0}
    return StoredWebhook(**{**given, "rights_at": 0, "secret": "", "state": DeliveryState("begin"), **values})


@dataclass
class WebhookMemory:
    """Implements :class:`app.graph.webhooks.webhook_store.WebhookStore` in memory."""

    stored: dict[int, StoredWebhook] = field(default_factory=dict)
    leads: bool = True
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    locks: defaultdict[Hashable, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def changing(self, caller: Hashable) -> asyncio.Lock:
        """Return the lock of a caller."""
        return self.locks[caller]

    async def all(self, caller: Hashable = PROCESS) -> list[StoredWebhook]:  # noqa: ARG002 - as the store has it
        """Return all webhooks, after others had a turn."""
        await asyncio.sleep(0)
        return list(self.stored.values())

    async def put(self, given: StoredWebhook) -> bool:
        """Store a registration with its state."""
        if not self._is_expected(given):
            return False
        self.stored[given.x] = replace(given, text=given.record())
        self.changed.set()
        return True

    async def remove(self, given: StoredWebhook) -> bool:
        """Delete a webhook."""
        done = self._is_expected(given) and self.stored.pop(given.x, None) is not None
        self.changed.set()
        return done

    async def save_state(self, given: StoredWebhook) -> bool:
        """Store the state alone."""
        if not self._is_expected(given):
            return False
        self.stored[given.x] = replace(self.stored[given.x], state=given.state)
        return True

    def _is_expected(self, given: StoredWebhook) -> bool:
        found = self.stored.get(given.x)
        return (found.text if found else "") == given.text
