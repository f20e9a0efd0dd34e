"""The webhooks of a process: their registry for callers, and the job that sends them."""

from functools import partial

from app.auth.resource_metadata import public_url
from app.graph.webhooks.webhook_store import WebhookStore
from app.runtime.operation_context import OperationContexts
from app.settings import Settings
from app.webhooks.owned_webhooks import OwnedWebhooks
from app.webhooks.receiver_hosts import ReceiverHosts
from app.webhooks.webhook_events import CurrentOwners, WebhookEvents
from app.webhooks.webhook_job import WebhookJob
from app.webhooks.webhook_rights import RIGHTS_MS, WebhookRights
from graphql_schema.schema import GraphSchema


def webhook_rights(settings: Settings, key: bytes) -> WebhookRights | None:
    """Return the rules of webhooks, None if they are off; raises ConfigurationError for an invalid host."""
    hosts = ReceiverHosts.parse(settings.webhook_hosts)
    return WebhookRights(hosts, RIGHTS_MS, key) if hosts.rules else None


def webhook_job(
    settings: Settings,
    rights: WebhookRights,
    schema: GraphSchema,
    contexts: OperationContexts,
    current: CurrentOwners,
) -> WebhookJob:
    """Return the job, not started yet, and let ``contexts`` have the registry of its store."""
    store = WebhookStore(contexts.client, contexts.coordinator.lock)
    contexts.webhooks = partial(OwnedWebhooks, store, rights)
    events = WebhookEvents(schema, contexts.open_webhook, rights, current)
    return WebhookJob(store, events, rights, public_url(settings))
