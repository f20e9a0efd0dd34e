"""The application: services, middlewares and routes on one screen; wiring only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from app.auth.backend import auth_middleware
from app.auth.errors import Challenge
from app.auth.resource_metadata import auth_routes, metadata_url
from app.http.errors import HttpError
from app.http.graphql.graphql_view import GraphQLView
from app.http.health import health_routes
from app.http.json_response import error_response
from app.http.middleware import ErrorMiddleware, RequestIdMiddleware, request_id_of
from app.http.websocket.subscription_socket import SubscriptionSocket
from app.runtime.process import Process
from policies.errors import Code
from policies.principal import Principal, Scope


def create_app(services: Process) -> Starlette:
    """Build the ASGI application, which runs the services for as long as it lives."""
    settings = services.settings

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with services.running():
            yield

    async def probe() -> None:
        await services.client.ping()

    challenge = Challenge(metadata_url(settings))
    view = GraphQLView(
        services.schema,
        services.context,
        suggestions=settings.env == "dev",
        challenge=lambda scope: challenge.insufficient(scope).headers,
    )

    async def authenticate(authorization: str) -> Principal:
        return await services.authenticator.authenticate(authorization, Scope.READ)

    socket = SubscriptionSocket(services.schema, authenticate, services.context, suggestions=settings.env == "dev")
    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/graphql", view),
            WebSocketRoute("/graphql", socket),
            *health_routes(probe),
            *auth_routes(settings),
        ],
        middleware=[
            Middleware(RequestIdMiddleware),
            Middleware(ErrorMiddleware),
            auth_middleware(services.authenticator),
        ],
        exception_handlers={HTTPException: _refuse},
    )


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer Starlette's own refusals, such as an unknown path, in the shape of all answers."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what this handler is registered for
    message = f"{request.method} {request.url.path}: {error.detail}. The API is at POST /graphql."
    code = Code.NOT_FOUND if error.status_code == 404 else Code.BAD_REQUEST  # noqa: PLR2004 - a status
    refused = HttpError(error.status_code, message, code, error.headers or {})
    return error_response(refused, request_id_of(request.scope))
