"""Pages in a browser: only those of allowed origins read responses and open a WebSocket, each with a token."""

from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock, MagicMock
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from support.servers.app_without_store import APP_ORIGIN, PUBLIC, AppFactory, AppWithoutStore
from support.servers.issuer import Clock, LiveIssuer, authenticator, trusting
from support.servers.websocket_client import PROTOCOL, serving
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from app.http.allowed_origins import allowed_origins, trusts_host_names
from app.http.websocket.subscription_socket import SubscriptionSocket
from app.settings import Settings
from graphql_schema.schema import build_schema

FOREIGN = [
    "https://evil.example",
    "https://app.example.evil.example",
    "https://evil-app.example",
    "http://app.example",
    "https://app.example:8443",
    "https://APP.example.",
    "null",
    "",
]
"""Origins that resemble the allowed one, and those of pages without an origin of their own."""


@pytest.fixture
def issuer() -> LiveIssuer:
    """Return an issuer."""
    return LiveIssuer(Clock())


@pytest.fixture
def server(issuer: LiveIssuer) -> AppWithoutStore:
    """Return the application, which allows one origin."""
    return AppFactory().open(authenticator([trusting(issuer)]))


def preflight(origin: str, method: str = "POST") -> list[tuple[str, str]]:
    """Return the headers with which a browser asks for a request with a token."""
    return [
        ("Origin", origin),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", "authorization,content-type,traceparent"),
    ]


async def test_a_preflight_needs_no_token(server: AppWithoutStore) -> None:
    """The response permits a page of the allowed origin to post with a token, and permits no cookies."""
    response = await server.send("OPTIONS", "/graphql", *preflight(APP_ORIGIN))
    assert response.status == 200
    assert response.headers["access-control-allow-origin"] == APP_ORIGIN
    assert response.headers["access-control-allow-headers"] == "authorization,content-type,traceparent"
    assert response.headers["access-control-allow-methods"] == "GET, POST"
    assert "access-control-allow-credentials" not in response.headers


async def test_a_page_of_the_allowed_origin_reads_data_and_errors(issuer: LiveIssuer, server: AppWithoutStore) -> None:
    """Data, and the 401 of a missing token, may be read by the page, with the request id; the token stays necessary."""
    for token, status in ((f"Bearer {issuer.mint()}", 200), ("", 401)):
        headers = [("Origin", APP_ORIGIN), ("Content-Type", "application/json"), ("Authorization", token)]
        response = await server.send("POST", "/graphql", *headers, body=b'{"query": "{ __typename }"}')
        assert response.status == status
        assert response.headers["access-control-allow-origin"] == APP_ORIGIN
        assert "X-Request-Id" in response.headers["access-control-expose-headers"]
        assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_page_of_another_origin_reads_nothing(issuer: LiveIssuer, server: AppWithoutStore, origin: str) -> None:
    """Neither its preflight nor a request with a valid token lets it read a response."""
    asked = await server.send("OPTIONS", "/graphql", *preflight(origin))
    assert (asked.status, asked.json["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    assert "MLG_ALLOWED_ORIGINS" in asked.json["errors"][0]["message"]
    headers = [("Origin", origin), ("Content-Type", "application/json"), ("Authorization", f"Bearer {issuer.mint()}")]
    sent = await server.send("POST", "/graphql", *headers, body=b'{"query": "{ __typename }"}')
    for response in (asked, sent):
        assert not any(name.startswith("access-control-allow") for name in response.headers)
        assert response.headers["vary"].startswith("Accept, Authorization")


async def test_a_preflight_allows_no_other_method(server: AppWithoutStore) -> None:
    """A method that the API does not serve is refused, from the allowed origin too."""
    response = await server.send("OPTIONS", "/graphql", *preflight(APP_ORIGIN, "DELETE"))
    assert (response.status, "access-control-allow-origin" in response.headers) == (400, False)


async def handshake(address: str, origin: str | None, **options: Any) -> int:
    """Return the status of a WebSocket handshake with this origin."""
    page = Origin(origin) if origin is not None else None
    try:
        async with connect(f"ws://{address}", subprotocols=[PROTOCOL], origin=page, proxy=None, **options):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_the_websocket_uses_the_same_list(server: AppWithoutStore) -> None:
    """A page of the allowed origin connects, as do the server's own pages and a client that is no page."""
    async with serving(server.app) as address:
        own = f"http://{address.partition('/')[0]}"
        assert [await handshake(address, origin) for origin in (APP_ORIGIN, own, PUBLIC, None)] == [101] * 4
        assert {await handshake(address, origin) for origin in FOREIGN if origin} == {403}


@pytest.mark.parametrize(
    ("env", "settings", "status"),
    [
        ("production", {}, 101),
        ("production", {"allowed_origins": ("https://app.test",)}, 403),
        ("production", {"public_url": "https://graph.test"}, 403),
        ("dev", {}, 403),
    ],
)
async def test_a_rebound_name_is_another_origin(env: str, settings: dict[str, Any], status: int) -> None:
    """The page of a name that leads to the server is a page of the server only if the settings have no other names."""
    known = replace(Settings.from_env({}), env=env, **settings)
    origins = (*allowed_origins(known), known.public_url)
    socket = SubscriptionSocket(
        build_schema(),
        AsyncMock(),
        MagicMock(),
        origins=[each for each in origins if each],
        trusts_host_names=trusts_host_names(known),
    )
    app = Starlette(routes=[WebSocketRoute("/graphql", socket)])
    found = {}
    async with serving(app) as address:
        port = urlsplit(f"ws://{address}").port
        for name in ("rebound.test", "127.0.0.1", "localhost"):
            origin = f"http://{name}:{port}"
            found[name] = await handshake(f"{name}:{port}/graphql", origin, host="127.0.0.1", port=port)
    assert found == {"rebound.test": status, "127.0.0.1": 101, "localhost": 101}
