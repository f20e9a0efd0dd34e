"""The authentication middleware: statuses, challenges, and the routes that need no token."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from support.servers.issuer import METADATA, Clock, LiveIssuer, authenticator, trusting

from app.auth.backend import auth_middleware
from app.auth.resource_metadata import auth_routes
from app.settings import Settings
from graphql_schema.execution.side_thread import CALLER

OPEN = {
    ("http", "/health/live"),
    ("http", "/graphiql"),
    ("http", "/mounted"),
    ("http", "/.well-known/oauth-protected-resource"),
    ("websocket", "/graphql"),
}
ISSUERS = '[{"issuer": "https://issuer.example"}]'


async def caller(request: Request) -> Response:
    """Return subject, display name and scopes of the caller, read as the GraphQL view does."""
    principal = request.state.principal
    return JSONResponse([principal.subject, request.user.display_name, list(request.auth.scopes)])


async def side(_request: Request) -> Response:
    """Return the caller whose turns the side thread gives to calls of the request."""
    return JSONResponse(CALLER.get())


async def alive(_request: Request) -> Response:
    """Return a constant."""
    return JSONResponse("alive")


async def socket(websocket: WebSocket) -> None:
    """Send whether the caller is authenticated."""
    await websocket.accept()
    await websocket.send_json(websocket.user.is_authenticated)
    await websocket.close()


@pytest.fixture
def issuer() -> LiveIssuer:
    """Return an issuer."""
    return LiveIssuer(Clock())


@pytest.fixture
def client(issuer: LiveIssuer) -> Iterator[TestClient]:
    """Return a client of an application behind the middleware."""
    routes = [
        Route("/graphql", caller, methods=["GET", "POST"]),
        Route("/side", side),
        Route("/health/live", alive),
        Route("/graphiql", alive),
        Route("/metrics", alive),
        Route("/healthy", alive),
        Mount("/mounted", routes=[Route("/", alive), Route("/health/live", alive)]),
        WebSocketRoute("/graphql", socket),
        WebSocketRoute("/health/live", socket),
        *auth_routes(
            Settings.from_env(
                {"MLG_ENV": "production", "MLG_ISSUERS": ISSUERS, "MLG_PUBLIC_URL": "https://graph.example"}
            )
        ),
    ]
    app = Starlette(routes=routes, middleware=[auth_middleware(authenticator([trusting(issuer)]), OPEN)])
    with TestClient(app) as client:
        yield client


def test_a_valid_token_makes_a_principal(issuer: LiveIssuer, client: TestClient) -> None:
    """The request has the principal for the view, and user and scopes for Starlette."""
    response = client.post("/graphql", headers={"Authorization": f"bearer {issuer.mint(name='Ada')}"})
    assert response.json() == ["ada", "Ada", ["graph:read", "graph:write"]]


def test_the_calls_of_a_request_in_the_side_thread_are_of_its_caller(issuer: LiveIssuer, client: TestClient) -> None:
    """Its tenant and its subject are the caller before the handler reads the body."""
    response = client.get("/side", headers={"Authorization": f"Bearer {issuer.mint()}"})
    assert response.json() == ["acme", "ada"]


def test_a_missing_token_is_401(client: TestClient) -> None:
    """A request without a token gets status 401, a challenge without an error, and a GraphQL error."""
    response = client.post("/graphql", headers={"Accept": "application/graphql-response+json"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == f'Bearer resource_metadata="{METADATA}"'
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["content-type"] == "application/graphql-response+json"
    message = (
        "The request has no bearer token. Send `Authorization: Bearer <token>` once, as a header over HTTP, "
        "or in the payload of `connection_init` over a WebSocket."
    )
    assert response.json() == {"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]}


def test_an_invalid_token_is_401(issuer: LiveIssuer, client: TestClient) -> None:
    """A request with an expired token gets status 401, and the challenge names the reason."""
    token = issuer.mint(exp=1)
    response = client.post("/graphql", headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response.headers["content-type"]) == (401, "application/json")
    assert response.headers["www-authenticate"] == (
        f'Bearer error="invalid_token", error_description="expired token, exp", resource_metadata="{METADATA}"'
    )
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


def test_a_token_without_read_is_forbidden(issuer: LiveIssuer, client: TestClient) -> None:
    """A token without graph:read gets status 403, and the challenge names the scope."""
    response = client.post("/graphql", headers={"Authorization": f"Bearer {issuer.mint(scope='graph:write')}"})
    assert response.status_code == 403
    assert 'error="insufficient_scope", scope="graph:read"' in response.headers["www-authenticate"]
    assert response.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


def test_an_unreachable_issuer_is_503(issuer: LiveIssuer, client: TestClient) -> None:
    """Without signing keys the status is 503 with `Retry-After` and no challenge: a new token would not help."""
    issuer.down = True
    response = client.post("/graphql", headers={"Authorization": f"Bearer {issuer.mint()}"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert "www-authenticate" not in response.headers
    assert response.json()["errors"][0]["extensions"] == {"code": "KEYS_UNAVAILABLE"}


def test_two_authorization_headers_are_refused(issuer: LiveIssuer, client: TestClient) -> None:
    """Two `Authorization` headers get status 401, even with equal tokens."""
    header = ("Authorization", f"Bearer {issuer.mint()}")
    assert client.post("/graphql", headers=[header, header]).status_code == 401


@pytest.mark.parametrize("path", ["/health/live", "/graphiql", "/.well-known/oauth-protected-resource"])
def test_open_routes_need_no_token(client: TestClient, path: str) -> None:
    """Routes that are given as open need no token and ignore an invalid one."""
    assert client.get(path, headers={"Authorization": "Bearer x"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/graphql", "/metrics", "/healthy", "/unknown", "/", "/health/../graphql", "//health", "/health/live/"),
        *("/health", "/health/live/x", "/graphiql/x", "/mounted", "/mounted/", "/mounted/health/live"),
    ],
)
def test_all_other_paths_need_a_token(client: TestClient, path: str) -> None:
    """Every other path gets status 401 without a token, also a mounted application and a path without a route."""
    assert client.get(path).status_code == 401


def test_an_open_route_is_open_for_its_methods_only(client: TestClient) -> None:
    """A method that an open route does not have needs a token."""
    assert [client.request(method, "/health/live").status_code for method in ("HEAD", "POST")] == [200, 401]


def test_an_open_websocket_passes_unauthenticated(client: TestClient) -> None:
    """An open WebSocket passes the middleware without a caller: it authenticates later, in `connection_init`."""
    with client.websocket_connect("/graphql") as websocket:
        assert websocket.receive_json() is False


def test_another_websocket_needs_a_token(issuer: LiveIssuer, client: TestClient) -> None:
    """The handshake of a WebSocket that is not open is refused without a token, also beside an open HTTP route."""
    for headers in ({}, {"Authorization": "Bearer x"}):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/health/live", headers=headers):
            pass
    with client.websocket_connect("/health/live", headers={"Authorization": f"Bearer {issuer.mint()}"}) as websocket:
        assert websocket.receive_json() is True


def test_without_open_routes_everything_needs_a_token(issuer: LiveIssuer) -> None:
    """The default is closed."""
    middleware = [auth_middleware(authenticator([trusting(issuer)]))]
    with TestClient(Starlette(routes=[Route("/health/live", alive)], middleware=middleware)) as client:
        assert client.get("/health/live").status_code == 401
