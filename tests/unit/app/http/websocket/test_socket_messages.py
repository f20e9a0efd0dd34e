"""Messages of a WebSocket: which are malformed, and why, and when one is encoded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson
import pytest
from starlette.types import Message
from starlette.websockets import WebSocket
from strawberry.http.exceptions import WebSocketDisconnected

from app.http.connections.connection_protocols import WRITABLE
from app.http.graphql.graphql_request import RequestLimits
from app.http.websocket import caller_sockets
from app.http.websocket.caller_sockets import CallerSockets
from app.http.websocket.socket_messages import SocketMessages, message_problem

PATIENCE = 30.0
"""Seconds after which what should have been sent, or have ended, has not."""


class Client:
    """The server and a client that takes messages while ``writable`` is set; ``texts`` are those that it was sent."""

    def __init__(self) -> None:
        self.limits = RequestLimits()
        self.writable = asyncio.Event()
        self.is_closing = False
        self.texts: list[str] = []
        self.received = asyncio.Queue[Message]()

    @property
    def untaken(self) -> int:
        """Number of bytes of the last text while the client has not taken it."""
        return len(self.texts[-1]) if self.texts and not self.writable.is_set() else 0

    async def send(self, message: Message) -> None:
        """See ASGI: the client must take a text before the next one is sent."""
        if message["type"] == "websocket.send":
            assert self.writable.is_set()
            self.texts.append(message["text"])
            self.writable.clear()


@asynccontextmanager
async def opened(*, extended: bool = True) -> AsyncIterator[tuple[Client, SocketMessages]]:
    """Open a socket whose server has the extension, or another server."""
    client = Client()
    extension = {
        "wait": client.writable.wait,
        "untaken": lambda: client.untaken,
        "is_closing": lambda: client.is_closing,
    }
    extensions = {WRITABLE: extension} if extended else {}
    scope = {"type": "websocket", "extensions": extensions, "headers": []}
    socket = WebSocket(scope, client.received.get, client.send)
    client.received.put_nowait({"type": "websocket.connect"})
    await socket.accept()
    messages = SocketMessages(cast("Any", client), socket, socket)
    reading = asyncio.ensure_future(anext(messages.iter_json()))
    await asyncio.sleep(0)
    try:
        yield client, messages
    finally:
        reading.cancel()


async def turns() -> None:
    """Let the event loop run some iterations."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_message_becomes_text_when_the_client_has_taken_the_others() -> None:
    """Each of many messages is encoded as it is when it is sent, one after the other, so that none waits as text."""
    wanted = [{"type": "next", "id": str(number), "payload": {}} for number in range(5)]
    async with opened() as (client, messages):
        sending = [asyncio.ensure_future(messages.send_json(message)) for message in wanted]
        for taken, message in enumerate(wanted, start=1):
            await turns()
            message["payload"] = {"data": taken}
            client.writable.set()
            await turns()
            assert [orjson.loads(text) for text in client.texts] == wanted[:taken]
        await asyncio.gather(*sending)


async def test_a_caller_is_sent_no_event_whose_clients_have_not_taken_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that takes nothing holds up what is sent to others of its caller, and to those of no other caller.

    A message that waits is not text yet.
    """
    monkeypatch.setattr(caller_sockets, "MAX_UNTAKEN", 10)
    monkeypatch.setattr(caller_sockets, "LOOK_SECONDS", 0)
    shared, message = CallerSockets(), {"type": "next", "id": "1", "payload": {"data": "first"}}
    async with opened() as (slow, one), opened() as (quick, two), opened() as (other, three):
        one.caller = two.caller = shared
        for client in (slow, quick, other):
            client.writable.set()
        await one.send_json(message)
        waiting = asyncio.ensure_future(two.send_json(message))
        await three.send_json(message)
        await turns()
        assert (len(slow.texts), quick.texts, len(other.texts)) == (1, [], 1)
        message["payload"] = {"data": "last"}
        slow.writable.set()
        await waiting
        assert [orjson.loads(text) for text in quick.texts] == [message]


async def test_a_caller_whose_events_wait_has_answers_and_may_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings are answered while an event waits for other clients, and the wait ends when its own client leaves."""
    monkeypatch.setattr(caller_sockets, "MAX_UNTAKEN", 10)
    monkeypatch.setattr(caller_sockets, "LOOK_SECONDS", 0)
    shared, event = CallerSockets(), {"type": "next", "id": "1", "payload": {"data": "first"}}
    async with opened() as (slow, one), opened() as (quick, two):
        one.caller = two.caller = shared
        for client in (slow, quick):
            client.writable.set()
        await one.send_json(event)
        waiting = [asyncio.ensure_future(two.send_json(event)) for _ in range(3)]
        await turns()
        await asyncio.wait_for(two.send_json({"type": "pong"}), PATIENCE)
        assert quick.texts == ['{"type":"pong"}']
        quick.writable.set()
        quick.is_closing = True
        found = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)
        assert ([type(each) for each in found], len(quick.texts)) == ([WebSocketDisconnected] * 3, 1)


async def test_a_message_is_sent_at_once_by_other_servers() -> None:
    """Without the extension, a message is sent as it comes."""
    async with opened(extended=False) as (client, messages):
        client.writable.set()
        await messages.send_json({"type": "connection_ack"})
        assert (client.texts, messages.acknowledged) == (['{"type":"connection_ack"}'], True)


async def test_no_message_follows_the_end_of_a_socket() -> None:
    """Messages that waited for a client when the socket was closed are not sent; each raises."""
    async with opened() as (client, messages):
        waiting = [asyncio.ensure_future(messages.send_json({"type": "next"})) for _ in range(3)]
        await turns()
        await messages.close(1000, "end")
        client.writable.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert ([type(each) for each in found], client.texts) == ([WebSocketDisconnected] * 3, [])


@pytest.mark.parametrize(
    "message",
    [
        {"type": "ping"},
        {"type": "connection_init", "payload": None},
        {"type": "complete", "id": "1"},
        {"type": "subscribe", "id": "x" * 128, "payload": {}},
        {"type": "unknown"},
    ],
)
def test_a_message_with_type_id_and_payload_is_well_formed(message: Any) -> None:
    """Only what a type needs is checked; an unknown type is left to the protocol handler."""
    assert message_problem(message) is None


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (None, "The message is malformed"),
        ([], "The message is malformed"),
        ({}, "The message is malformed"),
        ({"type": 1}, "The message is malformed"),
        ({"type": "subscribe", "payload": {}}, "`id` is malformed. Send a string of 1 to 128 characters."),
        ({"type": "subscribe", "id": "", "payload": {}}, "`id` is malformed"),
        ({"type": "subscribe", "id": 1, "payload": {}}, "`id` is malformed"),
        ({"type": "complete", "id": "x" * 129}, "`id` is malformed"),
        ({"type": "subscribe", "id": "1"}, "`payload` is malformed"),
        ({"type": "subscribe", "id": "1", "payload": "{ a }"}, "`payload` is malformed"),
    ],
)
def test_a_malformed_message_is_named_by_its_member(message: Any, problem: str) -> None:
    """The reason becomes part of the close frame."""
    found = message_problem(message)
    assert found is not None
    assert found.startswith(problem)
