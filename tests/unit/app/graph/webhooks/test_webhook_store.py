"""Reads of all webhooks: what is read, parsed and kept."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from support.stores.webhook_memory import webhook

from app.fair_queue import PROCESS
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.webhooks import webhook_store
from app.graph.webhooks.stored_webhook import DeliveryState, StoredWebhook, webhook_from_row
from app.graph.webhooks.webhook_store import WebhookStore
from graphql_schema.ports.operation_budget import OperationBudget


@dataclass
class Registrations:
    """The responses of a store to reads of webhooks, in plain Python.

    ``read`` are the vertex ids of the registrations in the responses. ``steps`` has ``parse`` for each registration
    that is parsed, and ``pause`` for each pause, because each turn of the event loop is over.
    """

    stored: dict[int, StoredWebhook]
    read: list[list[int]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    async def submit(self, _: PreparedStatement, bindings: Mapping[str, Any], *, caller: object) -> list[Any]:
        """Return rows, and the number of webhooks that are left out because one new registration was returned."""
        assert (caller, bindings["part"]) == (PROCESS, webhook_store.PART_BYTES)
        rows, read, left = list[dict[str, Any]](), list[int](), 0
        for x, each in self.stored.items():
            record: str | None = each.record()
            digest = sha256(each.record().encode()).hexdigest()
            if bindings["known"].get(str(x)) == digest:
                record = None
            elif read:
                left += 1
                continue
            else:
                read.append(x)
            rows.append({"x": x, "digest": digest, "record": record, "note": each.state_text()})
        self.read.append(read)
        return [rows, left]

    def parsed(self, row: dict[str, Any]) -> StoredWebhook:
        """Return the webhook of a row."""
        self.steps.append("parse")
        return webhook_from_row(row)


@pytest.fixture
def registrations(monkeypatch: pytest.MonkeyPatch) -> Registrations:
    """Return the registrations of three webhooks."""
    found = Registrations({x: webhook(f"w{x}", x=x, filter={"actors": [f"{x}"]}) for x in (8, 16, 24)})

    async def pause(_: OperationBudget) -> None:
        found.steps.append("pause")

    monkeypatch.setattr(OperationBudget, "pause", pause)
    monkeypatch.setattr("graphql_schema.ports.operation_budget.TURNS", SimpleNamespace(is_over=lambda: True))
    monkeypatch.setattr(webhook_store, "webhook_from_row", found.parsed)
    return found


@pytest.fixture
def store(registrations: Registrations, monkeypatch: pytest.MonkeyPatch) -> WebhookStore:
    """Return a store of the registrations."""
    client = GremlinClient("http://127.0.0.1:1")
    monkeypatch.setattr(client, "submit", registrations.submit)
    return WebhookStore(client, asyncio.Lock())


async def test_large_registrations_are_read_in_parts_and_parsed_in_turns(
    store: WebhookStore, registrations: Registrations
) -> None:
    """No response has more than a part, and a turn may end before each registration; each is parsed once."""
    found = await store.all()
    assert {each.x: each for each in found} == registrations.stored
    assert [each.text for each in found] == [each.record() for each in registrations.stored.values()]
    assert registrations.read == [[8], [16], [24]]
    assert registrations.steps.count("parse") == 3
    assert "parse parse" not in " ".join(registrations.steps)


async def test_a_known_registration_is_neither_read_nor_parsed_again(
    store: WebhookStore, registrations: Registrations
) -> None:
    """A further read has states alone, and the changed registration; all registrations were 40 MB every 5 s."""
    first = {each.x: each for each in await store.all()}
    state = DeliveryState("next", failures=2)
    registrations.stored[8] = registrations.stored[8].with_state(state)
    registrations.stored[16] = replace(registrations.stored[16], url="http://127.0.0.1:2")
    registrations.read.clear()
    registrations.steps.clear()
    second = {each.x: each for each in await store.all()}
    assert second == registrations.stored
    assert second[8].owner is first[8].owner
    assert (registrations.read, registrations.steps.count("parse")) == ([[16]], 1)
    assert {each.x: each for each in await store.all()} == registrations.stored
    assert registrations.steps.count("parse") == 1


async def test_a_removed_registration_is_not_kept(store: WebhookStore, registrations: Registrations) -> None:
    """What is kept is bounded by the webhooks of the store: one that is registered again is read again."""
    await store.all()
    removed = registrations.stored.pop(24)
    assert [each.x for each in await store.all()] == [8, 16]
    registrations.stored[24] = removed
    registrations.read.clear()
    assert [each.x for each in await store.all()] == [8, 16, 24]
    assert registrations.read == [[24]]
