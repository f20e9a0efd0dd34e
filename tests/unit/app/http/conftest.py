"""Fixtures of the HTTP tests: a small schema with one field per outcome, behind the real view and middlewares."""

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
from graphql_schema.ports.operation_budget import OperationBudget
from policies.errors import Code, CodedError, InvalidError
from policies.principal import Principal, PrincipalKind

CANARY = "canary-5f1d"


@strawberry.enum
class Colour(Enum):
    """Two values that are similar enough for suggestions."""

    MAGENTA = "magenta"
    MAROON = "maroon"


@strawberry.input
class Paint:
    """An input type whose field can be misspelt."""

    thickness: int = 1


@strawberry.type
class Query:
    """One field per kind of outcome."""

    @strawberry.field
    def greeting(self, name: str = "you", colour: Colour = Colour.MAROON, paint: Paint | None = None) -> str:
        """Return a greeting."""
        del colour, paint
        return f"hello {name}"

    @strawberry.field
    def again(self) -> "Query":
        """Return a nested query."""
        return Query()

    @strawberry.field
    def many(self) -> list["Query"]:
        """Return eight queries, so that a failing field fails eight times."""
        return [Query() for _ in range(8)]

    @strawberry.field
    def broken(self) -> str | None:
        """Raise an unexpected exception with a secret in its message."""
        raise RuntimeError(CANARY)

    @strawberry.field
    def misshapen(self) -> int | None:
        """Return a value that the field's type cannot serialize."""
        return CANARY  # type: ignore[return-value]

    @strawberry.field
    def refused(self) -> str | None:
        """Raise an expected error with an extension."""
        raise InvalidError("The name is taken. Choose another.", argument="name")

    @strawberry.field
    def stored(self) -> str:
        """Raise the error of an unavailable store; the field is non-null, so `data` becomes null."""
        raise StoreUnavailableError("The store does not answer. Try again.")

    @strawberry.field
    def maybe_stored(self) -> str | None:
        """Raise the error of an unavailable store in a nullable field."""
        raise StoreUnavailableError("The store does not answer. Try again.")

    @strawberry.field
    def secret(self, info: strawberry.Info[Any, None]) -> str:
        """Return a value of a secret field, long enough to be compressed."""
        info.context.is_confidential = True
        return "secret" * 1_000

    @strawberry.field
    def request_id(self, info: strawberry.Info[Any, None]) -> str:
        """Return the request id of the context."""
        return str(info.context.request_id)


@strawberry.type
class Mutation:
    """Counts its executions."""

    runs = 0

    @strawberry.mutation
    def run(self) -> int:
        """Return the number of executions so far."""
        Mutation.runs += 1
        return Mutation.runs


@strawberry.type
class Subscription:
    """One field per kind of stream; ``open`` is the number of running ``forever`` streams."""

    open = 0

    @strawberry.subscription
    async def count(self, to: int = 3) -> AsyncGenerator[int, None]:
        """Yield the numbers from one and complete."""
        for number in range(1, to + 1):
            yield number

    @strawberry.subscription
    async def forever(self) -> AsyncGenerator[int, None]:
        """Yield the number of open streams and wait without end."""
        Subscription.open += 1
        try:
            yield Subscription.open
            await asyncio.Event().wait()
        finally:
            Subscription.open -= 1

    @strawberry.subscription
    async def breaks(self) -> AsyncGenerator[int, None]:
        """Raise an unexpected exception after the first event."""
        yield 1
        raise RuntimeError(CANARY)

    @strawberry.subscription
    async def refused(self) -> AsyncGenerator[int, None]:
        """Raise an expected error after the first event."""
        yield 1
        raise InvalidError("That is no place to go on from. Leave it out.")

    @strawberry.subscription
    async def revoked(self) -> AsyncGenerator[int, None]:
        """Raise the error of a token that is no longer valid after the first event."""
        yield 1
        raise CodedError("The key of your token was withdrawn.", Code.UNAUTHENTICATED)

    @strawberry.subscription
    async def queries(self) -> AsyncGenerator[Query, None]:
        """Yield two events with fields that can fail."""
        yield Query()
        yield Query()


class Context:
    """The part of the application's context that the view uses."""

    def __init__(self, request_id: str, principal: Principal) -> None:
        self.request_id = request_id
        self.principal = principal
        self.budget = OperationBudget()
        self.is_confidential = False
        self.on_admission: Callable[[], None] | None = None

    def release(self) -> None:
        """Discard nothing."""

    def finish(self) -> dict[str, Any]:
        """Return extensions with the subject of the caller."""
        return {"subject": self.principal.subject}


class EveryCallerIsAda:
    """Authentication that makes every caller ada, except one with the header ``authorization: none``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Store the principal in the state of the request, where the view reads it."""
        if scope["type"] == "http" and (b"authorization", b"none") not in scope["headers"]:
            scope["state"]["principal"] = Principal("ada", PrincipalKind.PERSON, "default")
        await self.app(scope, receive, send)


async def explode(_: object) -> None:
    """Raise an unexpected exception outside of the view."""
    raise RuntimeError(CANARY)


async def authenticate(authorization: str) -> Principal:
    """Return ada or bo for their tokens; raise the error of missing signing keys for eve's and refuse others."""
    if authorization == "Bearer eve":
        raise CodedError("The keys cannot be had. Try again.", Code.KEYS_UNAVAILABLE)
    subject = authorization.removeprefix("Bearer ")
    if subject not in {"ada", "bo"}:
        raise CodedError("The access token was refused.", Code.UNAUTHENTICATED)
    return Principal(subject, PrincipalKind.PERSON, "default")


Build = Callable[..., Starlette]


@pytest.fixture(scope="session")
def build() -> Build:
    """Return a function that makes the application; its options are those of the view and the socket."""

    def application(**options: Any) -> Starlette:
        schema = OperationSchema(Query, Mutation, Subscription)

        async def make_context(request: Any, principal: Principal, _recheck: object = None) -> Context:
            return Context(request.state.request_id, principal)

        view: GraphQLView[Context] = GraphQLView(
            schema,
            make_context,
            **options,
        )
        socket = SubscriptionSocket(
            schema,
            authenticate,
            make_context,
            **options,
        )
        return Starlette(
            routes=[
                Route("/graphql", view),
                WebSocketRoute("/graphql", socket),
                Route("/explode", explode),
                *health_routes(lambda: asyncio.sleep(0)),
            ],
            middleware=[Middleware(RequestIdMiddleware), Middleware(ErrorMiddleware), Middleware(EveryCallerIsAda)],
        )

    return application


@pytest.fixture
async def client(build: Build) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a client that calls the application in process, without a socket."""
    transport = httpx2.ASGITransport(app=build())
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


@pytest.fixture
async def address(build: Build) -> AsyncIterator[tuple[str, int]]:
    """Return host and port of the application on a real socket; a request body may take 50 ms."""
    app = build(limits=RequestLimits(body_seconds=0.05))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()
        server.should_exit = True
        await running
