"""ASGI middlewares around the application: a request id for each request, and a JSON error for unhandled exceptions."""

import re
from uuid import uuid4

from graphql import GraphQLError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from app.errors import InternalError
from app.http.error_handling import log_defects
from app.http.json_response import error_response
from policies.errors import CodedError

REQUEST_ID_HEADER = "X-Request-Id"

_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")


def request_id_of(scope: Scope) -> str:
    """Return the request id stored in the state of ``scope``; store a new one if there is none."""
    state = scope.setdefault("state", {})
    request_id: str = state.setdefault("request_id", uuid4().hex)
    return request_id


class RequestIdMiddleware:
    """Sets ``request.state.request_id``, and adds the id to the header of an HTTP response and to its log lines.

    The id is the client's ``X-Request-Id`` if the header is 1 to 128 ASCII letters, digits and ``._:+/=-``, else a
    random one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one connection with the request id set."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        if _VALID_REQUEST_ID.fullmatch(sent):
            scope.setdefault("state", {})["request_id"] = sent
        request_id = request_id_of(scope)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        with bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_with_id)


class ErrorMiddleware:
    """Returns a JSON error for every exception of an HTTP request that no handler caught; logs and masks defects.

    List it directly after `RequestIdMiddleware`, so that it covers all other middlewares and errors contain the id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one connection.

        After the start of a response, no error is sent for an exception, because the status has already been sent.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_watch)
        except Exception as error:  # noqa: BLE001 - the HTTP boundary
            request_id = request_id_of(scope)
            shown = coded_or_masked(error, request_id)
            if not started:
                await error_response(shown, request_id)(scope, receive, send)


def coded_or_masked(error: Exception, request_id: str, document: str | None = None) -> CodedError:
    """Return the error to show for ``error``: itself, or the original error of a GraphQLError, if a `CodedError`.

    Any other error is a defect: log it, with the digest of ``document``, and return an `InternalError` without details.
    ``document`` is the GraphQL document of the request.
    """
    cause = error.original_error if isinstance(error, GraphQLError) else error
    if isinstance(cause, CodedError):
        return cause
    log_defects([error], request_id, document)
    return InternalError.masking(request_id)
