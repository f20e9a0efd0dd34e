"""The page /graphiql: its headers and files, the redirect to it, and the tokens of personas in development."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import personas
from app.http.graphiql import graphiql_routes as routes_module
from app.http.graphiql.graphiql_routes import PageRedirectMiddleware, graphiql_routes
from app.http.middleware import ErrorMiddleware, RequestIdMiddleware
from app.settings import Settings

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def client_of(folder: Path, **environment: str) -> TestClient:
    """Return a client of the routes under settings."""
    settings = Settings.from_env({"MLG_DATA_DIR": str(folder), **environment})
    middleware = [Middleware(RequestIdMiddleware), Middleware(ErrorMiddleware)]
    if settings.env == "dev":
        middleware.append(Middleware(PageRedirectMiddleware))
    graphql = Route("/graphql", lambda _: PlainTextResponse("graphql"), methods=["GET", "POST"])
    return TestClient(Starlette(routes=[graphql, *graphiql_routes(settings)], middleware=middleware))


@pytest.fixture
def key(tmp_path: Path) -> str:
    """Return the key that `mlg dev` prints."""
    return DevIssuer(Settings.from_env({"MLG_DATA_DIR": str(tmp_path)})).page_key()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Return a client in development, with a file of others."""
    monkeypatch.setattr(routes_module, "cached_files", lambda _: {"react.js": b"react"})
    return client_of(tmp_path)


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("", "text/html"),
        ("/page.html", "text/html"),
        ("/page.js", "text/javascript"),
        ("/page.css", "text/css"),
        ("/react.js", "text/javascript"),
    ],
)
def test_the_page_and_its_files_have_a_strict_policy(client: TestClient, path: str, media: str) -> None:
    """Only scripts and styles of the server run, no page frames it, and a browser asks again with the tag."""
    response = client.get(f"/graphiql{path}")
    assert response.headers["content-type"] == f"{media}; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    again = client.get(f"/graphiql{path}", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_has_no_script_and_no_style_of_its_own(client: TestClient) -> None:
    """Everything that runs is a file below /graphiql, so that the policy needs no exception."""
    html = client.get("/graphiql").text
    assert html.count("<script") == html.count('<script defer src="/graphiql/') == 4
    assert "<style" not in html
    assert "://" not in html


@pytest.mark.parametrize("name", ["graphiql.lock", "..%2f__init__.py", "%2e%2e/graphiql_files.py", "unknown.js"])
def test_no_other_file_is_served(client: TestClient, name: str) -> None:
    """Files are found by name among those of the page, and never by a path."""
    assert client.get(f"/graphiql/{name}").status_code == 404


def test_without_its_files_the_page_is_an_error_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was started without them serves the API, and an error with the command here."""
    monkeypatch.setattr(routes_module, "cached_files", lambda _: None)
    response = client_of(tmp_path).get("/graphiql")
    assert (response.status_code, "mlg graphiql fetch" in response.text) == (404, True)


@pytest.mark.parametrize(
    ("method", "accept", "location"),
    [
        ("GET", BROWSER["Accept"], "/graphiql?query=%7Ba%7D"),
        ("POST", BROWSER["Accept"], None),
        ("GET", "application/json", None),
        ("GET", "text/html, application/json", None),
        ("GET", "*/*", None),
    ],
)
def test_a_browser_is_led_to_the_page(client: TestClient, method: str, accept: str, location: str | None) -> None:
    """GET by a browser leads to the page with its query; a client that accepts JSON reaches the API."""
    response = client.request(method, "/graphql?query=%7Ba%7D", headers={"Accept": accept}, follow_redirects=False)
    assert (response.headers.get("location"), response.status_code) == (location, 307 if location else 200)


def test_personas_are_listed_and_get_tokens_for_the_key(client: TestClient, key: str) -> None:
    """The page lists the personas; with the key each has a token, which is not compressed and not stored."""
    listed = client.get("/graphiql/personas").json()["personas"]
    assert [each["name"] for each in listed] == list(personas())
    response = client.post("/graphiql/token", json={"persona": "bo", "key": key})
    assert response.json()["token"].startswith("eyJ")
    assert response.headers["cache-control"] == "private, no-store"
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("given", [None, "", "x", 7, "é"])
def test_without_the_key_there_is_no_token(client: TestClient, given: object) -> None:
    """A page or a program that did not read the key of this machine gets no token; the error says how to get one."""
    response = client.post("/graphiql/token", json={"persona": "root", "key": given})
    assert (response.status_code, "eyJ" in response.text) == (403, False)
    assert "mlg token PERSONA" in response.text


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[]", 403), (b" " * 5_000, 413)])
def test_a_malformed_request_for_a_token_is_refused(client: TestClient, body: bytes, status: int) -> None:
    """It is an error, and no defect."""
    assert client.post("/graphiql/token", content=body).status_code == status


def test_an_unknown_persona_is_named(client: TestClient, key: str) -> None:
    """The error lists the personas."""
    response = client.post("/graphiql/token", json={"persona": "eve", "key": key})
    assert (response.status_code, "'eve'" in response.text) == (400, True)


def test_production_has_the_page_and_no_personas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no development issuer, so nothing mints a token, and a browser is not redirected."""
    monkeypatch.setattr(routes_module, "cached_files", lambda _: {})
    client = client_of(tmp_path, MLG_ENV="production")
    assert client.get("/graphiql").status_code == 200
    assert client.get("/graphiql/personas").status_code == 404
    assert client.post("/graphiql/token", json={"persona": "root"}).status_code in {404, 405}
    assert client.get("/graphql", headers=BROWSER, follow_redirects=False).status_code == 200
