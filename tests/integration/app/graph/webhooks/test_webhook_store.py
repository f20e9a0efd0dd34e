"""Webhooks in the store: kept, compared, and in no read of the API."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from support.servers.in_process import client_of
from support.stores.janusgraph import StoreGraph
from support.stores.webhook_memory import webhook

from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.touched import NOTHING
from app.graph.records.vertex_id import internal_vertex_id
from app.graph.webhooks import webhook_store
from app.graph.webhooks.stored_webhook import WEBHOOK_ROOT, DeliveryState
from app.graph.webhooks.webhook_store import WebhookStore

_ADD_PARTIAL = PreparedStatement.of(
    """
def v = g.addV('Webhook').property(T.id, x).next()
partial.each { key, value -> v.property(single, key, value) }
g.V(top).next().addEdge('WEBHOOK', v)
g.tx().commit()
[true]
""",
    "x",
    "top",
    "partial",
    name="test",
)
"""Adds a webhook that has only some of its values, as a read finds one that is being removed."""


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


async def test_the_store_returns_unknown_registrations_in_parts(
    graph: StoreGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part has at least one registration; a known one is left out, a changed one is not, a state never is."""
    monkeypatch.setattr(webhook_store, "PART_BYTES", 1)
    async with client_of(graph) as client:
        store, responses = WebhookStore(client, asyncio.Lock()), list[list[Any]]()
        for name in ("a", "b", "c"):
            given = webhook(name, x=internal_vertex_id("test", name), filter={"actors": ['"ü\u2028😀']})
            assert await store.put(given)
        submit = client.submit

        async def recorded(*given: Any, **more: Any) -> list[Any]:
            responses.append(await submit(*given, **more))
            return responses[-1]

        monkeypatch.setattr(client, "submit", recorded)
        first = await store.all()
        assert sorted(each.name for each in first) == ["a", "b", "c"]
        assert all(each.text == each.record() for each in first)
        assert [(_read(rows), left) for rows, left in responses] == [(1, 2), (1, 1), (1, 0)]
        assert await store.save_state(first[0].with_state(DeliveryState("c2")))
        assert await store.put(replace(first[1], url="http://127.0.0.1:2"))
        responses.clear()
        second = await store.all()
        assert second[0] == first[0].with_state(DeliveryState("c2"))
        assert second[1:] == [replace(first[1], url="http://127.0.0.1:2"), first[2]]
        assert [(_read(rows), left) for rows, left in responses] == [(1, 0)]


async def test_a_webhook_that_is_removed_at_this_moment_is_left_out(graph: StoreGraph) -> None:
    """A read may find the vertex of a webhook without its values, while another transaction removes it."""
    async with client_of(graph) as client:
        store = WebhookStore(client, asyncio.Lock())
        kept = webhook("kept", x=internal_vertex_id("test", "kept"))
        assert await store.put(kept)
        for name, partial in {"none": {}, "a": {"record": kept.record()}, "b": {"note": kept.state_text()}}.items():
            bindings = {"x": internal_vertex_id("test", name), "top": WEBHOOK_ROOT, "partial": partial}
            await client.submit(_ADD_PARTIAL, bindings, writes=NOTHING)
        assert await store.all() == [kept]
        assert await store.all() == [kept]


def _read(rows: list[Any]) -> int:
    """Return the number of rows with a registration."""
    return sum(row["record"] is not None for row in rows)
