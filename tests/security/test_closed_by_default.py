"""Every route, WebSocket, mounted application and middleware needs a verified token, unless a table declares it open.

The routes come from the application itself, so that a new one is compared with the table, too.
"""

from collections.abc import Callable, Iterator, Sequence

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket
from support.servers.app_without_store import AppFactory, AppWithoutStore
from support.servers.issuer import STRANGER, Clock, LiveIssuer, authenticator, trusting
from support.servers.websocket_client import connected, serving
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.http.without_token import WITHOUT_TOKEN, OpenKind

BAD: dict[str, tuple[Callable[[LiveIssuer], list[str]], int]] = {
    "none": (lambda _: [], 401),
    "no bearer token": (lambda _: ["Basic cm9vdDpyb290"], 401),
    "of a stranger's key": (lambda issuer: [issuer.mint(STRANGER)], 401),
    "expired": (lambda issuer: [issuer.mint(exp=int(issuer.clock.epoch) - 31)], 401),
    "for another audience": (lambda issuer: [issuer.mint(aud="https://other.example")], 401),
    "of another issuer": (lambda issuer: [issuer.mint(iss="https://other.example")], 401),
    "without a scope": (lambda issuer: [issuer.mint(scope="")], 403),
    "without the scope to read": (lambda issuer: [issuer.mint(scope="graph:write graph:admin")], 403),
}
"""Authorization headers without the right to any request, each with the status of the refusal."""


@pytest.fixture
def issuer() -> LiveIssuer:
    """Return an issuer."""
    return LiveIssuer(Clock())


@pytest.fixture(scope="module")
def factories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AppFactory]:
    """Return the application of production and of development."""
    folder = str(tmp_path_factory.mktemp("keys"))
    dev = AppFactory(MLG_ENV="dev", MLG_ISSUERS="", MLG_PUBLIC_URL="", MLG_ALLOWED_ORIGINS="", MLG_DATA_DIR=folder)
    return {"production": AppFactory(MLG_DATA_DIR=folder), "dev": dev}


@pytest.fixture(params=["production", "dev"])
def env(request: pytest.FixtureRequest) -> str:
    """Return a value of MLG_ENV."""
    return str(request.param)


@pytest.fixture
def server(factories: dict[str, AppFactory], issuer: LiveIssuer, env: str) -> AppWithoutStore:
    """Return the application that trusts the issuer."""
    return factories[env].open(authenticator([trusting(issuer)]))


def mounted(routes: Sequence[BaseRoute], below: str = "") -> Iterator[tuple[str, str]]:
    """Yield type and path of each route, also of mounted applications; fail for an unknown class of routes."""
    for route in routes:
        if isinstance(route, Mount):
            yield from mounted(route.routes, below + route.path)
        else:
            assert isinstance(route, Route | WebSocketRoute), route
            yield "http" if isinstance(route, Route) else "websocket", below + route.path


def declared(env: str, *kinds: OpenKind) -> set[str]:
    """Return the names of the table that exist in an environment."""
    return {each.name for each in WITHOUT_TOKEN if each.kind in kinds and (env == "dev" or not each.only_dev)}


def headers(values: list[str]) -> list[tuple[str, str]]:
    """Return the Authorization headers of tokens, and of values with a scheme of their own."""
    return [("Authorization", value if " " in value else f"Bearer {value}") for value in values]


async def statuses(server: AppWithoutStore, issuer: LiveIssuer, path: str) -> dict[str, set[int]]:
    """Return the statuses of a path for each bad header, over several methods."""
    found = {}
    for name, (made, _) in BAD.items():
        sent = [await server.send(method, path, *headers(made(issuer))) for method in ("GET", "POST", "PUT", "OPTIONS")]
        found[name] = {response.status for response in sent}
    return found


def method_of(server: AppWithoutStore, path: str) -> str:
    """Return GET if a route with this path has it, else POST."""
    methods = {
        method
        for each in server.app.routes
        if isinstance(each, Route) and each.path == path
        for method in each.methods or ()
    }
    return "GET" if "GET" in methods or not methods else "POST"


CLOSED = {"/graphql", "/api/v1/lineage", "/api/v1/lineage/batch", "/ingest/events"}
"""The routes that need a token."""

REFUSED = {name: {status} for name, (_, status) in BAD.items()}


async def test_every_route_is_closed_or_declared(server: AppWithoutStore, issuer: LiveIssuer, env: str) -> None:
    """Of all mounted routes, exactly the declared ones have another response to a bad header than its refusal."""
    paths = {path for kind, path in mounted(server.app.routes) if kind == "http"}
    assert paths == declared(env, OpenKind.HTTP) | CLOSED
    for path in paths:
        address = path.replace("{file}", "page.js")
        found = await statuses(server, issuer, address)
        if path in CLOSED:
            assert found == REFUSED
        else:
            good = await server.send(method_of(server, path), address, *headers([issuer.mint()]))
            assert all(good.status in codes for codes in found.values()), path


@pytest.mark.parametrize(
    "path", ["/explorer", "/metrics", "/health", "/health/x", "/graphiql/x/y", "/graphql/", "//graphql"]
)
async def test_a_path_without_a_route_is_closed(server: AppWithoutStore, issuer: LiveIssuer, path: str) -> None:
    """A path that no route has does not disclose that, also below and beside open ones."""
    assert await statuses(server, issuer, path) == REFUSED


async def test_another_method_of_an_open_route_is_closed(server: AppWithoutStore) -> None:
    """Only the methods that an open route has are open."""
    assert (await server.send("DELETE", "/health/live")).status == 401


async def test_what_responds_before_authentication_is_declared(server: AppWithoutStore, env: str) -> None:
    """The middlewares before authentication are the declared ones, and three that count, add an id and mask errors."""
    names = [str(getattr(each.cls, "__name__", "")) for each in server.app.user_middleware]
    before = names[: names.index("AuthenticationMiddleware")]
    assert names[-1] == "AuthenticationMiddleware"
    assert set(before) == declared(env, OpenKind.MIDDLEWARE) | SILENT


SILENT = {"ResponseMetricsMiddleware", "RequestIdMiddleware", "ErrorMiddleware"}
"""Middlewares before authentication that respond to no request."""


async def page(_request: Request) -> Response:
    """Return a text that needs a token."""
    return PlainTextResponse("secret")


async def talk(websocket: WebSocket) -> None:
    """Send a text that needs a token."""
    await websocket.accept()
    await websocket.send_text("secret")


ADDED: list[BaseRoute] = [
    Route("/new", page),
    Route("/health/details", page),
    Route("/.well-known/secrets", page),
    Route("/graphiql/admin", page),
    Mount("/mounted", routes=[Route("/health/live", page), Route("/", page)]),
    Mount("/graphiql/mounted", PlainTextResponse("secret")),
    Mount("/metrics", PlainTextResponse("secret")),
    Mount("/graphiql", PlainTextResponse("secret")),
]
"""Routes that a developer adds without a declaration, with the paths that a client would request."""

REQUESTED = ["/new", "/health/details", "/.well-known/secrets", "/graphiql/admin"]
REQUESTED += [
    "/mounted/health/live",
    "/mounted/",
    "/graphiql/mounted/",
    "/graphiql/mounted/x",
    "/metrics/",
    "/graphiql/page.js",
]


@pytest.mark.parametrize("path", REQUESTED)
async def test_a_route_without_a_declaration_is_closed(server: AppWithoutStore, issuer: LiveIssuer, path: str) -> None:
    """Added routes and mounted applications without a declaration refuse each bad header, and serve a good one."""
    server.app.router.routes[:0] = ADDED
    assert await statuses(server, issuer, path) == REFUSED
    assert (await server.send("GET", path, *headers([issuer.mint()]))).text == "secret"


async def handshake(address: str, *tokens: str) -> int:
    """Return the status of a handshake with an Authorization header for each token."""
    try:
        async with connect(f"ws://{address}", additional_headers=headers([*tokens]), proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_a_websocket_without_a_declaration_is_closed(server: AppWithoutStore, issuer: LiveIssuer) -> None:
    """The handshake of an undeclared WebSocket is refused for each bad header, and accepted with a good one."""
    server.app.router.routes[:0] = [
        WebSocketRoute("/events", talk),
        Mount("/graphiql", routes=[WebSocketRoute("/ws", talk)]),
    ]
    async with serving(server.app) as address:
        for path in ("/events", "/graphiql/ws", "/unknown"):
            other = address.replace("/graphql", path)
            assert {await handshake(other, *made(issuer)) for made, _ in BAD.values()} == {403}
        assert await handshake(address.replace("/graphql", "/events"), issuer.mint()) == 101


async def test_every_websocket_demands_a_token_in_its_first_message(
    server: AppWithoutStore, issuer: LiveIssuer, env: str
) -> None:
    """The declared WebSockets are the mounted ones; without a good token in `connection_init` they send no event."""
    sockets = {path for kind, path in mounted(server.app.routes) if kind == "websocket"}
    assert sockets == declared(env, OpenKind.WEBSOCKET) == {"/graphql"}
    async with serving(server.app) as address:
        async with connected(address) as client:
            await client.subscribe("subscription { changes { subjectId } }")
            assert (await client.closed())[0] == 4401
        for name, (made, _) in BAD.items():
            async with connected(address) as client:
                payload = dict(headers(made(issuer)))
                await client.send(type="connection_init", payload=payload)
                assert (await client.closed())[0] == 4403, name
