"""What a client without a token can do to the server with sockets alone, against a server of short time-outs."""

import asyncio
import base64
import json
import resource
import select
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from support.servers.server_process import Serving
from support.waiting import until

from app.http.connections.unambiguous_requests import MAX_HEADERS, MAX_TINY

ATTACKERS = 1_200
DESCRIPTORS = 256
OF_ADDRESS = 40
LIGHT = "127.0.0.2"
"""The address of a caller who does no harm; the others of 127.0.0.0/8 are those of attackers."""
PATIENCE = 60.0
LOG_BYTES = 20_000
HEAD = b"POST /graphql HTTP/1.1\r\nHost: a\r\n"
HEALTH = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: " + base64.b64encode(b"k" * 16) + b"\r\n\r\n"
)
FIELDS = "name description fields(includeDeprecated: true) { name description args { name description } }"
ALIASES = 12
LARGE = "{ " + " ".join(f"a{n}: __schema {{ types {{ {FIELDS} }} }}" for n in range(ALIASES)) + " }"
"""A query with a response of several megabytes."""


@pytest.fixture(scope="module")
async def serving(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    """Run a server that has few descriptors and little patience."""
    short = {
        "MLG_REQUEST_SECONDS": "1",
        "MLG_IDLE_SECONDS": "1",
        "MLG_READER_SECONDS": "2",
        "MLG_MAX_CONNECTIONS_PER_ADDRESS": str(OF_ADDRESS),
    }
    server = Serving(tmp_path_factory.mktemp("data"), short, DESCRIPTORS)
    await server.start()
    yield server
    await server.stop()


@dataclass(frozen=True, slots=True)
class Wire:
    """One TCP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def rest(self, trickle: bytes = b"") -> bytes:
        """Return what the server sends until it closes or resets; meanwhile send ``trickle`` again and again."""
        received = b""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    async with asyncio.timeout(0.1 if trickle else None):
                        piece = await self.reader.read(65536)
                except TimeoutError:
                    pass
                except ConnectionError:
                    return received
                else:
                    received += piece
                    if not piece:
                        return received
                self.writer.write(trickle)

    async def response(self) -> bytes:
        """Return the head of the next response and the body as far as it came with it."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readuntil(b"\r\n\r\n")


@asynccontextmanager
async def connected(serving: Serving, sent: bytes = b"", source: str = "127.0.0.1") -> AsyncIterator[Wire]:
    """Open a connection from ``source``, and send some bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.port, local_addr=(source, 0))
    writer.write(sent)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


def refusal(response: bytes) -> tuple[int, str, bool]:
    """Return the status, the code, and whether the connection is declared closed, of a response that is an error."""
    head, _, body = response.partition(b"\r\n\r\n")
    return int(head[9:12]), json.loads(body)["errors"][0]["extensions"]["code"], b"connection: close" in head.lower()


def authorized(serving: Serving) -> bytes:
    """Return the begin of a head with a token of root."""
    token = serving.headers()["Authorization"].encode()
    return HEAD + b"Content-Type: application/json\r\nAuthorization: " + token + b"\r\n"


@pytest.mark.parametrize("trickle", [b"", b"a"])
async def test_half_a_head_is_ended(serving: Serving, trickle: bytes) -> None:
    """A head that does not end is refused with 408 in time, also when single bytes of it arrive again and again."""
    async with connected(serving, HEAD + b"X-Slow: ") as wire:
        assert refusal(await wire.rest(trickle)) == (408, "BAD_REQUEST", True)


async def test_half_a_second_head_is_ended(serving: Serving) -> None:
    """The limit holds for each request of a connection, not for its first one only."""
    async with connected(serving, HEALTH) as wire:
        assert (await wire.response()).startswith(b"HTTP/1.1 200")
        received = await wire.rest(b"G")
        assert b"HTTP/1.1 408" in received


@pytest.mark.parametrize("sent", [b"", HEALTH])
async def test_an_idle_connection_is_closed(serving: Serving, sent: bytes) -> None:
    """A connection without a request is closed without a response, before its first request and after one."""
    async with connected(serving, sent) as wire:
        assert (await wire.rest()).count(b"HTTP/1.1") == bool(sent)


async def test_half_a_body_is_ended(serving: Serving) -> None:
    """A body that does not arrive is refused with 408, and the connection is closed, also with a valid token."""
    head = authorized(serving) + b"Content-Length: 100\r\n\r\n{"
    async with connected(serving, head) as wire:
        assert refusal(await wire.rest(b" ")) == (408, "BAD_REQUEST", True)


@pytest.mark.parametrize("framing", [b"Content-Length: 4000000", b"Transfer-Encoding: chunked"])
async def test_a_body_after_the_response_is_ended(serving: Serving, framing: bytes) -> None:
    """A client that goes on sending the body after the response is disconnected, however slowly it does so."""
    async with connected(serving, HEAD + framing + b"\r\n\r\n") as wire:
        assert (await wire.rest(b"1\r\n \r\n")).startswith(b"HTTP/1.1 401")


async def test_a_body_in_tiny_chunks_is_refused(serving: Serving) -> None:
    """With an error that says what to do, as soon as there are too many, also with a valid token."""
    head = authorized(serving) + b"Transfer-Encoding: chunked\r\n\r\n"
    async with connected(serving, head + b"1\r\n \r\n" * (MAX_TINY + 1)) as wire:
        response = await wire.rest()
    assert refusal(response) == (413, "LIMIT_EXCEEDED", True)
    assert b"send fewer, longer ones" in response


@pytest.mark.parametrize("before", [b"", b"Transfer-Encoding: chunked\r\n\r\n0\r\n"], ids=["head", "trailers"])
async def test_too_many_headers_are_refused(serving: Serving, before: bytes) -> None:
    """With an error that says what to do, before their end arrives, also with a valid token."""
    async with connected(serving, authorized(serving) + before + b"a:\r\n" * (MAX_HEADERS + 3)) as wire:
        response = await wire.rest()
    assert refusal(response) == (431, "BAD_REQUEST", True)
    assert b"send fewer" in response


SMUGGLED = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (UPGRADE[:-2] + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ],
)
async def test_a_request_with_two_lengths_is_refused(serving: Serving, request_: bytes, status: int) -> None:
    """A request whose end is ambiguous is refused in JSON, and what follows it is not read as a request."""
    async with connected(serving, request_ + SMUGGLED) as wire:
        response = await wire.rest()
        assert refusal(response) == (status, "BAD_REQUEST", True)
        assert response.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"Content-Length: 5\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n", 400),
        (b"a: b\r\n" * MAX_HEADERS, 431),
        (b"a: " + b"b" * 8_200 + b"\r\n", 431),
    ],
    ids=["length", "chunked", "many", "long"],
)
async def test_an_upgrade_that_cannot_be_read_is_refused(serving: Serving, lines: bytes, status: int) -> None:
    """A request for a WebSocket with a body, too many headers or a long one gets an error, and its connection ends."""
    async with connected(serving, UPGRADE[:-2] + lines + b"\r\n") as wire:
        assert refusal(await wire.rest()) == (status, "BAD_REQUEST", True)


async def test_a_path_that_is_too_long_for_a_websocket_is_refused(serving: Serving) -> None:
    """The parser of WebSockets refuses a line of a request that is legal in HTTP."""
    async with connected(serving, UPGRADE.replace(b"/graphql", b"/graphql?" + b"a" * 8_200)) as wire:
        assert refusal(await wire.rest()) == (414, "BAD_REQUEST", True)


def large_request(serving: Serving) -> bytes:
    """Return a request of root whose response does not fit into the buffers of the system."""
    body = json.dumps({"query": LARGE}).encode()
    length = str(len(body)).encode()
    return authorized(serving) + b"Content-Length: " + length + b"\r\nConnection: close\r\n\r\n" + body


def unread(serving: Serving, sent: bytes) -> socket.socket:
    """Return a connection whose client has a small buffer and reads nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", serving.port))
    client.sendall(sent)
    client.settimeout(0)
    return client


def was_reset(client: socket.socket) -> bool:
    """Return whether the server has ended the connection, without reading what it sent."""
    poll = select.poll()
    poll.register(client, 0)  # errors are always reported
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


async def test_a_reader_who_takes_nothing_is_disconnected(serving: Serving) -> None:
    """A client that does not read a large response loses the connection; one that reads it gets all of it."""
    request = large_request(serving)
    async with connected(serving, request) as wire:
        head, _, body = (await wire.rest()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert len(json.loads(body)["data"]) == ALIASES
    with unread(serving, request) as client:
        await until(lambda: was_reset(client), PATIENCE)


async def test_a_websocket_that_reads_no_pong_is_disconnected(serving: Serving) -> None:
    """Pings whose answers are not read end the connection, though no session was opened."""
    ping = b"\x89\xfd" + bytes(4) + b"p" * 125

    def ended() -> bool:
        with suppress(BlockingIOError):
            try:
                client.send(ping * 500)
            except ConnectionError:
                return True
        return was_reset(client)

    with unread(serving, UPGRADE) as client:
        await until(ended, PATIENCE)


@asynccontextmanager
async def light_caller(serving: Serving) -> AsyncIterator[httpx2.AsyncClient]:
    """Open an ordinary client at an address of its own."""
    transport = httpx2.AsyncHTTPTransport(local_address=LIGHT)
    headers = serving.headers()
    async with httpx2.AsyncClient(base_url=serving.url, transport=transport, headers=headers, timeout=PATIENCE) as http:
        yield http


async def typename(http: httpx2.AsyncClient) -> Any:
    """Return the result of a small query."""
    return (await http.post("/graphql", json={"query": "{ __typename }"})).json()["data"]


async def test_one_address_cannot_take_all_connections(serving: Serving) -> None:
    """1,200 half heads of one address leave every call of another one answered, and the log small."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    async with AsyncExitStack() as attack, light_caller(serving) as http:
        wires = []
        for _ in range(ATTACKERS // 50):
            batch = [attack.enter_async_context(connected(serving, HEAD)) for _ in range(50)]
            wires += await asyncio.gather(*batch)
            assert await typename(http) == {"__typename": "Query"}
        outcomes = [refusal(response)[0] for response in await asyncio.gather(*(w.rest() for w in wires)) if response]
        assert set(outcomes) == {408, 429}
        assert await typename(http) == {"__typename": "Query"}
    assert serving.output.stat().st_size < LOG_BYTES


async def test_all_addresses_together_cannot_exhaust_the_descriptors(serving: Serving) -> None:
    """1,200 half heads of many addresses are refused with 503, a connected caller is answered, later also others."""
    async with AsyncExitStack() as attack, light_caller(serving) as http:
        assert await typename(http) == {"__typename": "Query"}
        wires = []
        for n in range(ATTACKERS // 50):
            source = f"127.0.1.{1 + n}"
            batch = [attack.enter_async_context(connected(serving, HEAD, source)) for _ in range(50)]
            wires += await asyncio.gather(*batch)
            assert await typename(http) == {"__typename": "Query"}
        outcomes = [refusal(response)[0] for response in await asyncio.gather(*(w.rest() for w in wires)) if response]
        assert 503 in outcomes
        assert set(outcomes) <= {408, 429, 503}
    async with light_caller(serving) as http:
        assert await typename(http) == {"__typename": "Query"}
    assert serving.output.stat().st_size < LOG_BYTES


async def test_websockets_count_as_connections(serving: Serving) -> None:
    """WebSockets of one address have the same maximum, its next connection is refused, and closing them ends that."""
    source = "127.0.0.3"
    async with AsyncExitStack() as attack:
        opened = [attack.enter_async_context(connected(serving, UPGRADE, source)) for _ in range(OF_ADDRESS)]
        for wire in await asyncio.gather(*opened):
            assert (await wire.response()).startswith(b"HTTP/1.1 101")
        async with connected(serving, HEALTH, source) as wire:
            assert refusal(await wire.rest()) == (429, "LIMIT_EXCEEDED", True)

    async def admitted() -> bool:
        async with connected(serving, HEALTH, source) as wire:
            return (await wire.response()).startswith(b"HTTP/1.1 200")

    await until(admitted, PATIENCE)


async def test_malformed_requests_do_not_fill_the_log(serving: Serving) -> None:
    """A thousand requests that are no HTTP add a line, not a thousand."""
    before, responses = serving.output.stat().st_size, []
    for _ in range(50):
        async with AsyncExitStack() as attack:
            opened = [attack.enter_async_context(connected(serving, b"\0\r\n\r\n", LIGHT)) for _ in range(20)]
            responses += [await wire.rest() for wire in await asyncio.gather(*opened)]
    answered = [each for each in responses if each]  # a busy machine may send a request too late for a response
    assert len(answered) > 950
    assert {refusal(each)[0] for each in answered} == {400}
    assert serving.output.stat().st_size - before < 2_000


def of_origin(n: int) -> bytes:
    """Return the request of a page of another origin for a WebSocket."""
    return UPGRADE[:-2] + b"Origin: https://" + b"a" * 3_000 + b"%d\r\n\r\n" % n


def with_token(n: int) -> bytes:
    """Return a request with a token that is none."""
    return HEAD + b"Authorization: Bearer a.b.%d\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % n


def with_invalid_text(n: int) -> bytes:
    """Return a message of a WebSocket that is not UTF-8 at another byte."""
    return b"\x81" + bytes([0x80 + n + 1]) + bytes(4) + b"x" * n + b"\xff"


@pytest.mark.parametrize("request_", [of_origin, with_token, with_invalid_text])
async def test_lines_that_differ_do_not_fill_the_log(serving: Serving, request_: Callable[[int], bytes]) -> None:
    """A line has texts of the client, and is not another one by that; each kind of refusal is in the log."""
    before = serving.output.stat().st_size
    for n in range(100):
        if request_ is with_invalid_text:
            async with connected(serving, UPGRADE, LIGHT) as wire:
                assert (await wire.response()).startswith(b"HTTP/1.1 101")
                wire.writer.write(request_(n))
                assert await wire.rest()
        else:
            async with connected(serving, request_(n), LIGHT) as wire:
                assert (await wire.rest())[9:12] in {b"401", b"403"}
    assert 0 < serving.output.stat().st_size - before < 8_000
