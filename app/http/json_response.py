"""Builds JSON responses: their headers, and the form of an error."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from graphql import GraphQLError
from starlette.responses import Response

from app.errors import HTTP_STATUS, RETRY_AFTER_SECONDS
from app.http.errors import HttpError
from app.http.negotiation import JSON
from policies.errors import CodedError

MAX_MESSAGE_LENGTH = 1_000
"""Maximum number of characters of a message; a longer one is cut, because graphql-core quotes values of the request."""

NO_CACHE_HEADERS = {"Cache-Control": "private, no-store", "Vary": "Accept, Authorization"}
"""Headers of all responses built here: most depend on the caller's rights, so no cache may store them."""


def error_payload(error: CodedError, request_id: str, origin: GraphQLError | None = None) -> dict[str, object]:
    """Return one entry of ``errors``: message, locations, path, and the error's extensions with code and request id.

    ``origin`` provides locations and path; the entry has neither without ``origin``.
    """
    message = error.message
    if len(message) > MAX_MESSAGE_LENGTH:
        message = message[: MAX_MESSAGE_LENGTH - 1] + "…"
    payload: dict[str, object] = {"message": message}
    if origin is not None and origin.locations:
        payload["locations"] = [location.formatted for location in origin.locations]
    if origin is not None and origin.path is not None:
        payload["path"] = origin.path
    payload["extensions"] = {**error.extensions, "code": str(error.code), "requestId": request_id}
    return payload


def json_response(
    content: Mapping[str, object],
    status: int = HTTPStatus.OK,
    media: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a response with ``content`` as JSON in media type ``media``; status 503 gets ``Retry-After``."""
    return encoded_response(orjson.dumps(content), status, media, headers)


def encoded_response(
    body: bytes | memoryview, status: int = HTTPStatus.OK, media: str = JSON, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the response of :func:`json_response` with a content that is JSON already."""
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(
        body,
        status_code=status,
        media_type=f"{media}; charset=utf-8",
        headers={**NO_CACHE_HEADERS, **retry, **(headers or {})},
    )


def error_response(error: CodedError, request_id: str, media: str = JSON, status: int | None = None) -> Response:
    """Return a response with ``error`` and without data.

    The status is ``status`` if given, else that of an `HttpError`, else the one for the error's code.
    """
    own, headers = (error.status, error.headers) if isinstance(error, HttpError) else (HTTP_STATUS[error.code], {})
    return json_response({"errors": [error_payload(error, request_id)]}, status or own, media, headers)
