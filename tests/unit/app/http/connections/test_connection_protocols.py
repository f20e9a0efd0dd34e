"""The protocols of connections: what a client sent at once is read in parts, and the event loop runs others between."""

import asyncio
import base64
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from support.waiting import until
from uvicorn.server import ServerState

from app.http.connections import connection_protocols, open_connections, unambiguous_requests
from app.http.connections.connection_limits import ConnectionLimits
from app.http.connections.connection_protocols import (
    FIRST_PART,
    MAX_UNREAD,
    WRITABLE,
    ConnectionConfig,
    HttpConnection,
    WebSocketConnection,
)
from app.http.connections.open_connections import OpenConnections
from app.http.connections.websocket_messages import MAX_FRAGMENTS

HEAD = b"POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(b"k" * 16) + b"\r\n\r\n"
)
PING, TEXT = b"\x89\x80\0\0\0\0", b"\x81\x82\0\0\0\0{}"
FRAGMENT, CONTINUATION = b"\x01\x80\0\0\0\0", b"\0\x80\0\0\0\0"
CHUNK = b"1\r\nx\r\n"
LARGE_CHUNK = b"%x\r\n" % 130_900 + b"x" * 130_900 + b"\r\n"
LARGE_FRAGMENT = b"\x01\xff" + (130_960).to_bytes(8, "big") + bytes(4) + b"x" * 130_960
PATIENCE = 30.0
MOST_IN_A_PART = 350
"""Chunks or frames of the smallest size that are read at once; many more would hold the event loop."""

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Wire(asyncio.Transport):
    """The transport of one connection: the protocol that reads it, whether it is paused, and what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: Any = None
        self.is_paused = self.is_closed = False
        self.untaken = 0
        self.written = b""

    def get_protocol(self) -> Any:
        """See asyncio.Transport."""
        return self.protocol

    def set_protocol(self, protocol: Any) -> None:
        """See asyncio.Transport."""
        self.protocol = protocol

    def pause_reading(self) -> None:
        """See asyncio.Transport."""
        self.is_paused = True

    def resume_reading(self) -> None:
        """See asyncio.Transport."""
        self.is_paused = False

    def is_closing(self) -> bool:
        """See asyncio.Transport."""
        return self.is_closed

    def abort(self) -> None:
        """See asyncio.Transport."""
        self.is_closed = True

    def close(self) -> None:
        """See asyncio.Transport."""
        self.is_closed = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See asyncio.Transport."""
        self.written += data

    def get_write_buffer_size(self) -> int:
        """See asyncio.Transport."""
        return self.untaken

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See asyncio.Transport."""
        return ("127.0.0.1", 1) if name == "peername" else default


async def refusing(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Respond without reading the body, as for a request without a token."""
    await send({"type": "http.response.start", "status": 401, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def reading(_scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, and respond."""
    while (await receive()).get("more_body", False):
        pass
    await refusing(_scope, receive, send)


async def listening(_scope: Scope, receive: Receive, send: Send) -> None:
    """Accept a WebSocket, and read its messages."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def opened(app: App, head: bytes) -> Wire:
    """Return a connection whose client has sent the head of a request, which ``app`` has begun to serve."""
    limits = ConnectionLimits(9, 9, (), request_seconds=60, idle_seconds=60, reader_seconds=60)
    config = ConnectionConfig(app, OpenConnections(limits), log_config=None)
    config.load()
    wire = Wire()
    wire.protocol = HttpConnection(config, ServerState(), {})
    wire.protocol.connection_made(wire)
    wire.protocol.data_received(head)
    await turns(20)
    return wire


async def wires_with_short_turns(monkeypatch: pytest.MonkeyPatch) -> list[Wire]:
    """Return connections to one server, which reads one part of one of them in an iteration of the event loop."""
    wires = [await opened(refusing, HEAD) for _ in range(5)]
    for wire in wires:
        wire.protocol.config.connections = wires[0].protocol.config.connections
    monkeypatch.setattr(connection_protocols, "PART_SECONDS", 0.0)
    monkeypatch.setattr(open_connections, "READ_SECONDS", 0.0)
    return wires


async def turns(count: int) -> None:
    """Let the event loop run some iterations."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_application_can_wait_until_a_client_takes_messages() -> None:
    """The extension of the scope waits while the transport has too much to write, and not for a client that left.

    It has the number of bytes that the client has not taken, and whether the connection ends.
    """
    scopes: list[Scope] = []

    async def kept(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await listening(scope, receive, send)

    wire = await opened(kept, UPGRADE)
    extension = scopes[0]["extensions"][WRITABLE]
    wait = extension["wait"]
    wire.untaken = 70_000
    assert (extension["untaken"](), extension["is_closing"]()) == (70_000, False)
    await wait()
    for end in (wire.protocol.resume_writing, lambda: wire.protocol.connection_lost(None)):
        wire.protocol.pause_writing()
        waiting = asyncio.ensure_future(wait())
        await turns(20)
        assert not waiting.done()
        end()
        await asyncio.wait_for(waiting, PATIENCE)
    wire.close()
    assert extension["is_closing"]()


@pytest.mark.parametrize(
    ("app", "head", "tiny"),
    [(refusing, HEAD, CHUNK), (reading, HEAD, CHUNK), (listening, UPGRADE, PING), (listening, UPGRADE, TEXT)],
)
async def test_others_run_between_the_parts_of_what_a_client_sent(
    app: App, head: bytes, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 200 KB of tiny chunks or frames, each iteration of the event loop reads one part, and no more is delivered."""
    monkeypatch.setattr(unambiguous_requests, "MAX_TINY", 200_000)
    wire = await opened(app, head)
    monkeypatch.setattr(connection_protocols, "PART_SECONDS", 0.0)
    sent, parts, iterations = tiny * (200_000 // len(tiny)), list[tuple[int, int]](), 0
    read = wire.protocol.read_part

    def read_part(part: bytes) -> None:
        parts.append((iterations, len(part)))
        assert not iterations or wire.is_paused
        read(part)

    monkeypatch.setattr(wire.protocol, "read_part", read_part)
    wire.protocol.data_received(sent)
    while sum(size for _, size in parts) < len(sent):
        iterations += 1
        assert iterations < len(sent)
        await asyncio.sleep(0)
    assert max(size for _, size in parts) == FIRST_PART
    assert len({at for at, _ in parts}) == len(parts)
    await turns(20)
    assert not wire.is_paused
    assert not wire.is_closed


@pytest.mark.parametrize(
    ("app", "head", "large", "tiny"),
    [(refusing, HEAD, LARGE_CHUNK, CHUNK), (listening, UPGRADE, LARGE_FRAGMENT, PING)],
)
async def test_a_large_element_lets_no_flood_pass_at_once(
    app: App, head: bytes, large: bytes, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fast a large chunk or frame was read, few of the tiny ones after it are read without a pause."""
    monkeypatch.setattr(unambiguous_requests, "MAX_TINY", 200_000)
    wire = await opened(app, head)
    elements = list[int]()
    read = wire.protocol.read_part

    def read_part(part: bytes) -> None:
        elements.append(part.count(tiny))
        read(part)

    monkeypatch.setattr(wire.protocol, "read_part", read_part)
    sent = large + tiny * 20_000
    for at in range(0, len(sent), 240_000):
        wire.protocol.data_received(sent[at : at + 240_000])
        await until(lambda: not wire.is_paused, PATIENCE)
    assert not wire.is_closed
    assert sum(elements) > 10_000
    assert max(elements) < MOST_IN_A_PART


async def test_what_is_delivered_at_once_has_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many connections whose bytes arrive in one iteration of the event loop, only the first reads them in it."""
    wires, read = await wires_with_short_turns(monkeypatch), list[Wire]()
    for wire in wires:
        monkeypatch.setattr(wire.protocol, "read_part", lambda _, wire=wire: read.append(wire))
    for wire in wires:
        wire.protocol.data_received(CHUNK)
    assert read == wires[:1]
    assert [wire.is_paused for wire in wires] == [False, True, True, True, True]
    await turns(10)
    assert read == wires
    assert not any(wire.is_paused for wire in wires)
    wires[4].protocol.data_received(CHUNK)
    assert read == [*wires, wires[4]]


async def test_a_body_of_known_length_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are known to be content need no parts, and what follows them is read in parts again."""
    wire = await opened(reading, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n")
    sizes = list[int]()
    read = wire.protocol.read_part

    def read_part(part: bytes) -> None:
        sizes.append(len(part))
        read(part)

    monkeypatch.setattr(wire.protocol, "read_part", read_part)
    wire.protocol.data_received(b"x" * 20_000)
    wire.protocol.data_received(b"x" * 30_000 + HEAD + CHUNK * 4_000)
    await until(lambda: sum(sizes) == 50_000 + len(HEAD) + len(CHUNK) * 4_000, PATIENCE)
    assert sizes[:2] == [20_000, 30_000]
    assert max(sizes[2:]) < MOST_IN_A_PART * len(CHUNK)


async def test_a_message_of_too_many_frames_ends_the_connection() -> None:
    """Frames without content do not count for the size of a message, so their number is limited."""
    wire = await opened(listening, UPGRADE)
    wire.protocol.read_part(FRAGMENT + CONTINUATION * (MAX_FRAGMENTS - 2))
    assert not wire.is_closed
    wire.protocol.read_part(CONTINUATION * 10)
    assert wire.is_closed
    assert wire.protocol.frames == []
    close = wire.written.partition(b"\r\n\r\n")[2]
    assert close[0] == 0x88
    assert int.from_bytes(close[2:4], "big") == 1009  # message too big


WITH_BODY = UPGRADE.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n")
TWO_LENGTHS = b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("request_", [WITH_BODY, WITH_BODY.replace(b"GET", b"HEAD"), TWO_LENGTHS])
async def test_a_refused_request_is_answered_and_the_server_stops(request_: bytes) -> None:
    """The connection is closed after one response, without a body for HEAD, and its protocol can be shut down."""
    wire = await opened(listening, request_)
    head, _, body = wire.written.partition(b"\r\n\r\n")
    assert (head.split()[1], wire.written.count(b"HTTP/1.1")) == (b"400", 1)
    assert (wire.is_closed, bool(body)) == (True, request_.startswith(b"GET"))
    wire.protocol.shutdown()


async def test_an_error_while_more_is_read_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else would read the rest, or close a connection that is read in a later turn."""
    wire = await opened(reading, HEAD)
    monkeypatch.setattr(connection_protocols, "PART_SECONDS", 0)
    wire.protocol.data_received(CHUNK * 2_000)
    assert not wire.is_closed

    def failing(_data: bytes) -> None:
        raise RuntimeError("unreadable")

    monkeypatch.setattr(wire.protocol, "read_part", failing)
    handled: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: handled.append(context["exception"]))
    await until(lambda: wire.is_closed, PATIENCE)
    assert [str(each) for each in handled] == ["unreadable"]


async def test_connections_that_are_behind_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many connections that are flooded, each iteration of the event loop reads a part of one alone."""
    wires, read = await wires_with_short_turns(monkeypatch), list[Wire]()
    for wire in wires:
        wire.protocol.data_received(CHUNK * 1_000)
        monkeypatch.setattr(wire.protocol, "read_part", lambda _, wire=wire: read.append(wire))
    for iteration in range(1, 11):
        await asyncio.sleep(0)
        assert len(read) == iteration
    assert read == [*wires, *wires]


async def test_a_client_whose_bytes_are_not_read_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever makes the system deliver more, the bytes that wait are bounded."""
    wire = await opened(listening, UPGRADE)
    monkeypatch.setattr(connection_protocols, "PART_SECONDS", 0.0)
    piece, delivered = PING * 30_000, 0
    while not wire.is_closed:
        assert delivered <= MAX_UNREAD + 2 * len(piece)
        wire.protocol.data_received(piece)
        delivered += len(piece)


async def test_a_large_body_is_read_by_few_callbacks() -> None:
    """Parts grow while they take no time, so that an upload is not slower."""
    received = asyncio.get_running_loop().create_future()

    async def reading_all(_scope: Scope, receive: Receive, _send: Send) -> None:
        body = b""
        while (message := await receive()).get("more_body", False):
            body += message["body"]
        received.set_result(body + message["body"])

    wire = await opened(reading_all, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
    wire.protocol.data_received(b"x" * 200_000)
    async with asyncio.timeout(5):
        assert await received == b"x" * 200_000


async def test_no_header_replaces_the_address_of_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application sees the address of the connection, whatever it is and whatever the environment trusts."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    received: list[tuple[Any, Any]] = []

    async def recording(scope: Scope, receive: Receive, send: Send) -> None:
        received.append((scope["client"], scope["scheme"]))
        await refusing(scope, receive, send)

    await opened(
        recording, b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: https\r\n\r\n"
    )
    assert received == [(("127.0.0.1", 1), "http")]


def living_connections() -> int:
    """Return the number of connections in memory, both halves of one that was upgraded."""
    return sum(type(each) in {HttpConnection, WebSocketConnection} for each in gc.get_objects())


@pytest.mark.parametrize("error", [None, ConnectionResetError()], ids=["ended", "reset"])
@pytest.mark.parametrize(
    ("app", "head"),
    [
        (refusing, HEAD),
        (reading, HEAD),
        (refusing, b"malformed\r\n\r\n"),
        (listening, UPGRADE),
        (listening, UPGRADE[:-2] + b"Content-Length: 5\r\n\r\n"),
        (listening, UPGRADE[:-2] + b"a: b\r\n" * 128 + b"\r\n"),
        (listening, UPGRADE.replace(b"Version: 13", b"Version: 12")),
    ],
    ids=["responded", "reading", "malformed", "websocket", "refused", "many_headers", "other_version"],
)
async def test_a_closed_connection_is_freed_without_a_garbage_collection(
    app: App, head: bytes, error: Exception | None
) -> None:
    """Collections hold the event loop, and a connection outlives some of them, so that none would visit it again."""
    gc.collect()
    gc.disable()
    before = living_connections()
    try:
        wire = await opened(app, head)
        connection = weakref.ref(wire.protocol)
        wire.protocol.connection_lost(error)
        wire.protocol = None
        await turns(20)
        assert connection() is None
        assert living_connections() == before
    finally:
        gc.enable()
