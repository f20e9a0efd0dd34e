"""Spans of HTTP requests: continued traces, and which parts of a request are in them."""

from typing import Any

import httpx2
import pytest
from opentelemetry.trace import StatusCode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from support.recorded_spans import RecordedSpans, parent_id

from app.http.tracing import trace_middleware
from app.telemetry.spans import NO_SPANS, current_span

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
CANARY = "canary"


async def _respond(request: Request) -> Response:
    status = int(request.query_params.get("status", 200))
    return PlainTextResponse(f"{current_span().trace_id:032x}", status)


ROUTES = [
    Route("/graphql", _respond, methods=["GET", "POST"]),
    Route("/files/{name}", _respond),
    Route("/health/live", _respond),
]


def traced(recorded: RecordedSpans) -> httpx2.AsyncClient:
    """Return a client of an application with spans."""
    app = Starlette(routes=ROUTES, middleware=trace_middleware(recorded.spans, ROUTES))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test")


async def test_a_request_continues_the_trace_of_its_caller() -> None:
    """Its span is beneath the one that the header names, and the code behind it is in the same trace."""
    recorded = RecordedSpans()
    async with traced(recorded) as client:
        inside = (await client.post("/graphql", headers=PARENT)).text
    span = recorded.only
    assert (inside, f"{parent_id(span):016x}") == (TRACE, SPAN)
    assert span.name == "POST /graphql"
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "url.scheme": "http",
        "http.route": "/graphql",
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [("GET", f"/{CANARY}", "GET"), ("GET", f"/files/{CANARY}", "GET"), (CANARY.upper(), "/graphql", "HTTP /graphql")],
)
async def test_nothing_that_a_client_writes_is_in_a_span(method: str, path: str, name: str) -> None:
    """Unknown paths and methods, queries, and headers that carry data along a trace are left out."""
    recorded = RecordedSpans()
    headers = {**PARENT, "tracestate": f"a={CANARY}", "baggage": f"a={CANARY}", "user-agent": CANARY}
    async with traced(recorded) as client:
        await client.request(method, f"{path}?q={CANARY}", headers=headers)
    assert recorded.only.name == name
    assert CANARY not in recorded.only.to_json().lower()


@pytest.mark.parametrize(("status", "failed"), [(200, False), (404, False), (503, True)])
async def test_a_fault_of_the_server_is_an_error(status: int, failed: bool) -> None:  # noqa: FBT001 - a parameter
    """A status from 500 is the status of the span; one of the client's is only an attribute."""
    recorded = RecordedSpans()
    async with traced(recorded) as client:
        await client.get(f"/graphql?status={status}")
    span = recorded.only
    assert (span.status.status_code is StatusCode.ERROR) is failed
    assert (span.attributes or {}).get("http.response.status_code") == status
    assert ("error.type" in (span.attributes or {})) is failed


async def test_probes_have_no_spans() -> None:
    """They would be most of the traces of a quiet server."""
    recorded = RecordedSpans()
    async with traced(recorded) as client:
        await client.get("/health/live")
    assert recorded.ended == []


async def test_a_websocket_has_no_span_and_passes_its_parent_on() -> None:
    """A connection lasts for hours: its subscriptions have spans, beneath that of the handshake."""
    recorded, found = RecordedSpans(), []

    async def connect(socket: WebSocket) -> None:
        with recorded.spans.span("subscription", current=False):
            found.append(current_span().trace_id)
        await socket.close()

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(_: Any) -> None:
        return

    routes = [WebSocketRoute("/graphql", connect)]
    app = Starlette(routes=routes, middleware=trace_middleware(recorded.spans, routes))
    headers = [(name.encode(), value.encode()) for name, value in PARENT.items()]
    await app({"type": "websocket", "path": "/graphql", "headers": headers, "query_string": b""}, receive, send)
    assert found == [int(TRACE, 16)]
    assert f"{parent_id(recorded.only):016x}" == SPAN
    assert current_span().trace_id == 0


def test_without_spans_there_is_no_middleware() -> None:
    """A process that traces nothing has nothing to do for it in a request."""
    assert trace_middleware(NO_SPANS, ROUTES) == []
