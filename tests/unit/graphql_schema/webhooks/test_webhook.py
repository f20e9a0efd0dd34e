"""The webhooks of the caller, as the schema has them."""

from collections.abc import Hashable
from dataclasses import replace
from typing import cast

import pytest
from support.stores.plain_reader import PlainGraph
from support.stores.webhook_memory import SERVICE, WebhookMemory, webhook

from app.fair_queue import PROCESS
from app.graph.records.clock import epoch_milliseconds
from app.graph.webhooks.stored_webhook import StoredWebhook
from app.webhooks.owned_webhooks import OwnedWebhooks
from app.webhooks.receiver_hosts import ReceiverHosts
from app.webhooks.webhook_rights import WebhookRights
from graphql_schema.fields.context import Context
from graphql_schema.ports.protocols import ChangeFeed
from graphql_schema.schema import GraphSchema

RIGHTS = WebhookRights(ReceiverHosts.parse(("127.0.0.1",)), 100, b"k" * 32, lambda: 1_000)


class Feed:
    """A change feed without changes."""

    async def end(self) -> tuple[int, str]:
        """Return the position after all changes."""
        return 0, ""


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


async def test_the_removal_of_an_abandoned_webhook_is_reported(schema: GraphSchema, graph: PlainGraph) -> None:
    """The access log names it and its owner, beside the new one; a dry run is not in it."""
    store = WebhookMemory({x: webhook(f"w{x}", x=x, owner=replace(SERVICE, subject=f"s{x}")) for x in range(100)})
    owned = OwnedWebhooks(store, replace(RIGHTS, clock=epoch_milliseconds), SERVICE)  # type: ignore[arg-type]  # in memory
    context = Context(SERVICE, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)
    context.webhooks, context.change_feed = owned, cast("ChangeFeed", Feed())
    document = """mutation ($dry: Boolean!) { registerWebhook(
      input: {name: "new", url: "https://127.0.0.1/in", dryRun: $dry}) { errors { message } } }"""
    for dry in (True, False):
        result = await schema.execute(document, {"dry": dry}, context_value=context)
        assert (result.errors, result.data) == (None, {"registerWebhook": {"errors": []}})
    assert graph.report.webhooks == [("register", "new", "ci"), ("remove", "w0", "s0")]


async def test_there_are_none_without_the_setting(schema: GraphSchema, graph: PlainGraph) -> None:
    """The list is empty on a server where webhooks are off."""
    context = Context(SERVICE, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)
    result = await schema.execute("{ webhooks { name } }", context_value=context)
    assert (result.errors, result.data) == (None, {"webhooks": []})
