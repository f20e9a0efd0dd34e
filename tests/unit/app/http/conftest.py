"""A small schema with one field per kind of failure, served by the real view and middlewares."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from enum import Enum
from typing import Any

import httpx2
import pytest
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.graph.driver.errors import StoreUnavailableError
from app.http.graphql.graphql_request import RequestLimits
from app.http.graphql.graphql_view import GraphQLView
from app.http.health import health_routes
from app.http.middleware import ErrorMiddleware, RequestIdMiddleware
from app.http.websocket.subscription_socket import SubscriptionSocket
from graphql_schema.operation.limited_schema import OperationSchema
from policies.errors import Code, CodedError, InvalidError
from policies.principal import Principal, PrincipalKind

CANARY = "canary-5f1d"


@strawberry.enum
class Colour(Enum):
    """Two values, close enough to each other for suggestions."""

    MAGENTA = "magenta"
    MAROON = "maroon"


@strawberry.input
class Paint:
    """An input, for suggestions about its fields."""

    thickness: int = 1


@strawberry.type
class Query:
    """One field per kind of outcome."""

    @strawberry.field
    def greeting(self, name: str = "you", colour: Colour = Colour.MAROON, paint: Paint | None = None) -> str:
        """Succeed."""
        del colour, paint
        return f"hello {name}"

    @strawberry.field
    def again(self) -> "Query":
        """Nest."""
        return Query()

    @strawberry.field
    def many(self) -> list["Query"]:
        """Give eight of the same, to have many errors."""
        return [Query() for _ in range(8)]

    @strawberry.field
    def broken(self) -> str | None:
        """Fail as no one expects, with a secret in the exception."""
        raise RuntimeError(CANARY)

    @strawberry.field
    def misshapen(self) -> int | None:
        """Return what its type cannot hold."""
        return CANARY  # type: ignore[return-value]

    @strawberry.field
    def refused(self) -> str | None:
        """Fail as expected, with a fact for programs."""
        raise InvalidError("The name is taken. Choose another.", argument="name")

    @strawberry.field
    def stored(self) -> str:
        """Need the store, which is down; not nullable, so the whole answer is null."""
        raise StoreUnavailableError("The store does not answer. Try again.")

    @strawberry.field
    def maybe_stored(self) -> str | None:
        """Need the store, and get along without."""
        raise StoreUnavailableError("The store does not answer. Try again.")

    @strawberry.field
    def request_id(self, info: strawberry.Info[Any, None]) -> str:
        """Show the request id that the context was given."""
        return str(info.context.request_id)


@strawberry.type
class Mutation:
    """Counts how often it ran."""

    runs = 0

    @strawberry.mutation
    def run(self) -> int:
        """Count."""
        Mutation.runs += 1
        return Mutation.runs


@strawberry.type
class Subscription:
    """One field per kind of stream."""

    open = 0

    @strawberry.subscription
    async def count(self, to: int = 3) -> AsyncGenerator[int, None]:
        """Count from one, and end."""
        for number in range(1, to + 1):
            yield number

    @strawberry.subscription
    async def forever(self) -> AsyncGenerator[int, None]:
        """Say one thing, wait for good, and keep the number of those who do."""
        Subscription.open += 1
        try:
            yield Subscription.open
            await asyncio.Event().wait()
        finally:
            Subscription.open -= 1

    @strawberry.subscription
    async def breaks(self) -> AsyncGenerator[int, None]:
        """Fail as no one expects, after a first event."""
        yield 1
        raise RuntimeError(CANARY)

    @strawberry.subscription
    async def refused(self) -> AsyncGenerator[int, None]:
        """Fail as expected."""
        yield 1
        raise InvalidError("That is no place to go on from. Leave it out.")

    @strawberry.subscription
    async def thrown_out(self) -> AsyncGenerator[int, None]:
        """Find that the caller is nobody any more."""
        yield 1
        raise CodedError("The key of your token was withdrawn.", Code.UNAUTHENTICATED)

    @strawberry.subscription
    async def queries(self) -> AsyncGenerator[Query, None]:
        """Give events that can fail by themselves."""
        yield Query()
        yield Query()


class Context:
    """What the application's context looks like to the view."""

    def __init__(self, request_id: str, principal: Principal) -> None:
        self.request_id = request_id
        self.principal = principal

    def finish(self) -> dict[str, Any]:
        """Report who asked."""
        return {"asked": self.principal.subject}


class Everybody:
    """Authentication that takes everybody for ada, except those who say ``nobody``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave the principal where the view looks for it."""
        if scope["type"] == "http" and (b"authorization", b"nobody") not in scope["headers"]:
            scope["state"]["principal"] = Principal("ada", PrincipalKind.PERSON, "default")
        await self.app(scope, receive, send)


async def explode(_: object) -> None:
    """Fail outside the view."""
    raise RuntimeError(CANARY)


async def authenticate(authorization: str) -> Principal:
    """Know ada by her token; nobody can say about eve."""
    if authorization == "Bearer eve":
        raise CodedError("The keys cannot be had. Try again.", Code.KEYS_UNAVAILABLE)
    if authorization != "Bearer ada":
        raise CodedError("The access token was refused.", Code.UNAUTHENTICATED)
    return Principal("ada", PrincipalKind.PERSON, "default")


Build = Callable[..., Starlette]


@pytest.fixture(scope="session")
def build() -> Build:
    """Make the application; options go to the view."""

    def application(**options: Any) -> Starlette:
        schema = OperationSchema(Query, Mutation, Subscription)
        view = GraphQLView(
            schema,
            lambda request, principal: Context(request.state.request_id, principal),
            **options,
        )
        socket = SubscriptionSocket(
            schema,
            authenticate,
            lambda request, principal, _: Context(request.state.request_id, principal),
            **options,
        )
        return Starlette(
            routes=[
                Route("/graphql", view),
                WebSocketRoute("/graphql", socket),
                Route("/explode", explode),
                *health_routes(lambda: asyncio.sleep(0)),
            ],
            middleware=[Middleware(RequestIdMiddleware), Middleware(ErrorMiddleware), Middleware(Everybody)],
        )

    return application


@pytest.fixture
async def client(build: Build) -> AsyncIterator[httpx2.AsyncClient]:
    """Open a client of the application without a socket in between."""
    transport = httpx2.ASGITransport(app=build())
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


@pytest.fixture
async def address(build: Build) -> AsyncIterator[tuple[str, int]]:
    """Host and port of the application on a real socket, with a body limit in time short enough to meet."""
    app = build(limits=RequestLimits(body_seconds=0.05))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()
        server.should_exit = True
        await running
