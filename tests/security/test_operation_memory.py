"""Large operations at once: each caller keeps a share of their memory, and every end of one returns its part."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from unittest.mock import AsyncMock

import pytest
from starlette.types import Message
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.waiting import until

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level.level_statement import LEVEL
from app.runtime.operation_memory import OperationMemory
from graphql_schema.ports.operation_budget import UsageLimits

MIB = 1024 * 1024
MAXIMUM = 35 * MIB
IDS = sorted(f"mlg://dataset/test/default/large{number:02}" for number in range(70))
QUERY = """query ($ids: [ID!]) {
  assets(filter: {ids: $ids}, first: 100) { nodes { id downstream(first: 1) { nodes { asset { id } } } } } }"""
SMALL = "query ($ids: [ID!]) { assets(filter: {ids: $ids}, first: 1) { nodes { id description } } }"


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return an API with 70 assets that take 21 MiB by estimate; one caller alone may have three such operations."""
    folder = tmp_path_factory.mktemp("keys")
    async with open_api(module_graph, folder, MLG_OPERATIONS_MB=str(MAXIMUM // MIB), MLG_CACHE_MB="0") as api:
        items = [{"dataset": {"id": each, "description": "x" * 64_000}} for each in IDS]
        for start in range(0, len(items), 10):
            await api.load(*items[start : start + 10])
        api.turns.pinned = True  # the bounds are those of one process
        yield api


class Held:
    """Holds queries of many assets before they read the second level, when they are charged for the first one.

    The next ``passing`` of them are not held.
    """

    def __init__(self) -> None:
        self.count = self.passing = 0
        self.released = asyncio.Event()
        self.fails = False

    async def wait(self, hops: list[Any]) -> None:
        """Hold a request to the store with hops from many vertices."""
        if any(len(hop["xs"]) == len(IDS) for hop in hops):
            if self.passing:
                self.passing -= 1
                return
            self.count += 1
            await self.released.wait()
            if self.fails:
                raise ValueError


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """Hold queries of many assets."""
    holds, submit = Held(), GremlinClient.submit

    async def submit_later(client: GremlinClient, text: Any, bindings: Any, **given: Any) -> Any:
        if text is LEVEL:
            await holds.wait(bindings["hops"])
        return await submit(client, text, bindings, **given)

    monkeypatch.setattr(GremlinClient, "submit", submit_later)
    yield holds
    holds.released.set()


async def test_two_callers_cannot_have_all_memory(api: Api, held: Held) -> None:
    """While both keep as many queries as they may have, a third one's passes each time, and so do small ones of all.

    One more of the first caller is too much for it alone, and one more of the second one only beside the first.
    """
    memory = api.contexts.memory
    expected = {"assets": {"nodes": [{"id": each, "downstream": {"nodes": []}} for each in IDS]}}
    running = {who: [each async for each in _as_many_as_pass(api, held, who)] for who in ("ada", "bo")}
    kept = memory.charged
    held.passing = 2
    for _ in range(2):
        assert await api.ask("cy", QUERY, ids=IDS) == expected
    for who in ("ada", "bo", "cy"):
        assert [each["id"] for each in (await api.ask(who, SMALL, ids=IDS))["assets"]["nodes"]] == IDS[:1]
    assert memory.charged == kept <= MAXIMUM * 3 // 4
    assert {who: len(tasks) - 1 for who, tasks in running.items()} == {"ada": 3, "bo": 1}
    held.released.set()
    *done, refused = await asyncio.gather(*running["ada"])
    assert [body["data"] for body in done] == [expected] * 3
    extensions = refused["errors"][0]["extensions"]
    assert (extensions["code"], extensions["limit"]) == ("LIMIT_EXCEEDED", "callerMemory")
    *done, refused = await asyncio.gather(*running["bo"])
    assert [body["data"] for body in done] == [expected]
    extensions = refused["errors"][0]["extensions"]
    assert (extensions["code"], extensions["reason"]) == ("STORE_UNAVAILABLE", "BUSY")
    assert memory.charged == 0
    assert await api.ask("bo", QUERY, ids=IDS) == expected


async def _as_many_as_pass(api: Api, held: Held, who: str) -> AsyncIterator[asyncio.Task[dict[str, Any]]]:
    """Yield queries of a caller that are held, and then one that has ended."""
    is_held = True
    while is_held:
        query, is_held = await _begun(api, held, who)
        yield query


async def _begun(api: Api, held: Held, who: str) -> tuple[asyncio.Task[dict[str, Any]], bool]:
    """Return a query of a caller, and whether it is held; else it has ended."""
    count = held.count
    query = asyncio.create_task(api.send(who, QUERY, ids=IDS))
    await until(lambda: query.done() or held.count > count)
    return query, not query.done()


@pytest.mark.parametrize("end", ["response", "error", "limit", "cancellation", "disconnect"])
async def test_every_end_of_an_operation_returns_its_part(
    api: Api, held: Held, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is charged after a response, a defect, a limit, a cancellation of the server, or when the client left."""
    memory, left = api.contexts.memory, asyncio.Event()
    if end == "limit":
        monkeypatch.setattr("app.runtime.operation_context.UsageLimits", lambda: UsageLimits(rows=len(IDS)))
    held.fails = end == "error"
    messages = [
        {
            "type": "http.request",
            "body": json.dumps({"query": QUERY, "variables": {"ids": IDS}}).encode(),
            "more_body": False,
        }
    ]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    running = asyncio.create_task(api.app(_scope(api.tokens["ada"]), receive, AsyncMock()))
    await until(lambda: held.count == 1 or running.done())
    assert memory.charged > 0 or running.done()
    if end == "cancellation":
        running.cancel()
    elif end == "disconnect":
        left.set()
    else:
        held.released.set()
    await asyncio.wait([running])
    assert memory.charged == 0
    held.released.set()


async def test_the_bound_is_the_setting(api: Api) -> None:
    """It is in MiB."""
    assert api.contexts.memory == OperationMemory(MAXIMUM)


def _scope(token: str) -> dict[str, Any]:
    """Return a POST to the endpoint."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "host": "127.0.0.1"}
    return {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
