"""The routes of the explorer: their policy, caching and compression, and the advice where there is no build."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app.http.explorer import explorer_routes as module
from app.http.explorer.explorer_routes import explorer_routes, start_path
from app.http.middleware import ErrorMiddleware, RequestIdMiddleware
from app.settings import Settings

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def client_of(build: Path | None, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Return a client of the routes over a build."""
    monkeypatch.setattr(module, "cached_build", lambda _: build)
    middleware = [Middleware(RequestIdMiddleware), Middleware(ErrorMiddleware)]
    return TestClient(Starlette(routes=explorer_routes(Settings.from_env({})), middleware=middleware))


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Return a client of a build with a script in three forms, and a style sheet in one."""
    (tmp_path / "explorer").mkdir()
    for name in ("index.html", "explorer/a-1.js", "explorer/a-1.js.br", "explorer/a-1.js.gz", "explorer/a-1.css"):
        (tmp_path / name).write_bytes(name.encode())
    return client_of(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("path", "media", "cache"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/explorer/a-1.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/explorer/a-1.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
    ],
)
def test_the_page_and_its_files_have_the_strict_policy(client: TestClient, path: str, media: str, cache: str) -> None:
    """The policy permits nothing but the own server; the page is validated at each visit, its files are kept."""
    headers = client.get(path, headers={"Accept-Encoding": "identity"}).headers
    assert headers["content-security-policy"] == POLICY
    assert (headers["content-type"], headers["cache-control"]) == (media, cache)
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


@pytest.mark.parametrize(
    ("accepted", "coding", "content"),
    [
        ("gzip, deflate, br", "br", b"explorer/a-1.js.br"),
        ("gzip", "gzip", b"explorer/a-1.js.gz"),
        ("GZIP;q=0.5, br;q=0", "gzip", b"explorer/a-1.js.gz"),
        ("br;q=0.0, gzip;q=0", None, b"explorer/a-1.js"),
        ("zstd", None, b"explorer/a-1.js"),
        ("", None, b"explorer/a-1.js"),
    ],
)
def test_files_are_sent_as_the_build_compressed_them(
    client: TestClient, accepted: str, coding: str | None, content: bytes
) -> None:
    """Brotli before gzip, and only what the header allows; a cache keeps the forms apart."""
    with client.stream("GET", "/explorer/a-1.js", headers={"Accept-Encoding": accepted}) as response:
        assert (response.headers.get("content-encoding"), b"".join(response.iter_raw())) == (coding, content)
    assert response.headers["vary"] == "Accept-Encoding"


def test_a_page_that_did_not_change_is_not_sent_again(client: TestClient) -> None:
    """A browser sends the tag of its copy."""
    tag = client.get("/").headers["etag"]
    again = client.get("/", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["unknown.js", "index.html", "a-1.js.br", "..%2findex.html", "%2e%2e/index.html"])
def test_no_other_file_is_served(client: TestClient, name: str) -> None:
    """Files are found by name among those of the build, and never by a path."""
    assert client.get(f"/explorer/{name}").status_code == 404


def test_without_a_build_the_page_is_an_error_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was started without a build serves the API, and the command here."""
    response = client_of(None, monkeypatch).get("/")
    assert (response.status_code, "mlg explorer build" in response.text) == (404, True)


@pytest.mark.parametrize(("build", "path"), [(Path("build"), "/"), (None, "/graphiql")])
def test_people_begin_at_the_explorer_if_it_is_built(
    build: Path | None, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a build, / would be an error, so that people begin at GraphiQL."""
    monkeypatch.setattr(module, "cached_build", lambda _: build)
    assert start_path(Settings.from_env({})) == path
