"""The webhooks of one caller: implements the registry that the mutations use."""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.graph.records.vertex_id import internal_vertex_id
from app.graph.webhooks.stored_webhook import DeliveryState, StoredWebhook
from app.graph.webhooks.webhook_store import WebhookStore
from app.webhooks.webhook_rights import FORMER_MS, WebhookRights
from app.webhooks.webhook_signature import new_secret
from graphql_schema.ports.outcomes import MutationErrorCode
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.webhooks.webhook_registry import WebhookOrder, WebhookRefusedError, WebhookResult
from policies.principal import Principal, Scope

MAX_OWNED: Final = 10
"""Maximal number of webhooks of one owner."""

MAX_OF_TENANT: Final = 100
"""Maximal number of webhooks of a tenant; calls of several callers at once may exceed it a little."""

ABANDONED_MS: Final = 7 * 24 * 60 * 60 * 1_000
"""Milliseconds after the end of its rights from which on a webhook leaves its place to a new one.

An owner who wants it renews it daily. Others may be accounts that exist no more, and no other account may remove it.
"""


class OwnedWebhooks:
    """Implements :class:`graphql_schema.ports.webhooks.webhook_registry.WebhookRegistry` for ``caller``."""

    def __init__(self, store: WebhookStore, rights: WebhookRights, caller: Principal) -> None:
        self._store = store
        self._rights = rights
        self._caller = caller

    async def owned(self) -> list[JsonObject]:
        """See :class:`graphql_schema.ports.webhooks.webhook_registry.WebhookRegistry`."""
        own, _ = await self._stored()
        return [self._shown(own[name]) for name in sorted(own)]

    async def register(self, order: WebhookOrder) -> WebhookResult:
        """See :class:`graphql_schema.ports.webhooks.webhook_registry.WebhookRegistry`."""
        async with self._changing():
            return await self._register(order)

    async def _register(self, order: WebhookOrder) -> WebhookResult:
        url = self._allowed(order.url or "")
        own, stored = await self._stored()
        if order.name in own:
            raise _conflict(f"You have a webhook {order.name!r} already; change it with `updateWebhook`.", "name")
        if len(own) >= MAX_OWNED:
            raise _conflict(
                f"You have {MAX_OWNED} webhooks, the maximum; remove one, or let one webhook name more in its filter."
            )
        abandoned = self._abandoned(stored) if len(stored) >= MAX_OF_TENANT else None
        now, secret = self._rights.clock(), new_secret()
        webhook = StoredWebhook(
            self._vertex(order.name),
            self._owner(),
            order.name,
            url,
            order.filter or {},
            now,
            now,
            self._rights.seal(secret),
            DeliveryState(order.cursor or ""),
        )
        result = await self._put(webhook, secret, order)
        if abandoned is None or order.dry:
            return result
        await self._give_place(abandoned, webhook)
        return replace(result, removed=(abandoned.name, abandoned.owner.subject))

    async def update(self, order: WebhookOrder) -> WebhookResult:
        """See :class:`graphql_schema.ports.webhooks.webhook_registry.WebhookRegistry`."""
        async with self._changing():
            return await self._update(order)

    async def _update(self, order: WebhookOrder) -> WebhookResult:
        found = await self._named(order.name)
        if order.url is None and _grants_more(self._owner(), found.owner):
            raise _conflict(
                f"Your token has teams or roles that the token of the last call for {order.name!r} had not, which may "
                f"have changed the address to {found.url}. State `url`, so that your rights serve the one you want.",
                "url",
            )
        now = self._rights.clock()
        webhook = replace(
            found,
            owner=self._owner(),
            url=self._allowed(found.url if order.url is None else order.url),
            filter=found.filter if order.filter is None else order.filter,
            rights_at=now,
            state=found.state.resumed(order.cursor),
            replays=found.replays + (order.cursor is not None),
        )
        secret = new_secret() if order.rotates else None
        if secret is not None:
            sealed = self._rights.seal(secret)
            webhook = replace(webhook, secret=sealed, former_secret=found.secret, former_until=now + FORMER_MS)
        return await self._put(webhook, secret, order)

    async def remove(self, name: str, *, dry: bool = False) -> None:
        """See :class:`graphql_schema.ports.webhooks.webhook_registry.WebhookRegistry`."""
        async with self._changing():
            webhook = await self._named(name)
            if not dry and not await self._store.remove(webhook):
                raise _changed()

    def _changing(self) -> asyncio.Lock:
        return self._store.changing((self._caller.tenant, self._caller.subject))

    def _abandoned(self, stored: Sequence[StoredWebhook]) -> StoredWebhook:
        """Return the webhook whose rights ended first; raises CONFLICT if that was in the last ABANDONED_MS."""
        oldest = min(stored, key=self._rights.until)
        if self._rights.until(oldest) + ABANDONED_MS > self._rights.clock():
            raise _conflict(
                f"Your tenant has {MAX_OF_TENANT} webhooks, the maximum; ask the owner of one to remove it, or let a "
                "webhook that you have name more in its filter."
            )
        return oldest

    async def _give_place(self, abandoned: StoredWebhook, webhook: StoredWebhook) -> None:
        """Remove an abandoned webhook, after a new one was stored: if that was refused, none would be lost.

        If the abandoned one was renewed or removed meanwhile, the new one is removed instead; raises CONFLICT then.
        """
        if not await self._store.remove(abandoned):
            await self._store.remove(replace(webhook, text=webhook.record()))
            raise _conflict("Another webhook of your tenant was changed at the same time; call again.")

    async def _put(self, webhook: StoredWebhook, secret: str | None, order: WebhookOrder) -> WebhookResult:
        if order.dry:
            return WebhookResult(self._shown(webhook))
        if not await self._store.put(webhook):
            raise _changed()
        return WebhookResult(self._shown(webhook), secret)

    async def _stored(self) -> tuple[dict[str, StoredWebhook], list[StoredWebhook]]:
        """Return the webhooks of the caller by name, and those of all callers of the tenant."""
        tenant, subject = self._caller.tenant, self._caller.subject
        stored = [each for each in await self._store.all((tenant, subject)) if each.owner.tenant == tenant]
        return {each.name: each for each in stored if each.owner.subject == subject}, stored

    async def _named(self, name: str) -> StoredWebhook:
        found = (await self._stored())[0].get(name)
        if found is None:
            message = f"You have no webhook {name!r}; `webhooks` lists those that you have."
            raise WebhookRefusedError(MutationErrorCode.NOT_FOUND, message, "name")
        return found

    def _owner(self) -> Principal:
        """Return the caller as the webhook acts: it may only read."""
        return replace(self._caller, scopes=self._caller.scopes & {Scope.READ})

    def _allowed(self, url: str) -> str:
        if self._rights.hosts.rule_for(url) is None:
            raise WebhookRefusedError(
                MutationErrorCode.INVALID,
                "`url` is not allowed: use HTTPS and a host that the operator of this server lists in "
                "MLG_WEBHOOK_HOSTS, without credentials and fragment.",
                "url",
            )
        return url

    def _vertex(self, name: str) -> int:
        """Return the vertex id of a webhook, which a caller cannot compute: it could search for a free id otherwise."""
        text = f"webhook\0{self._caller.tenant}\0{self._caller.subject}\0{name}"
        return internal_vertex_id("webhook", hmac.digest(self._rights.key, text.encode(), "sha256").hex())

    def _shown(self, webhook: StoredWebhook) -> JsonObject:
        """Return the source of the GraphQL type `Webhook`."""
        state = webhook.state
        return {
            "name": webhook.name,
            "url": webhook.url,
            "filter": webhook.filter or None,
            "state": self._rights.state_of(webhook).name,
            "createdAt": webhook.created_at,
            "rightsUntil": self._rights.until(webhook),
            "cursor": state.cursor,
            "deliveredAt": state.delivered_at or None,
            "failures": state.failures,
            "failingSince": state.failing_since or None,
            "nextAttemptAt": state.next_at or None,
            "lastError": state.error or None,
        }


def _conflict(message: str, path: str = "") -> WebhookRefusedError:
    return WebhookRefusedError(MutationErrorCode.CONFLICT, message, path)


def _changed() -> WebhookRefusedError:
    return _conflict("The webhook was changed at the same time; read it, and call again.")


def _grants_more(caller: Principal, owner: Principal) -> bool:
    """Return whether a caller has a team, role or scope that a former one of the same account had not.

    Teams above, members and domains of the teams do not count: others change them.
    """
    return not (
        caller.token_teams <= owner.token_teams and caller.roles <= owner.roles and caller.scopes <= owner.scopes
    )
