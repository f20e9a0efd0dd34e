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
from app.http.negotiation import GRAPHQL_RESPONSE, JSON
from graphql_schema.ports.turns.loop_turns import TURN_SECONDS

LARGE = bytes(index * index % 251 for index in range(3 * PART_BYTES))
DECODERS = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}


async def exchange(body: bytes, accepted: str | None, media: str = GRAPHQL_RESPONSE) -> tuple[str | None, list[bytes]]:
    """Return the encoding of a response and its body as it is sent, part by part."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    headers = [] if accepted is None else [(b"accept-encoding", accepted.encode())]
    app = compressed(Response(body, media_type=f"{media}; charset=utf-8"))
    await app({"type": "http", "method": "GET", "headers": headers}, receive, send)
    names = dict(sent[0]["headers"])
    encoding = names.get(b"content-encoding")
    return encoding.decode() if encoding else None, [message["body"] for message in sent[1:]]


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
    now, turns, sent = 100.0, 0, list[Message]()
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.time.perf_counter", lambda: now)

    async def send(message: Message) -> None:
        nonlocal now
        now += 2 * TURN_SECONDS
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await InParts(Response(LARGE))({"type": "http", "method": "GET", "headers": []}, receive, send)
    counting.cancel()
    assert b"".join(message["body"] for message in sent[1:]) == LARGE
    assert turns > 40 * (len(LARGE) // PART_BYTES - 1)


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
