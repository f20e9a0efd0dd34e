"""Compressed responses: which encodings, from which size, and that large ones leave turns to others."""

import asyncio
import gzip

import brotli  # type: ignore[import-untyped]  # ships no types
import httpx2
import pytest
import zstandard
from starlette.responses import Response
from starlette.types import Message

from app.http.compression import MIN_BYTES, PART_BYTES, InParts, compressed
from app.http.connections.departure import Departure
from app.http.negotiation import GRAPHQL_RESPONSE, JSON
from graphql_schema.ports.turns.loop_turns import TURN_SECONDS

LARGE = bytes(index * index % 251 for index in range(3 * PART_BYTES))
SCOPE = {"type": "http", "method": "GET", "headers": list[tuple[bytes, bytes]]()}
CLOCK = "graphql_schema.ports.turns.loop_turns.time.perf_counter"
FASTEST = 4
"""The value of the byte XFL of RFC 1952."""
DECODERS = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}


class Client:
    """A client that receives the messages of a response; it leaves after ``stays_for`` parts of the body.

    By its clock ``now``, each message takes two turns of the event loop.
    """

    def __init__(self, stays_for: int | None = None) -> None:
        self.now = 100.0
        self.sent: list[Message] = []
        self.left = asyncio.Event()
        self.awaited = 0
        self._stays_for = stays_for

    @property
    def parts(self) -> list[bytes]:
        """Return the parts of the body that were sent."""
        return [message["body"] for message in self.sent[1:]]

    async def receive(self) -> Message:
        """Return the disconnect once the client has left; ``awaited`` counts the callers who wait for it."""
        self.awaited += 1
        try:
            await self.left.wait()
        finally:
            self.awaited -= 1
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a message; as with uvicorn, nothing is raised after the client has left."""
        self.now += 2 * TURN_SECONDS
        self.sent.append(message)
        if len(self.parts) == self._stays_for:
            self.left.set()


async def exchange(body: bytes, accepted: str | None, media: str = GRAPHQL_RESPONSE) -> tuple[str | None, list[bytes]]:
    """Return the encoding of a response and its body as it is sent, part by part."""
    client = Client()
    headers = [] if accepted is None else [(b"accept-encoding", accepted.encode())]
    app = compressed(Response(body, media_type=f"{media}; charset=utf-8"), Departure(client.receive))
    await app({"type": "http", "method": "GET", "headers": headers}, client.receive, client.send)
    names = dict(client.sent[0]["headers"])
    encoding = names.get(b"content-encoding")
    return encoding.decode() if encoding else None, client.parts


@pytest.mark.parametrize("media", [GRAPHQL_RESPONSE, JSON])
@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0, gzip;q=0.1", "gzip"),
        ("deflate", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("", None),
        (None, None),
    ],
)
async def test_the_encoding_is_one_that_the_client_accepts(media: str, accepted: str | None, expected: str) -> None:
    """The order is zstd, brotli, gzip; the decoded body is the original, also of several parts."""
    for body in (b"x" * MIN_BYTES, LARGE):
        encoding, parts = await exchange(body, accepted, media)
        assert encoding == expected
        assert DECODERS.get(str(encoding), bytes)(b"".join(parts)) == body


async def test_a_small_response_is_not_compressed() -> None:
    """Below the minimum, a body is sent unchanged."""
    assert await exchange(b"x" * (MIN_BYTES - 1), "gzip") == (None, [b"x" * (MIN_BYTES - 1)])


async def test_an_operation_waits_for_few_parts_of_a_large_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs some 50 iterations of the event loop; with a part in each, four responses took a second of others."""
    client, turns = Client(), 0
    monkeypatch.setattr(CLOCK, lambda: client.now)

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await InParts(Response(LARGE), Departure(client.receive))(SCOPE, client.receive, client.send)
    counting.cancel()
    assert b"".join(client.parts) == LARGE
    assert turns > 40 * (len(LARGE) // PART_BYTES - 1)


async def test_a_client_that_leaves_ends_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No part is sent after its departure: each would be compressed, a second of CPU for 25 MB, and discarded."""
    client = Client(stays_for=2)
    monkeypatch.setattr(CLOCK, lambda: client.now)
    await InParts(Response(50 * LARGE), Departure(client.receive))(SCOPE, client.receive, client.send)
    assert client.parts == [LARGE[:PART_BYTES], LARGE[PART_BYTES : 2 * PART_BYTES]]
    assert client.sent[-1]["more_body"] is True


async def test_no_departure_is_awaited_after_a_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait begins with the parts at the latest and ends with the response, of which no task remains."""
    client, waits = Client(), list[int]()
    monkeypatch.setattr(CLOCK, lambda: client.now)

    async def send(message: Message) -> None:
        waits.append(client.awaited)
        await client.send(message)

    with Departure(client.receive) as departure:
        await InParts(Response(LARGE), departure)(SCOPE, client.receive, send)
    await asyncio.sleep(0)
    assert (waits[-1], client.awaited) == (1, 0)


async def test_gzip_is_the_fastest() -> None:
    """A header of gzip names the fastest level, for a body in one part and in several."""
    for body in (b"x" * MIN_BYTES, LARGE):
        _, parts = await exchange(body, "gzip")
        assert b"".join(parts)[8] == FASTEST


async def test_the_view_compresses_what_is_not_confidential(client: httpx2.AsyncClient) -> None:
    """A response with a secret value is never compressed, here or by a proxy; another one of its size is."""
    secret = await client.post("/graphql", json={"query": "{ secret }"})
    assert "content-encoding" not in secret.headers
    assert secret.headers["cache-control"] == "private, no-store, no-transform"
    name = "x" * len(secret.json()["data"]["secret"])
    other = await client.post("/graphql", json={"query": f'{{ greeting(name: "{name}") }}'})
    assert other.headers["content-encoding"] == "br"
    assert other.headers["cache-control"] == "private, no-store"
    assert "Accept-Encoding" in other.headers["vary"]
