"""Webhooks in the store: kept, compared, and in no read of the API."""

import asyncio
from dataclasses import replace

from support.servers.in_process import client_of
from support.stores.janusgraph import StoreGraph
from support.stores.webhook_memory import webhook

from app.graph.records.vertex_id import internal_vertex_id
from app.graph.webhooks.stored_webhook import DeliveryState
from app.graph.webhooks.webhook_store import WebhookStore


async def test_a_write_needs_the_expected_registration(graph: StoreGraph) -> None:
    """A registration is stored once; states, changes and removals of a former registration are refused."""
    async with client_of(graph) as client:
        store = WebhookStore(client, asyncio.Lock())
        assert await store.all() == []
        first = webhook(
            x=internal_vertex_id("test", "a"),
            filter={"kinds": ["MODEL"]},
            state=DeliveryState("c1", 5, 1, 2, 3, "HTTP 500"),
        )
        assert await store.put(first)
        assert not await store.put(first)
        (stored,) = await store.all()
        assert (stored, stored.text) == (first, first.record())
        assert await store.save_state(stored.with_state(DeliveryState("c2")))
        changed = replace(stored, url="http://127.0.0.1:2", state=DeliveryState("c3"))
        assert await store.put(changed)
        assert not await store.save_state(stored.with_state(DeliveryState("late")))
        assert not await store.remove(stored)
        assert await store.all() == [changed]
        assert await store.put(webhook("other", x=internal_vertex_id("test", "b")))
        assert await store.remove((await store.all())[0])
        assert len(await store.all()) == 1
        assert store.changed.is_set()
