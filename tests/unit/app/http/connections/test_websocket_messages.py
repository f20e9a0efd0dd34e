"""Messages of WebSockets: one of a connection is in memory, and none after its end, which is found without reading."""

import asyncio
import gc
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from support.waiting import until
from uvicorn.server import ServerState
from websockets.frames import Frame

from app.http.connections.connection_limits import ConnectionLimits
from app.http.connections.connection_protocols import WRITABLE, ConnectionConfig, HttpConnection
from app.http.connections.open_connections import OpenConnections
from app.http.connections.websocket_messages import has_ended

PATIENCE = 30.0
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: a2tra2tra2tra2tra2traw==\r\n\r\n"
)
SIZE = 512 * 1024


def frame(head: int, content: bytes) -> bytes:
    """Return a masked frame with a first byte, which has opcode and end."""
    return bytes([head, 0xFF]) + len(content).to_bytes(8, "big") + bytes(4) + content


TEXT = frame(0x81, b"x" * SIZE)
PARTS = frame(0x01, b"x" * SIZE) + frame(0x80, b"x" * SIZE)
BINARY = frame(0x82, b"x" * SIZE)


class Application:
    """Accepts one WebSocket, and receives a message when it may, until ``received`` ends with that of the end."""

    def __init__(self) -> None:
        self.scope: Scope = {}
        self.received: list[Message] = []
        self.may_receive = asyncio.Semaphore(0)
        self.closes = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        self.scope = scope
        await receive()
        await send({"type": "websocket.accept"})
        while not self.received or self.received[-1]["type"] != "websocket.disconnect":
            await self.may_receive.acquire()
            if self.closes.is_set():
                await send({"type": "websocket.close", "code": 1000})
                return
            self.received.append(await receive())


class Connected:
    """A server with one WebSocket of an application, and its client."""

    def __init__(self, app: Application, made: list[HttpConnection], client: socket.socket) -> None:
        self.app = app
        self.client = client
        self.server: Any = made[0].transport.get_protocol()

    async def send(self, data: bytes) -> None:
        """Send frames, of which the server need not read all."""
        sending = asyncio.get_running_loop().sock_sendall(self.client, data)
        self.sending = asyncio.ensure_future(sending)

    def disappear(self) -> None:
        """Reset the connection."""
        self.sending.cancel()
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()

    def end(self) -> None:
        """End the connection in order."""
        self.client.shutdown(socket.SHUT_WR)


@asynccontextmanager
async def connected() -> AsyncIterator[Connected]:
    """Connect a client over TCP to a server of the protocols, and open a WebSocket."""
    app, made, loop = Application(), list[HttpConnection](), asyncio.get_running_loop()
    limits = ConnectionLimits(9, 9, (), request_seconds=60, idle_seconds=60, reader_seconds=60)
    config = ConnectionConfig(app, OpenConnections(limits), log_config=None)
    config.load()

    def make() -> HttpConnection:
        made.append(HttpConnection(config, ServerState(), {}))
        return made[0]

    server = await loop.create_server(make, "127.0.0.1", 0)
    with socket.socket() as client:
        client.setblocking(False)  # noqa: FBT003 - of the standard library
        await loop.sock_connect(client, server.sockets[0].getsockname())
        await loop.sock_sendall(client, UPGRADE)
        assert await loop.sock_recv(client, 9_999)
        yield Connected(app, made, client)
    server.close()
    await server.wait_closed()


def held(least: int = 10_000) -> int:
    """Return the bytes of long texts that queues, frames of WebSockets and readers have in memory."""
    sizes = 0
    for each in gc.get_objects():
        if isinstance(each, Frame):
            sizes += len(each.data) if len(each.data) >= least else 0
        elif isinstance(each, asyncio.Queue):
            messages = [message for message in each._queue if isinstance(message, dict)]  # type: ignore[attr-defined]  # noqa: SLF001 - what waits
            sizes += sum(len(message.get("text") or "") for message in messages)
    return sizes


@pytest.mark.parametrize("message", [TEXT, PARTS, BINARY], ids=["text", "parts", "bytes"])
async def test_a_message_that_waits_is_alone_in_memory(message: bytes) -> None:
    """While the application has not received the next one, no other message is read, and no frame keeps a text."""
    async with connected() as wire:
        wire.app.may_receive.release()
        await wire.send(message * 3)
        await until(lambda: len(wire.app.received) == 1, PATIENCE)
        for _ in range(3_000):
            await asyncio.sleep(0)
        assert not wire.server.transport.is_reading()
        assert held() == 0
        for _ in range(3):
            wire.app.may_receive.release()
        await until(lambda: len(wire.app.received) == 3, PATIENCE)
        sizes = {len(each.get("text") or each["bytes"]) for each in wire.app.received}
        assert sizes <= {SIZE, 2 * SIZE}


@pytest.mark.parametrize("leave", [Connected.disappear, Connected.end], ids=["reset", "end"])
async def test_the_end_of_a_client_is_found_while_nothing_is_read(leave: Callable[[Connected], None]) -> None:
    """The event loop sees no end of a connection that it does not read, and the message would wait for its slot."""
    async with connected() as wire:
        wire.app.may_receive.release()
        await wire.send(TEXT + TEXT[: SIZE // 2])
        await until(lambda: len(wire.app.received) == 1, PATIENCE)
        is_closing = wire.app.scope["extensions"][WRITABLE]["is_closing"]
        assert not is_closing()
        leave(wire)
        await until(is_closing, PATIENCE)
        assert not wire.server.transport.is_closing()
        wire.server.transport.abort()
        assert is_closing()


async def test_a_closed_connection_leaves_no_cycle_with_its_parser() -> None:
    """The parser of a connection that ends within a message is freed with what it has read, without a collection."""
    gc.collect()
    gc.disable()
    try:
        async with connected() as wire:
            wire.app.may_receive.release()
            await wire.send(frame(0x01, b"x" * SIZE) + TEXT[: SIZE // 2])
            parser = wire.server.conn.parser
            await until(lambda: len(wire.server.frames) == 1, PATIENCE)
            wire.disappear()
            await until(lambda: wire.server.disconnected, PATIENCE)
            assert (parser.gi_frame, wire.server.frames) == (None, [])
    finally:
        gc.enable()


async def test_a_pong_may_wait_behind_a_message() -> None:
    """A client is not disconnected because its pong is not read while its message waits; else it is."""
    async with connected() as wire:
        wire.app.may_receive.release()
        await wire.send(TEXT)
        await until(lambda: wire.server.read_paused, PATIENCE)
        wire.server.keepalive_timeout()
        assert not wire.server.transport.is_closing()
        assert wire.server.ping_timer is not None
        wire.app.may_receive.release()
        await until(lambda: not wire.server.read_paused, PATIENCE)
        wire.server.keepalive_timeout()
        assert wire.server.transport.is_closing()


async def test_the_end_of_a_client_is_read_after_a_close() -> None:
    """What was delivered behind the last message is read, so that the connection ends by the close of its client."""
    async with connected() as wire:
        wire.app.may_receive.release()
        await wire.send(frame(0x81, b"x" * 60_000) + frame(0x81, b"x" * 60_000) + frame(0x88, b"\x03\xe8"))
        await until(lambda: len(wire.app.received) == 1, PATIENCE)
        wire.server.close_timeout = 10 * PATIENCE
        wire.app.closes.set()
        wire.app.may_receive.release()
        await until(lambda: wire.server.disconnected, PATIENCE)


async def test_other_systems_see_the_end_that_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TCP_INFO, or a socket, a connection counts as open until the event loop has seen its end."""
    async with connected() as wire:
        monkeypatch.setattr("app.http.connections.websocket_messages._TCP_INFO", None)
        transport = wire.server.transport
        assert not has_ended(transport)
        transport.abort()
        assert has_ended(transport)
