"""Reads the body of a request with events: JSON, also compressed with gzip, as the clients of OpenLineage send it."""

import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from app.http.errors import HttpError
from app.http.graphql.graphql_request import RequestLimits, read_body, read_json_in_turn
from graphql_schema.ports.record import Json
from policies.errors import Code

MAX_EVENTS: Final = 1_000
"""Maximal number of events of a batch."""

MAX_DECOMPRESSED: Final = 4
"""The decompressed body has at most this many times the bytes that a body may have."""

_GZIP: Final = 31
"""The window size of zlib that expects the header of gzip."""


async def read_events(request: Request, limits: RequestLimits, *, batch: bool) -> list[Json]:
    """Return the JSON values of the events in a request: one, or those of a list if it is a ``batch``.

    Raises HttpError with status 400, 408, 413 or 415, and ClientDisconnect if the client disconnects.
    """
    is_compressed = _is_gzip(request.headers)
    text = await read_body(request, limits)
    if is_compressed:
        text = _decompressed(text, limits.body_bytes * MAX_DECOMPRESSED)
    value = await read_json_in_turn(text, limits, "The body")
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


def _decompressed(body: bytes, maximum: int) -> bytes:
    """Return a body without gzip; raises HttpError if it is malformed, or has more than ``maximum`` bytes."""
    stream = zlib.decompressobj(_GZIP)
    try:
        text = stream.decompress(body, maximum)
    except zlib.error:
        text = b""
    if stream.unconsumed_tail:
        raise HttpError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The decompressed body is larger than {maximum} bytes. Send fewer events in one request.",
            Code.LIMIT_EXCEEDED,
        )
    if not stream.eof:
        raise HttpError(HTTPStatus.BAD_REQUEST, "The body is no complete gzip stream. Send it as the header says.")
    return text
