"""The choice of a persona: only for the client of this server, and only with the key of the machine."""

import asyncio
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.types import Message
from support.servers.sign_in_issuer import with_query

from app.auth.dev_issuer import AUTHORIZE_PATH, CLIENT_ID, TOKEN_PATH, DevIssuer
from app.auth.sign_in.dev_grants import DevGrants
from app.http.graphql.graphql_request import RequestLimits
from app.http.middleware import ErrorMiddleware, RequestIdMiddleware
from app.http.sign_in import persona_picker
from app.http.sign_in.persona_picker import picker_routes
from app.settings import Settings

PATIENCE = 30.0
CALLBACK = "http://127.0.0.1:8000/sign-in/callback"
PARAMETERS = {
    "client_id": CLIENT_ID,
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "code_challenge_method": "S256",
    "code_challenge": "c" * 43,
    "state": "s",
}
ADDRESS = with_query(AUTHORIZE_PATH, PARAMETERS)


@pytest.fixture
def issuer(tmp_path: Path) -> DevIssuer:
    """Return a development issuer."""
    return DevIssuer(Settings.from_env({"MLG_DATA_DIR": str(tmp_path)}))


@pytest.fixture
def client(issuer: DevIssuer) -> TestClient:
    """Return a client of the routes that follows no redirect."""
    middleware = [Middleware(RequestIdMiddleware), Middleware(ErrorMiddleware)]
    app = Starlette(routes=picker_routes(DevGrants(issuer, CALLBACK)), middleware=middleware)
    return TestClient(app, follow_redirects=False)


def test_a_choice_leads_to_the_callback(client: TestClient, issuer: DevIssuer) -> None:
    """With the key, the browser returns to the callback with a code, and no other server learns the address."""
    assert client.get(ADDRESS).status_code == 200
    response = client.post(ADDRESS, data={"key": issuer.page_key(), "persona": "ada"})
    assert response.status_code == 303
    assert response.headers["location"].startswith(f"{CALLBACK}?code=")
    assert response.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("key", ["", "x", "é"])
def test_without_the_key_there_is_no_code(client: TestClient, key: str) -> None:
    """Another user of the machine, or a page of another server, becomes no persona."""
    response = client.post(ADDRESS, data={"key": key, "persona": "root"})
    assert (response.status_code, "location" in response.headers) == (403, False)
    assert "mlg dev" in response.text


@pytest.mark.parametrize(
    "change", [{"redirect_uri": "https://evil.example"}, {"client_id": "x"}, {"code_challenge": ""}]
)
def test_another_client_gets_no_page_and_no_code(client: TestClient, issuer: DevIssuer, change: dict[str, str]) -> None:
    """The parameters are checked when the page is shown, and again when a persona is chosen."""
    address = with_query(AUTHORIZE_PATH, {**PARAMETERS, **change})
    chosen = client.post(address, data={"key": issuer.page_key(), "persona": "ada"})
    assert [client.get(address).status_code, chosen.status_code, "location" in chosen.headers] == [400, 400, False]


@pytest.mark.parametrize(("body", "status"), [(b"\xff", 400), (b"a=1&" * 20, 400), (b"x" * 5_000, 413)])
def test_a_malformed_form_is_refused(client: TestClient, body: bytes, status: int) -> None:
    """It is an error, and no defect."""
    assert client.post(ADDRESS, content=body).status_code == status


@pytest.mark.parametrize("path", [ADDRESS, TOKEN_PATH])
async def test_a_form_that_does_not_arrive_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A client that sends no body, or a long one, has an error of the limits, and holds no connection for ever."""
    assert client.post(path, content=b"x" * 16_385).status_code == 413
    for limits in ("_FORM_LIMITS", "_TOKEN_LIMITS"):
        monkeypatch.setattr(persona_picker, limits, RequestLimits(body_seconds=0))
    statuses = list[int]()

    async def receive() -> Message:
        await asyncio.Event().wait()
        return {}

    async def send(message: Message) -> None:
        statuses.append(message.get("status", 0))

    address, _, query = path.partition("?")
    scope = {"type": "http", "method": "POST", "path": address, "query_string": query.encode(), "headers": []}
    async with asyncio.timeout(PATIENCE):
        await client.app(scope, receive, send)
    assert statuses == [408, 0]


def test_an_unknown_persona_is_refused(client: TestClient, issuer: DevIssuer) -> None:
    """The key alone gives no code."""
    assert client.post(ADDRESS, data={"key": issuer.page_key(), "persona": "eve"}).status_code == 400


def test_the_script_is_served_and_production_has_nothing(client: TestClient) -> None:
    """The script of the page is a file of this server; without a development issuer there are no routes."""
    assert client.get("/dev-issuer/picker.js").headers["content-type"].startswith("text/javascript")
    assert picker_routes(None) == []
