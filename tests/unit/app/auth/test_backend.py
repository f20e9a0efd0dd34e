"""The door in front of the application: whole answers over HTTP."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket
from support.servers.issuer import METADATA, Clock, LiveIssuer, authenticator, trusting

from app.auth.backend import auth_middleware
from app.auth.resource_metadata import auth_routes
from app.settings import Settings
from policies.errors import ConfigurationError

ISSUERS = '[{"issuer": "https://issuer.example"}]'


async def who(request: Request) -> Response:
    """Answer who is calling, as the GraphQL view would read it."""
    principal = request.state.principal
    return JSONResponse([principal.subject, request.user.display_name, list(request.auth.scopes)])


async def alive(_request: Request) -> Response:
    """Answer that we live."""
    return JSONResponse("alive")


async def socket(websocket: WebSocket) -> None:
    """Answer whether the caller is known."""
    await websocket.accept()
    await websocket.send_json(websocket.user.is_authenticated)
    await websocket.close()


@pytest.fixture
def issuer() -> LiveIssuer:
    """Return an issuer."""
    return LiveIssuer(Clock())


@pytest.fixture
def client(issuer: LiveIssuer) -> Iterator[TestClient]:
    """Return a client of an application behind the door."""
    routes = [
        Route("/graphql", who, methods=["GET", "POST"]),
        Route("/health/live", alive),
        Route("/metrics", alive),
        Route("/healthy", alive),
        WebSocketRoute("/graphql", socket),
        *auth_routes(
            Settings.from_env(
                {"MLG_ENV": "production", "MLG_ISSUERS": ISSUERS, "MLG_PUBLIC_URL": "https://graph.example"}
            )
        ),
    ]
    app = Starlette(routes=routes, middleware=[auth_middleware(authenticator([trusting(issuer)]))])
    with TestClient(app) as client:
        yield client


def test_a_caller_with_a_token_is_known(issuer: LiveIssuer, client: TestClient) -> None:
    """The view finds the principal, Starlette finds its user and scopes."""
    response = client.post("/graphql", headers={"Authorization": f"bearer {issuer.mint(name='Ada')}"})
    assert response.json() == ["ada", "Ada", ["graph:read", "graph:write"]]


def test_nobody_is_refused(client: TestClient) -> None:
    """The whole 401: a bare challenge and a GraphQL error."""
    response = client.post("/graphql", headers={"Accept": "application/graphql-response+json"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == f'Bearer resource_metadata="{METADATA}"'
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["content-type"] == "application/graphql-response+json"
    message = "The request has no bearer token. Send the header `Authorization: Bearer <token>`."
    assert response.json() == {"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]}


def test_a_bad_token_is_refused(issuer: LiveIssuer, client: TestClient) -> None:
    """The whole 401 with a token: the reason is named."""
    token = issuer.mint(exp=1)
    response = client.post("/graphql", headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response.headers["content-type"]) == (401, "application/json")
    assert response.headers["www-authenticate"] == (
        f'Bearer error="invalid_token", error_description="expired token, exp", resource_metadata="{METADATA}"'
    )
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


def test_a_token_without_read_is_forbidden(issuer: LiveIssuer, client: TestClient) -> None:
    """Without graph:read nobody reaches GraphQL."""
    response = client.post("/graphql", headers={"Authorization": f"Bearer {issuer.mint(scope='graph:write')}"})
    assert response.status_code == 403
    assert 'error="insufficient_scope", scope="graph:read"' in response.headers["www-authenticate"]
    assert response.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


def test_an_unreachable_issuer_is_503(issuer: LiveIssuer, client: TestClient) -> None:
    """Without keys the answer is to come again, and no challenge: a new token would not help."""
    issuer.down = True
    response = client.post("/graphql", headers={"Authorization": f"Bearer {issuer.mint()}"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert "www-authenticate" not in response.headers
    assert response.json()["errors"][0]["extensions"] == {"code": "KEYS_UNAVAILABLE"}


def test_two_authorization_headers_are_refused(issuer: LiveIssuer, client: TestClient) -> None:
    """Two tokens are two callers: neither is believed."""
    header = ("Authorization", f"Bearer {issuer.mint()}")
    assert client.post("/graphql", headers=[header, header]).status_code == 401


@pytest.mark.parametrize("path", ["/health/live", "/metrics", "/.well-known/oauth-protected-resource"])
def test_some_paths_are_open(client: TestClient, path: str) -> None:
    """Health, metrics and discovery need no token, and a bad one does not matter."""
    assert client.get(path, headers={"Authorization": "Bearer x"}).status_code == 200


@pytest.mark.parametrize("path", ["/graphql", "/healthy", "/unknown", "/", "/health/../graphql", "//health"])
def test_all_other_paths_are_closed(client: TestClient, path: str) -> None:
    """What is not open is closed, whether it exists or not."""
    assert client.get(path).status_code == 401


def test_a_websocket_is_let_through_unknown(client: TestClient) -> None:
    """A WebSocket authenticates later, in connection_init: here it is nobody."""
    with client.websocket_connect("/graphql") as websocket:
        assert websocket.receive_json() is False


def test_the_metadata_of_rfc_9728(client: TestClient) -> None:
    """The whole document: who we are, whom we trust, what can be asked for."""
    assert client.get("/.well-known/oauth-protected-resource").json() == {
        "resource": "https://graph.example",
        "resource_name": "Model Lifecycle Graph",
        "authorization_servers": ["https://issuer.example"],
        "scopes_supported": ["graph:read", "graph:write", "graph:admin", "graph:break-glass"],
        "bearer_methods_supported": ["header"],
    }


@pytest.mark.parametrize("url", ["graph.example", "https://graph.example/mlg", "ftp://graph.example", "https://"])
def test_a_public_url_that_does_not_fit_stops_the_start(url: str) -> None:
    """A challenge must not send clients to nowhere."""
    settings = Settings.from_env({"MLG_ENV": "production", "MLG_ISSUERS": ISSUERS, "MLG_PUBLIC_URL": url})
    with pytest.raises(ConfigurationError, match="MLG_PUBLIC_URL"):
        auth_routes(settings)
