"""The webhooks of the caller, as the schema has them."""

from collections.abc import Hashable

import pytest
from support.stores.plain_reader import PlainGraph
from support.stores.webhook_memory import SERVICE, WebhookMemory, webhook

from app.fair_queue import PROCESS
from app.graph.webhooks.stored_webhook import StoredWebhook
from app.webhooks.owned_webhooks import OwnedWebhooks
from app.webhooks.receiver_hosts import ReceiverHosts
from app.webhooks.webhook_rights import WebhookRights
from graphql_schema.fields.context import Context
from graphql_schema.schema import GraphSchema

RIGHTS = WebhookRights(ReceiverHosts.parse(("127.0.0.1",)), 100, b"k" * 32, lambda: 1_000)


class CountedReads(WebhookMemory):
    """Counts how often all webhooks are read."""

    reads = 0

    async def all(self, caller: Hashable = PROCESS) -> list[StoredWebhook]:
        """Return all webhooks."""
        self.reads += 1
        return await super().all(caller)


@pytest.mark.parametrize("vectored", [True, False])
async def test_the_list_is_read_once_under_many_aliases(
    schema: GraphSchema, graph: PlainGraph, *, vectored: bool
) -> None:
    """Each read takes the webhooks of all tenants from the store."""
    store = CountedReads({8: webhook("hook")})
    owned = OwnedWebhooks(store, RIGHTS, SERVICE)  # type: ignore[arg-type]  # the rules of the store, in memory
    context = Context(
        SERVICE, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0, webhooks=owned, vectored=vectored
    )
    names = [f"a{number}" for number in range(30)]
    result = await schema.execute(
        "{" + " ".join(f"{name}: webhooks {{ name }}" for name in names) + "}", context_value=context
    )
    assert (result.errors, result.data) == (None, {name: [{"name": "hook"}] for name in names})
    assert store.reads == 1


async def test_there_are_none_without_the_setting(schema: GraphSchema, graph: PlainGraph) -> None:
    """The list is empty on a server where webhooks are off."""
    context = Context(SERVICE, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)
    result = await schema.execute("{ webhooks { name } }", context_value=context)
    assert (result.errors, result.data) == (None, {"webhooks": []})
