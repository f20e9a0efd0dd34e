"""Changes that a subscriber may not see keep no later change from it, however large they are.

The limit of what an event reads is lowered to some hundred thousand characters, so that few records exceed it.
"""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from support.servers.in_process import Api
from support.servers.websocket_client import connected, serving

from graphql_schema.ports.operation_budget import UsageLimits

FOLLOW = "subscription ($after: Cursor) { changes(after: $after) { cursor subjectId } }"
NEWEST = "{ changes(first: 1) { nodes { cursor } } }"
LIMITS = UsageLimits(stored=200_000)


@pytest.fixture(scope="module")
async def served(api: Api) -> AsyncIterator[tuple[Api, str]]:
    """Serve the API of the module over WebSockets."""
    async with serving(api.app) as address:
        yield api, address


@pytest.fixture(autouse=True)
def lower_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limits of an event, and the number of far ends that are read of a large change."""
    monkeypatch.setattr("app.runtime.operation_context.EVENT_LIMITS", LIMITS)
    monkeypatch.setattr("app.graph.reading.attached_records.FEW_ENDS", 10)


def urn(name: str, kind: str = "dataset") -> str:
    """Return an id that no other test has."""
    return f"mlg://{kind}/test/default/{name}-{uuid4().hex[:8]}"


def large(id_: str, **more: Any) -> dict[str, Any]:
    """Return a dataset of which a hundred are more than an event may read."""
    return {"dataset": {"id": id_, "description": "x" * 4_000, **more}}


async def cursor_of(api: Api, who: str) -> str:
    """Return the cursor of a new change that a caller may see."""
    await api.load({"dataset": {"id": urn("begin")}})
    found = await api.ask(who, NEWEST)
    return str(found["changes"]["nodes"][0]["cursor"])


async def next_subject(served: tuple[Api, str], who: str, after: str) -> str:
    """Return the subject of the first change after a cursor that a subscription sends."""
    api, address = served
    async with connected(address, api.tokens[who]) as talk:
        await talk.subscribe(FOLLOW, after=after)
        message = await talk.receive()
    assert message["type"] == "next", json.dumps(message)[:500]
    return str(message["payload"]["data"]["changes"]["subjectId"])


async def test_large_changes_of_hidden_assets_are_passed(served: tuple[Api, str]) -> None:
    """Hidden changes that are together more than an event may read come before a visible one, which arrives."""
    api, _ = served
    after = await cursor_of(api, "bo")
    hidden = {"visibility": "TEAM", "sensitivity": "RESTRICTED"}
    await api.load(*(large(urn("hidden"), **hidden) for _ in range(60)))
    shown = urn("shown")
    await api.load({"dataset": {"id": shown}})
    assert await next_subject(served, "bo", after) == shown


async def test_a_change_with_large_far_ends_arrives(served: tuple[Api, str]) -> None:
    """A change whose far ends are more than an event may read is visible by its first ones, and so are later ones."""
    api, _ = served
    inputs = [urn("input") for _ in range(60)]
    await api.load(*map(large, inputs))
    run = urn("run", "run")
    await api.load({"run": {"id": run, "state": "RUNNING"}})
    after = await cursor_of(api, "bo")
    await api.load({"run": {"id": run, "inputs": inputs}})
    assert await next_subject(served, "bo", after) == run
