"""Reads the parameters of a GraphQL operation from an HTTP request; refuses malformed and oversized requests."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from strawberry.http import GraphQLRequestData
from strawberry.http.parse_content_type import parse_content_type

from app.http.errors import HttpError
from graphql_schema.execution.side_thread import run_aside
from policies.errors import Code

ValueT = TypeVar("ValueT")

MAX_CONTENT_TYPE: Final = 256
"""Maximal number of characters of a ``Content-Type`` header."""

PERSISTED_QUERY: Final = "persistedQuery"
"""Member of the extensions of a request with the hash of an automatic persisted query."""

LONG_JSON: Final = 64 * 1024
"""Bytes from which on JSON is read in the side thread; 100,000 nested lists need 60 ms."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits of one request.

    HTTP: ``body_bytes``, ``body_seconds`` for receiving the body, ``query_seconds`` and ``mutation_seconds`` for the
    operation. WebSocket: ``message_bytes`` of one message; ``init_bytes`` of one before the acknowledgement, when no
    token was validated; ``init_seconds`` for receiving ``connection_init``. Further ``subscriptions`` of one
    connection, and ``caller_subscriptions`` of one caller in this process. Both: ``document_bytes`` of the
    GraphQL document, ``json_depth`` of nested arrays and objects, ``json_elements`` of the JSON, counted before parsing
    as by `read_json`. The parser does not pause: 100,000 different names hold the event loop for 40 ms.
    """

    body_bytes: int = 4 * 1024 * 1024
    message_bytes: int = 512 * 1024
    init_bytes: int = 20 * 1024
    document_bytes: int = 64 * 1024
    json_depth: int = 64
    json_elements: int = 100_000
    body_seconds: float = 10.0
    query_seconds: float = 15.0
    mutation_seconds: float = 60.0
    init_seconds: float = 10.0
    subscriptions: int = 20
    caller_subscriptions: int = 100


@dataclass
class OperationParams(GraphQLRequestData):
    """The parameters of an operation; ``document_id`` names a persisted document.

    At least one of ``query``, ``document_id`` and ``extensions["persistedQuery"]`` is present.
    """

    document_id: str | None = None


Claim = Callable[[], Awaitable[object]]
"""Waits for a slot for a long body, which is called once: when the body has arrived, before it is decoded."""


async def read_params(request: Request, limits: RequestLimits, claim: Claim) -> OperationParams:
    """Return the parameters of the operation in ``request``, from the query string (GET) or from the body (POST).

    Raises `HttpError` with status 400, 405, 408, 413 or 415, `ClientDisconnect` if the client disconnects, and the
    error of ``claim``.
    """
    if request.method == "GET":
        values: object = _read_query_string(request.scope["query_string"], limits)
    elif request.method == "POST":
        _require_json(request.headers)
        body = await read_body(request, limits)
        if len(body) > LONG_JSON:
            await claim()
        values = await read_json_in_turn(body, limits, "The body")
    else:
        raise HttpError(
            HTTPStatus.METHOD_NOT_ALLOWED,
            f"The method {request.method} is not supported. Use GET for queries, and POST for queries and mutations.",
            headers={"Allow": "GET, POST"},
        )
    return checked_params(values, limits)


@lru_cache(maxsize=64)
def is_json(content_type: str) -> bool:
    """Return whether a content type is JSON in UTF-8; one of more than MAX_CONTENT_TYPE characters is not."""
    if len(content_type) > MAX_CONTENT_TYPE:  # the parser takes quadratic time
        return False
    media, parameters = parse_content_type(content_type)
    charset: object = parameters.get("charset", "utf-8")  # a tuple for the form `charset*=utf-8''utf-8`
    return media.lower() == "application/json" and isinstance(charset, str) and charset.lower() in {"utf-8", "utf8"}


def _require_json(headers: Mapping[str, str]) -> None:
    encoding = headers.get("content-encoding", "identity").lower()
    if not is_json(headers.get("content-type") or "missing") or encoding != "identity":
        raise HttpError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The headers do not declare uncompressed JSON in UTF-8. Send `Content-Type: application/json`, without "
            "`Content-Encoding`.",
            headers={"Accept-Post": "application/json"},
        )


def declared_size(headers: Mapping[str, str]) -> int:
    """Return the bytes of a body by its header; one without a valid length counts as the longest."""
    length = headers.get("content-length", "")
    return int(length) if length.isdigit() else sys.maxsize


async def read_body(request: Request, limits: RequestLimits) -> bytes:
    """Return the body of ``request``.

    Raises HttpError with status 413 for a body over the limit and 408 for a late one, and ClientDisconnect.

    The HttpError carries ``Connection: close``, because unread bytes of the body would precede the next request.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limits.body_bytes:
        raise _too_large_error("body", limits.body_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise _too_large_error("body", limits.body_bytes)
    except TimeoutError:
        raise HttpError(
            HTTPStatus.REQUEST_TIMEOUT,
            f"The body did not arrive within {limits.body_seconds:g} s. Send the request again.",
            headers={"Connection": "close"},
        ) from None
    return bytes(body)


def _too_large_error(part: str, maximum: int) -> HttpError:
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The {part} is larger than {maximum} bytes. Send less, or use several requests.",
        Code.LIMIT_EXCEEDED,
        {"Connection": "close"} if part == "body" else None,
    )


def _too_many_elements_error(part: str, maximum: int) -> HttpError:
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"{part} has more than {maximum} commas and opening brackets. Send fewer elements, or several requests.",
        Code.LIMIT_EXCEEDED,
    )


def _read_query_string(query_string: bytes, limits: RequestLimits) -> dict[str, object]:
    try:
        pairs = parse_qsl(query_string.decode(), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise _malformed_error("The query of the URL", "percent-encoded UTF-8 with at most 20 parameters") from None
    values = dict(pairs)
    decoded: dict[str, object] = {
        name: read_json(values[name].encode(), limits, f"`{name}`") if values[name] else None
        for name in ("variables", "extensions")
        if name in values
    }
    return {**values, **decoded}


async def read_json_in_turn(text: bytes, limits: RequestLimits, part: str) -> object:
    """Return what :func:`read_json` returns; a long text is read in the side thread."""
    return await run_aside(read_json, text, limits, part) if len(text) > LONG_JSON else read_json(text, limits, part)


def read_json(text: bytes, limits: RequestLimits, part: str) -> object:
    """Return the value of the JSON in ``text``; ``part`` names the text in the error.

    Raises `HttpError` with status 400 if the text is not JSON or is nested deeper than ``limits.json_depth``. The
    status is 413 if the text has more commas and opening brackets than ``limits.json_elements``.
    """
    elements = sum(map(text.count, (b",", b"{", b"[")))
    if elements > limits.json_elements:
        raise _too_many_elements_error(part, limits.json_elements)
    try:
        value = _decoded(text)
    except (ValueError, TypeError, RecursionError):
        raise _malformed_error(part, "valid JSON in UTF-8") from None
    if _exceeds_depth(value, limits.json_depth):
        raise _malformed_error(part, f"JSON of at most {limits.json_depth} levels")
    return value


def _decoded(text: bytes) -> object:
    """Return the value of JSON, with numbers beyond the range of a float as infinite.

    The error of orjson for such a number has only its position. The validation of the operation refuses an infinite
    number with the name of its field. In a long text such a number is refused here, because the other parser would hold
    the event loop. Raises ValueError, TypeError or RecursionError if the text is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "infinity" not in str(error) or len(text) > LONG_JSON:
            raise
    value: object = json.loads(text.decode(), parse_int=_integer, parse_constant=_refuse_constant)
    orjson.dumps(value)  # raises TypeError for a text that is not valid UTF-8
    return value


def _integer(digits: str) -> int | float:
    """Return the number of an integer text: an int up to 18 characters, which have at most 64 bits, else a float."""
    return int(digits) if len(digits) < len(str(2**63)) else float(digits)


def _refuse_constant(name: str) -> object:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _exceeds_depth(value: object, levels: int) -> bool:
    """Return whether arrays and objects are nested more than ``levels`` deep.

    Proceeds level by level: recursion could exhaust the stack.
    """
    level = [value]
    for _ in range(levels):
        parents = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [child for children in parents for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def checked_params(values: object, limits: RequestLimits) -> OperationParams:
    """Return the five parameters of GraphQL over HTTP after a check of their types; other members are ignored.

    Of ``extensions``, only ``persistedQuery`` is kept.

    ``values`` is the decoded body, query string or ``payload`` of a WebSocket message. Raises `HttpError` with status
    400, or with 413 for a document over the limit.
    """
    if not isinstance(values, dict):
        raise _malformed_error("The body", "one JSON object; for several operations, send several requests")
    query = _typed_value(values, "query", str, "the text of a GraphQL document")
    document_id = _typed_value(values, "documentId", str, "the id of a persisted document, or null")
    extensions = _typed_value(values, "extensions", dict, "a JSON object or null")
    persisted = (extensions or {}).get(PERSISTED_QUERY)
    if not query and not document_id and persisted is None:
        raise HttpError(HTTPStatus.BAD_REQUEST, "`query` is missing or empty. Send the text of a GraphQL document.")
    if query and len(query.encode("utf-8", "surrogatepass")) > limits.document_bytes:
        raise _too_large_error("GraphQL document", limits.document_bytes)
    return OperationParams(
        query=query,
        variables=_typed_value(values, "variables", dict, "a JSON object or null"),
        operation_name=_typed_value(values, "operationName", str, "a string or null"),
        extensions=None if persisted is None else {PERSISTED_QUERY: persisted},
        document_id=document_id,
    )


def _typed_value(values: Mapping[str, object], name: str, kind: type[ValueT], expected: str) -> ValueT | None:
    value = values.get(name)
    if value is not None and not isinstance(value, kind):
        raise _malformed_error(f"`{name}`", expected)
    return value


def _malformed_error(part: str, expected: str) -> HttpError:
    return HttpError(HTTPStatus.BAD_REQUEST, f"{part} is malformed. Send {expected}.")
