"""Reads the body of a request with events: JSON, also compressed with gzip, as the clients of OpenLineage send it."""

import zlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from app.http.errors import HttpError
from app.http.graphql.graphql_request import LONG_JSON, Claim, RequestLimits, read_body, read_json
from graphql_schema.execution.side_thread import run_at_once, run_in_parts, run_in_turn
from graphql_schema.ports.record import Json
from policies.errors import Code

MAX_EVENTS: Final = 1_000
"""Maximal number of events of a batch."""

LONG_EVENTS: Final = 8 * 1024
"""Bytes of a body from which on its events are read and mapped in the side thread; that many take up to 8 ms."""

MAX_DECOMPRESSED: Final = 2
"""The decompressed body has at most this many times the bytes that a body may have; 8 MiB are parsed in 50 ms."""

GZIP_PART: Final = 64 * 1024
"""Bytes of a body in gzip that are decompressed at once: 3 ms, if they are blocks without content."""

_GZIP: Final = 31
"""The window size of zlib that expects the header of gzip."""


@dataclass(frozen=True, slots=True)
class GivenEvents:
    """The JSON values of the events in a request.

    ``are_long`` is true if their body has more than LONG_EVENTS bytes. ``is_batch`` is true if the body is a list.
    """

    values: list[Json]
    are_long: bool = False
    is_batch: bool = False


async def read_events(request: Request, limits: RequestLimits, claim: Claim, *, batch: bool | None) -> GivenEvents:
    """Return the events in a request: one, or those of a list if it is a ``batch``; for None the body decides.

    ``claim`` is called for a long body before it is decompressed or decoded, and so for one in gzip with more than
    LONG_EVENTS bytes. A body of 8 KiB may have 8 MiB when it is decompressed, and take several times this size of
    memory.

    Raises HttpError with status 400, 408, 413 or 415, ClientDisconnect if the client disconnects, and the error of
    ``claim``.
    """
    is_compressed = _is_gzip(request.headers)
    text = await read_body(request, limits)
    is_long = len(text) > LONG_JSON
    if is_long:
        await claim()
    if is_compressed:
        maximum = limits.body_bytes * MAX_DECOMPRESSED
        short = None
        if len(text) <= LONG_EVENTS:  # 64 KiB of blocks without content would take 5 ms of the event loop
            short = run_at_once(_decompressed(text, min(LONG_JSON, maximum)))
        if short is None and not is_long:
            await claim()
        text = await _all_of(text, maximum) if short is None else short
    are_long = len(text) > LONG_EVENTS
    value = await run_in_turn(read_json, are_long, text, limits, "The body")
    is_batch = isinstance(value, list) if batch is None else batch
    return GivenEvents(_events_in(value, batch=is_batch), are_long, is_batch)


def _events_in(value: Json, *, batch: bool) -> list[Json]:
    """Return the events in the value of a body; raises HttpError unless a ``batch`` is a list of up to MAX_EVENTS."""
    if not batch:
        return [value]
    if not isinstance(value, list):
        raise HttpError(
            HTTPStatus.BAD_REQUEST, "The body is no JSON list. Send a list of events, or one event to /api/v1/lineage."
        )
    if len(value) > MAX_EVENTS:
        raise HttpError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The batch has {len(value)} events. Send at most {MAX_EVENTS} in one request.",
            Code.LIMIT_EXCEEDED,
        )
    return value


def _is_gzip(headers: Mapping[str, str]) -> bool:
    """Return whether the body is compressed; raises HttpError unless the headers declare JSON, plain or with gzip."""
    media = headers.get("content-type", "missing").partition(";")[0].strip().lower()
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if media != "application/json" or encoding not in {"identity", "gzip"}:
        raise HttpError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The headers do not declare JSON. Send `Content-Type: application/json`, with `Content-Encoding: gzip` or "
            "without `Content-Encoding`.",
            headers={"Accept-Post": "application/json", "Accept-Encoding": "gzip"},
        )
    return encoding == "gzip"


async def _all_of(body: bytes, maximum: int) -> bytes:
    """Return a long body without gzip; raises HttpError if it is malformed, or has more than ``maximum`` bytes."""
    text = await run_in_parts(_decompressed(body, maximum))
    if text is None:
        raise HttpError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The decompressed body is larger than {maximum} bytes. Send fewer events in one request.",
            Code.LIMIT_EXCEEDED,
        )
    return text


def _decompressed(body: bytes, maximum: int) -> Generator[None, None, bytes | None]:
    """Return a body without gzip, None if it has more than ``maximum`` bytes; raises HttpError if it is malformed.

    It yields after each GZIP_PART bytes of the body: blocks without content take as long as others.
    """
    stream, text = zlib.decompressobj(_GZIP), bytearray()
    try:
        for start in range(0, len(body), GZIP_PART):
            text += stream.decompress(body[start : start + GZIP_PART], maximum + 1 - len(text))
            if len(text) > maximum:
                return None
            if stream.unused_data:  # a second stream: its events would be lost
                break
            yield
    except zlib.error:
        text.clear()
    if not stream.eof or stream.unused_data:
        raise HttpError(
            HTTPStatus.BAD_REQUEST,
            "The body is not one complete gzip stream. Compress it as one, or omit `Content-Encoding`.",
        )
    return bytes(text)
