"""Bodies with events: JSON, plain or with gzip, within bounds; everything else is refused with advice."""

import gzip
import threading
import zlib
from collections.abc import Generator, Mapping
from contextlib import suppress
from math import ceil
from typing import Any

import orjson
import pytest
from starlette.requests import Request

from app.http.errors import HttpError
from app.http.events import event_request
from app.http.events.event_request import GZIP_PART, LONG_EVENTS, MAX_EVENTS, read_events
from app.http.graphql.graphql_request import LONG_JSON, RequestLimits, read_json
from graphql_schema.execution.side_thread import run_aside

LIMITS = RequestLimits(body_bytes=1_000)
JSON = {"content-type": "application/json"}
GZIP = {**JSON, "content-encoding": "gzip"}


def request(body: bytes, headers: Mapping[str, str], log: list[str] | None = None) -> Request:
    """Return a request with a body; "receive" is added to the ``log`` when the body is received."""

    async def receive() -> dict[str, Any]:
        if log is not None:
            log.append("receive")
        return {"type": "http.request", "body": body, "more_body": False}

    given = {"content-length": str(len(body)), **headers}
    encoded = [(name.encode(), value.encode()) for name, value in given.items()]
    return Request({"type": "http", "method": "POST", "headers": encoded}, receive)


async def unclaimed() -> None:
    """Claim nothing."""


async def test_one_event_and_a_batch_are_read() -> None:
    """Plain and compressed bodies have the same values; a charset does not matter."""
    for headers, packed in (
        (JSON, bytes),
        ({"content-type": "application/json; charset=utf-8"}, bytes),
        (GZIP, gzip.compress),
    ):
        one = await read_events(request(packed(b'{"a":1}'), headers), LIMITS, unclaimed, batch=False)
        assert one.values == [{"a": 1}]
        assert (await read_events(request(packed(b"[1, 2]"), headers), LIMITS, unclaimed, batch=True)).values == [1, 2]


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (b"{}", {}, 415, "The headers do not declare JSON."),
        (b"{}", {**JSON, "content-encoding": "br"}, 415, "The headers do not declare JSON."),
        (b"{", JSON, 400, "The body is malformed. Send valid JSON in UTF-8."),
        (b"{}", JSON, 400, "The body is no JSON list."),
        (b"x" * 1_001, JSON, 413, "The body is larger than 1000 bytes."),
        (b"{}", GZIP, 400, "The body is not one complete gzip stream."),
        (gzip.compress(b"[]", mtime=0)[:-4], GZIP, 400, "The body is not one complete gzip stream."),
        (gzip.compress(b"[]", mtime=0) * 2, GZIP, 400, "The body is not one complete gzip stream."),
        (gzip.compress(b"[]", mtime=0) + bytes(100), GZIP, 400, "The body is not one complete gzip stream."),
        (gzip.compress(b" " * 2_001, mtime=0), GZIP, 413, "The decompressed body is larger than 2000 bytes."),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    body: bytes, headers: dict[str, str], status: int, message: str
) -> None:
    """The status is that of the fault, and the message says what to send."""
    with pytest.raises(HttpError) as refused:
        await read_events(request(body, headers), LIMITS, unclaimed, batch=True)
    assert refused.value.status == status
    assert refused.value.message.startswith(message)


async def test_a_batch_is_bounded() -> None:
    """A list of more than MAX_EVENTS events is refused."""
    body = orjson.dumps([1] * (MAX_EVENTS + 1))
    with pytest.raises(HttpError, match="The batch has 1001 events"):
        await read_events(request(body, JSON), RequestLimits(), unclaimed, batch=True)


LONG = b" " * LONG_JSON + b"[]"


@pytest.mark.parametrize(
    ("body", "headers", "claims"),
    [
        (b"[]", JSON, 0),
        (LONG, JSON, 1),
        (b"[]", {**JSON, "content-length": "unknown"}, 0),
        (gzip.compress(LONG[2:], mtime=0), GZIP, 0),
        (gzip.compress(LONG[1:], mtime=0), GZIP, 1),
        (gzip.compress(b"[]".rjust(LONG_EVENTS), 0, mtime=0), GZIP, 1),
    ],
    ids=["short", "long", "without a length", "compressed", "compressed and long", "compressed to 8 KiB"],
)
async def test_a_long_body_is_claimed_when_it_has_arrived(body: bytes, headers: dict[str, str], claims: int) -> None:
    """A body that does not arrive takes no slot of others; one that is compressed is claimed before it is text."""
    log: list[str] = []

    async def claim() -> None:
        log.append("claim")

    with suppress(HttpError):
        await read_events(request(body, headers, log), RequestLimits(), claim, batch=False)
    assert log.count("claim") == claims
    assert log[0] == "receive"


@pytest.mark.parametrize("headers", [JSON, GZIP])
@pytest.mark.parametrize(("length", "are_long"), [(LONG_EVENTS, False), (LONG_EVENTS + 1, True)])
async def test_long_events_are_read_in_the_side_thread(
    headers: Mapping[str, str], length: int, monkeypatch: pytest.MonkeyPatch, *, are_long: bool
) -> None:
    """So are they mapped, as ``are_long`` requests: an event of 64 KiB held the event loop for 45 ms."""
    threads: list[int] = []

    def noted(text: bytes, limits: RequestLimits, part: str) -> object:
        threads.append(threading.get_ident())
        return read_json(text, limits, part)

    monkeypatch.setattr(event_request, "read_json", noted)
    body = b"{}".rjust(length)
    sent = gzip.compress(body) if headers is GZIP else body
    given = await read_events(request(sent, headers), RequestLimits(), unclaimed, batch=False)
    assert given.are_long is are_long
    assert threads == [await run_aside(threading.get_ident) if are_long else threading.get_ident()]


@pytest.mark.parametrize("blocks", [3_000, 40_000])
async def test_blocks_without_content_are_decompressed_in_parts(monkeypatch: pytest.MonkeyPatch, blocks: int) -> None:
    """They have little text and take as long as others: in the side thread, where other calls have turns between."""
    parts = list[int]()

    async def in_parts(steps: Generator[None, None, bytes]) -> bytes:
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: bytes = end.value
                return result
            parts.append(1)

    monkeypatch.setattr(event_request, "run_in_parts", in_parts)
    packer = zlib.compressobj(wbits=31)
    body = b"".join(packer.flush(zlib.Z_FULL_FLUSH) + packer.compress(b" ") for _ in range(blocks))
    body += packer.compress(b"[1]") + packer.flush()
    limits = RequestLimits(body_bytes=1_000_000)
    assert LONG_EVENTS < len(body) < LONG_JSON or len(body) > 3 * GZIP_PART
    assert (await read_events(request(body, GZIP), limits, unclaimed, batch=True)).values == [1]
    assert len(parts) == ceil(len(body) / GZIP_PART)
