"""From an HTTP request to the parameters of one GraphQL operation, refusing what is malformed or too big."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from strawberry.http import GraphQLRequestData
from strawberry.http.parse_content_type import parse_content_type

from app.http.errors import HttpError
from policies.errors import Code


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Bounds of one request: bytes of the body and of the document in it, levels of JSON, seconds to send it.

    ``message_bytes`` bounds one message of a WebSocket, ``init_seconds`` how long its ``connection_init`` may take.
    """

    body_bytes: int = 4 * 1024 * 1024
    message_bytes: int = 512 * 1024
    document_bytes: int = 64 * 1024
    json_depth: int = 64
    body_seconds: float = 10.0
    init_seconds: float = 10.0


async def read_params(request: Request, limits: RequestLimits) -> GraphQLRequestData:
    """Read the operation that ``request`` asks for. Raises HttpError with 400, 405, 408, 413 or 415."""
    if request.method == "GET":
        values = _from_query(request.scope["query_string"], limits)
    elif request.method == "POST":
        _require_json(request.headers)
        values = read_json(await _body(request, limits), limits, "The body")
    else:
        raise HttpError(
            HTTPStatus.METHOD_NOT_ALLOWED,
            f"{request.method} is not answered here. Send GET for queries, POST for everything.",
            headers={"Allow": "GET, POST"},
        )
    return checked(values, limits)


def _require_json(headers: Mapping[str, str]) -> None:
    media, parameters = parse_content_type(headers.get("content-type") or "missing")
    charset = parameters.get("charset", "utf-8").lower()
    encoding = headers.get("content-encoding", "identity").lower()
    if media.lower() != "application/json" or charset not in {"utf-8", "utf8"} or encoding != "identity":
        raise HttpError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "A POST body must be uncompressed JSON in UTF-8. Send it with `Content-Type: application/json`.",
            headers={"Accept-Post": "application/json"},
        )


async def _body(request: Request, limits: RequestLimits) -> bytes:
    """Read the body, no further than the limits; what is left unread makes the server close the connection."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limits.body_bytes:
        raise _too_large("body", limits.body_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise _too_large("body", limits.body_bytes)
    except TimeoutError:
        raise HttpError(
            HTTPStatus.REQUEST_TIMEOUT,
            f"The body did not arrive within {limits.body_seconds:g} s. Send it again.",
            headers={"Connection": "close"},
        ) from None
    return bytes(body)


def _too_large(what: str, maximum: int) -> HttpError:
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The {what} is over {maximum} bytes. Send less, or split it into several requests.",
        Code.LIMIT_EXCEEDED,
        {"Connection": "close"} if what == "body" else None,
    )


def _from_query(query_string: bytes, limits: RequestLimits) -> dict[str, Any]:
    try:
        pairs = parse_qsl(query_string.decode(), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise _malformed("The URL's query", "UTF-8, percent-encoded, with at most 20 parameters") from None
    values: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if name in values:
            values[name] = read_json(values[name].encode(), limits, f"`{name}`") if values[name] else None
    return values


def read_json(text: bytes, limits: RequestLimits, what: str) -> Any:  # noqa: ANN401 - JSON
    """The value of a JSON text that ``what`` names; raises HttpError when it is none, or nests too deep."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _malformed(what, "valid JSON in UTF-8") from None
    if _deeper(value, limits.json_depth):
        raise _malformed(what, f"JSON of at most {limits.json_depth} levels")
    return value


def _deeper(value: object, levels: int) -> bool:
    """Whether arrays and objects nest more than ``levels`` deep; goes level by level, so depth costs no stack."""
    level = [value]
    for _ in range(levels):
        parents = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [child for children in parents for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def checked(values: object, limits: RequestLimits) -> GraphQLRequestData:
    """Check the four parameters of GraphQL over HTTP and their types; other members are ignored."""
    if not isinstance(values, dict):
        raise _malformed("The body", "one JSON object; batches are not answered, send one request per operation")
    query = _typed(values, "query", str, "text of a GraphQL document")
    if not query:
        raise HttpError(HTTPStatus.BAD_REQUEST, "There is no `query`. Send the text of a GraphQL document in it.")
    if len(query.encode("utf-8", "surrogatepass")) > limits.document_bytes:
        raise _too_large("GraphQL document", limits.document_bytes)
    return GraphQLRequestData(
        query=query,
        variables=_typed(values, "variables", dict, "a JSON object or null"),
        operation_name=_typed(values, "operationName", str, "text or null"),
        extensions=_typed(values, "extensions", dict, "a JSON object or null"),
    )


def _typed(values: Mapping[str, Any], name: str, kind: type, must_be: str) -> Any:  # noqa: ANN401 - JSON
    value = values.get(name)
    if value is not None and not isinstance(value, kind):
        raise _malformed(f"`{name}`", must_be)
    return value


def _malformed(what: str, must_be: str) -> HttpError:
    return HttpError(HTTPStatus.BAD_REQUEST, f"{what} cannot be read: it must be {must_be}.")
