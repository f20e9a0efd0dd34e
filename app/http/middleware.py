"""Pure ASGI middlewares around everything: a request id in and out, and a JSON answer for whatever fails."""

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from app.errors import InternalError
from app.http import error_handling as faults
from app.http.json_response import refusal
from policies.errors import CodedError

HEADER = "X-Request-Id"

_VALID = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")


def request_id_of(scope: Scope) -> str:
    """Return the id of this request; made and kept in the scope's state when no middleware has done it."""
    state = scope.setdefault("state", {})
    request_id: str = state.setdefault("request_id", uuid4().hex)
    return request_id


class RequestIdMiddleware:
    """Takes ``X-Request-Id`` from the caller if it is harmless, else makes one; puts it on the answer and log lines.

    Handlers find it as ``request.state.request_id``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(HEADER, "")
        if _VALID.fullmatch(sent):
            scope.setdefault("state", {})["request_id"] = sent
        request_id = request_id_of(scope)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_with_id)


class FaultMiddleware:
    """The outermost boundary: what no handler caught becomes JSON with a code; defects are masked and logged once.

    Stands directly inside :class:`RequestIdMiddleware` and outside everything that can fail.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection; an answer that has begun cannot be taken back, so then the fault is only logged."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def note(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, note)
        except Exception as fault:  # noqa: BLE001 - the HTTP boundary
            request_id = request_id_of(scope)
            error = coded(fault, request_id)
            if not begun:
                await refusal(error, request_id)(scope, receive, send)


def coded(fault: Exception, request_id: str, document: str | None = None) -> CodedError:
    """``fault`` itself when it is expected; else the mask, after one line in the log."""
    if isinstance(fault, CodedError):
        return fault
    faults.log_defects([fault], request_id, document)
    return InternalError.masking(request_id)
