"""Spans of HTTP requests; a request continues the trace that its header ``traceparent`` names."""

from collections.abc import Iterable
from typing import Final

from opentelemetry.context import attach, detach
from opentelemetry.trace import Span, SpanKind, StatusCode
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.response_metrics import fixed_paths
from app.telemetry.spans import ERROR_TYPE, Spans, remote_parent

UNTRACED: Final = "/health/"
"""Begin of the paths without spans: probes call them all the time."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_FIRST_FAULT: Final = 500


class TraceMiddleware:
    """Opens a span for each HTTP request, and makes the span that a WebSocket names the parent of its subscriptions.

    Paths below UNTRACED have no span. List it first. A span has the path of a request only if the path is one of
    ``paths``: any other is text of the client.
    """

    def __init__(self, app: ASGIApp, spans: Spans, paths: frozenset[str]) -> None:
        self.app = app
        self._spans = spans
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one connection."""
        if scope["type"] not in {"http", "websocket"} or scope["path"].startswith(UNTRACED):
            await self.app(scope, receive, send)
            return
        parent = remote_parent(Headers(scope=scope).getlist("traceparent"))
        if scope["type"] == "websocket":
            token = attach(parent)
            try:
                await self.app(scope, receive, send)
            finally:
                detach(token)
            return
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        attributes = {"http.request.method": method, "url.scheme": scope["scheme"]}
        name = method if method in _METHODS else "HTTP"
        if scope["path"] in self._paths:
            attributes["http.route"] = scope["path"]
            name = f"{name} {scope['path']}"
        with self._spans.span(name, attributes, kind=SpanKind.SERVER, parent=parent) as span:
            await self.app(scope, receive, _with_status(span, send))


def _with_status(span: Span, send: Send) -> Send:
    """Return a ``send`` that also sets the status of the response in a span."""

    async def send_and_record(message: Message) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            span.set_attribute("http.response.status_code", status)
            if status >= _FIRST_FAULT:
                span.set_attribute(ERROR_TYPE, str(status))
                span.set_status(StatusCode.ERROR)
        await send(message)

    return send_and_record


def trace_middleware(spans: Spans, routes: Iterable[BaseRoute]) -> list[Middleware]:
    """Return the middleware for an application with these routes; none if nothing is traced."""
    if not spans.is_on:
        return []
    return [Middleware(TraceMiddleware, spans=spans, paths=fixed_paths(routes))]
