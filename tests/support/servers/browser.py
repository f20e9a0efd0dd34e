"""A browser at the routes of the sign-in and behind its middleware, with an issuer in this process and its clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from support.servers.issuer import Clock
from support.servers.sign_in_issuer import SignInIssuer, sessions_of

from app.http.middleware import ErrorMiddleware, RequestIdMiddleware
from app.http.sign_in.session_cookies import SessionCookies
from app.http.sign_in.session_guard import SessionGuard
from app.http.sign_in.session_middleware import SessionCookieMiddleware
from app.http.sign_in.sign_in_routes import sign_in_routes

ORIGIN = "https://graph.example"
COOKIES = SessionCookies(secure=True, port=443)


@dataclass(frozen=True)
class Browser:
    """A client that keeps cookies and follows no redirect; ``guard`` is that of the server."""

    http: httpx2.AsyncClient
    issuer: SignInIssuer
    guard: SessionGuard

    async def begin(self, path: str = "/x") -> dict[str, str]:
        """Begin to sign in, agree at the issuer, and return the parameters of the callback."""
        begun = await self.http.get("/sign-in", params={"return": path})
        assert begun.status_code == 302, begun.text
        return self.issuer.agree(begun.headers["location"])

    async def sign_in(self) -> str:
        """Sign in, and return the CSRF value of the session."""
        returned = await self.http.get("/sign-in/callback", params=await self.begin())
        assert (returned.status_code, returned.headers["location"]) == (302, "/x"), returned.text
        return str((await self.session())["csrf"])

    async def session(self) -> dict[str, Any]:
        """Return the state of the session."""
        state: dict[str, Any] = (await self.http.get("/session")).json()
        return state

    async def query(self, csrf: str | None, **headers: str) -> httpx2.Response:
        """Return the response of the API, which is the ``Authorization`` header that reaches it, null without one."""
        sent = headers if csrf is None else {"X-CSRF-Token": csrf, **headers}
        return await self.http.post("/graphql", headers=sent)


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """Run a browser and its server, with a new issuer."""
    issuer = SignInIssuer(Clock())
    guard = SessionGuard(sessions_of(issuer), COOKIES, ORIGIN)
    async with client_of(guard) as http:
        yield Browser(http, issuer, guard)


@asynccontextmanager
async def client_of(guard: SessionGuard | None, *, canonical_host: bool = False) -> AsyncIterator[httpx2.AsyncClient]:
    """Run a server with this guard, and give a client that keeps cookies."""

    async def echo(request: Request) -> Response:
        return JSONResponse(request.headers.getlist("authorization"))

    routes = [
        Route("/graphql", echo, methods=["GET", "POST"]),
        Route("/other", echo, methods=["POST"]),
        *sign_in_routes(guard, ORIGIN, "/", canonical_host=canonical_host),
    ]
    middleware = [
        Middleware(RequestIdMiddleware),
        Middleware(ErrorMiddleware),
        Middleware(SessionCookieMiddleware, guard=guard),
    ]
    transport = httpx2.ASGITransport(app=Starlette(routes=routes, middleware=middleware))
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        yield http
