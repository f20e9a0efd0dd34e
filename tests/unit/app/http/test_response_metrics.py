"""Responses by route and status: those of operations, those before them, and paths that clients invent."""

import httpx2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.http.response_metrics import OBSERVED, ResponseMetricsMiddleware, fixed_paths


async def _respond(request: Request) -> Response:
    if request.method == "POST":
        request.scope["state"][OBSERVED] = True
    return PlainTextResponse("", int(request.query_params.get("status", 200)))


async def test_responses_are_counted_by_route_stage_and_status() -> None:
    """A response that the view has reported is of an operation; a path that the application lacks is no label."""
    found: list[tuple[str, str, int]] = []
    routes = [Route("/graphql", _respond, methods=["GET", "POST"]), Route("/files/{name}", _respond)]
    middleware = Middleware(
        ResponseMetricsMiddleware, count=lambda *each: found.append(each), paths=fixed_paths(routes)
    )
    app = Starlette(routes=routes, middleware=[middleware])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as client:
        await client.post("/graphql")
        await client.get("/graphql?status=503")
        await client.get("/files/canary")
        await client.get("/canary")
    assert found == [
        ("/graphql", "operation", 200),
        ("/graphql", "before", 503),
        ("(other)", "before", 200),
        ("(other)", "before", 404),
    ]
