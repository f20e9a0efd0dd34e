"""A subscriber who does not read: what it holds up, how its connection ends, and how it continues."""

import asyncio
import json
import select
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from support.servers.server_process import Serving
from support.servers.websocket_client import PATIENCE, PROTOCOL
from support.waiting import until
from websockets.asyncio.client import connect

FOLLOW = """subscription ($after: Cursor) { changes(after: $after) { cursor subjectId
  a: fields { after } b: fields { after } c: fields { after } d: fields { after } } }"""
NEWEST = "{ changes(first: 1) { nodes { cursor } } }"
LOAD = "mutation ($input: DatasetInput!) { registerDataset(input: $input) { outcome } }"
EVENTS = 40
"""Changes of 240 KB as an event, more together than the buffers of the system hold."""


@pytest.fixture(scope="module")
async def serving(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    """Run a server that has little patience with clients that do not read."""
    server = Serving(tmp_path_factory.mktemp("data"), {"MLG_READER_SECONDS": "2"})
    await server.start()
    yield server
    await server.stop()


def urn(number: int) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/default/followed-{number:02}"


@asynccontextmanager
async def follower(serving: Serving, after: str, client: socket.socket | None = None) -> AsyncIterator[Any]:
    """Subscribe to the changes after a cursor, over a socket if one is given; few messages are read ahead."""
    options: dict[str, Any] = {"proxy": None, "max_queue": 1, "ping_interval": None, "close_timeout": 0.1}
    url = f"ws://127.0.0.1:{serving.port}/graphql"
    async with connect(url, subprotocols=[PROTOCOL], sock=client, **options) as opened:
        payload = {"Authorization": serving.headers()["Authorization"]}
        await opened.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await opened.recv())["type"] == "connection_ack"
        wanted = {"query": FOLLOW, "variables": {"after": after}}
        await opened.send(json.dumps({"type": "subscribe", "id": "1", "payload": wanted}))
        yield opened


async def change(opened: Any) -> dict[str, Any]:
    """Return the next change that a follower receives."""
    async with asyncio.timeout(PATIENCE):
        message = json.loads(await opened.recv())
    assert message["type"] == "next", message
    changes: dict[str, Any] = message["payload"]["data"]["changes"]
    return changes


def was_reset(client: socket.socket) -> bool:
    """Return whether the server has ended the connection, without reading what it sent."""
    poll = select.poll()
    poll.register(client, 0)  # errors are always reported
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


async def test_a_subscriber_who_does_not_read_is_disconnected_and_continues(serving: Serving) -> None:
    """It holds up no other one, loses its connection, and gets each change after its last cursor once, in order."""
    async with httpx2.AsyncClient(base_url=serving.url, headers=serving.headers(), timeout=PATIENCE) as http:

        async def load(number: int) -> None:
            given = {"id": urn(number), "description": "x" * 60_000}
            body = (await http.post("/graphql", json={"query": LOAD, "variables": {"input": given}})).json()
            assert body["data"]["registerDataset"]["outcome"] == "CREATED"

        await load(EVENTS)
        begin = (await http.post("/graphql", json={"query": NEWEST})).json()["data"]["changes"]["nodes"][0]["cursor"]
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", serving.port))
        async with follower(serving, begin, client) as slow, follower(serving, begin) as quick:
            await load(0)
            last, first = await change(slow), await change(quick)
            assert last == first
            found = [first["subjectId"]]
            for number in range(1, EVENTS):
                await load(number)
                found.append((await change(quick))["subjectId"])
            assert found == [urn(number) for number in range(EVENTS)]
            await until(lambda: was_reset(client), PATIENCE)
        async with follower(serving, last["cursor"]) as again:
            assert [(await change(again))["subjectId"] for _ in found[1:]] == found[1:]
