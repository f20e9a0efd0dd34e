"""The shape of every JSON answer: how an error looks, and the headers all answers carry."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.responses import Response

from app.errors import HTTP_STATUS, RETRY_AFTER_SECONDS
from app.http.errors import HttpError
from app.http.negotiation import JSON
from policies.errors import CodedError

MESSAGE_CHARACTERS = 1_000
"""Messages of graphql-core quote what was sent; longer ones are cut."""

CACHING = {"Cache-Control": "private, no-store", "Vary": "Accept, Authorization"}
"""Every answer depends on who asks, so no cache may keep it."""


def error_payload(error: CodedError, request_id: str, where: GraphQLError | None = None) -> dict[str, Any]:
    """One entry of ``errors``: message, locations and path if known, and extensions with code and request id."""
    message = error.message
    if len(message) > MESSAGE_CHARACTERS:
        message = message[: MESSAGE_CHARACTERS - 1] + "…"
    payload: dict[str, Any] = {"message": message}
    if where is not None and where.locations:
        payload["locations"] = [location.formatted for location in where.locations]
    if where is not None and where.path is not None:
        payload["path"] = where.path
    payload["extensions"] = {**error.extensions, "code": str(error.code), "requestId": request_id}
    return payload


def json_response(
    content: Mapping[str, Any], status: int = HTTPStatus.OK, media: str = JSON, headers: Mapping[str, str] | None = None
) -> Response:
    """``content`` as JSON; a 503 says when to come back."""
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(
        orjson.dumps(content),
        status_code=status,
        media_type=f"{media}; charset=utf-8",
        headers={**CACHING, **retry, **(headers or {})},
    )


def refusal(error: CodedError, request_id: str, media: str = JSON, status: int | None = None) -> Response:
    """Build an answer without data. Its status is the one given, else the error's own, else that of its code."""
    own, headers = (error.status, error.headers) if isinstance(error, HttpError) else (HTTP_STATUS[error.code], {})
    return json_response({"errors": [error_payload(error, request_id)]}, status or own, media, headers)
