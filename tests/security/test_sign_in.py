"""Sign-in by a browser at the development issuer, over real connections, and what others try with its cookie."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.servers.app_without_store import AppFactory
from support.servers.in_process import REGISTER
from support.servers.issuer import no_closure
from support.servers.server_process import free_port
from support.servers.websocket_client import PROTOCOL, SocketClient, connected, serving
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from app.auth.authenticator import build_authenticator
from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.settings import Settings

QUERY = {"query": "{ __typename }"}
PAGE = "http://127.0.0.1:5173"
"""A page of this machine that may use the API with a token of its own; the browser sends it the cookie as well."""


@dataclass(frozen=True)
class Server:
    """A server in development on a real port; ``folder`` has its keys."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Return its settings."""
        empty = ("MLG_ISSUERS", "MLG_PUBLIC_URL", "MLG_ALLOWED_ORIGINS")
        own = {"MLG_ENV": "dev", "MLG_PORT": str(self.port), "MLG_DATA_DIR": str(self.folder)}
        return {**dict.fromkeys(empty, ""), **own}

    @property
    def issuer(self) -> DevIssuer:
        """Return its issuer."""
        return DevIssuer(Settings.from_env(self.environment))


@dataclass(frozen=True)
class Person:
    """A browser without a screen: it keeps cookies, follows no redirect by itself, and sends no script."""

    http: httpx2.AsyncClient
    server: Server

    async def picker(self) -> str:
        """Begin to sign in, and return the address of the page with the personas."""
        begun = await self.http.get("/sign-in", params={"return": "/graphiql"})
        return str(begun.headers["location"])

    async def choose(self, name: str = "ada") -> str:
        """Choose a persona, and return the address of the callback."""
        form = {"key": self.server.issuer.page_key(), "persona": name}
        chosen = await self.http.post(await self.picker(), data=form)
        assert chosen.status_code == 303, chosen.text
        return str(chosen.headers["location"])

    async def sign_in(self, name: str = "ada") -> str:
        """Sign in as a persona, and return the CSRF value."""
        returned = await self.http.get(await self.choose(name))
        assert (returned.status_code, returned.headers["location"]) == (302, "/graphiql"), returned.text
        state = (await self.http.get("/session")).json()
        assert (state["signedIn"], state["name"]) == (True, persona(name).display_name)
        return str(state["csrf"])

    async def status(self, csrf: str | None, path: str = "/graphql", **headers: str) -> int:
        """Return the status of a request to the API with the cookie."""
        sent = headers if csrf is None else {"X-CSRF-Token": csrf, **headers}
        return (await self.http.post(path, json=QUERY, headers=sent)).status_code


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Run a server in development."""
    server = Server(free_port(), tmp_path_factory.mktemp("keys"))
    factory = AppFactory(**server.environment)
    auth = build_authenticator(Settings.from_env(server.environment), no_closure)
    async with auth, serving(factory.open(auth).app, server.port):
        yield server


@pytest.fixture
async def person(server: Server) -> AsyncIterator[Person]:
    """Return a person with a new browser."""
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        yield Person(http, server)


@asynccontextmanager
async def other_browser(server: Server) -> AsyncIterator[Person]:
    """Run another browser."""
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        yield Person(http, server)


async def test_a_person_signs_in_uses_the_api_and_signs_out(person: Person) -> None:
    """The whole way, with the pages and redirects of a browser; the picker shows all personas."""
    assert (await person.http.get(await person.picker())).text.count("<button") == 6
    csrf = await person.sign_in()
    response = await person.http.post("/graphql", json=QUERY, headers={"X-CSRF-Token": csrf})
    assert response.json()["data"] == {"__typename": "Query"}
    ended = await person.http.post("/sign-out", headers={"X-CSRF-Token": csrf})
    assert ended.json() == {"signedIn": False, "next": None}
    assert await person.status(csrf) == 401


async def test_the_session_is_that_of_the_persona(person: Person) -> None:
    """A reader who signs in has the scopes of a reader: a mutation is refused for its scope, before the store."""
    csrf = await person.sign_in("bo")
    mutation = {"query": REGISTER, "variables": {"input": {"items": [{"team": {"name": "ads"}}]}}}
    response = await person.http.post("/graphql", json=mutation, headers={"X-CSRF-Token": csrf})
    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert 'scope="graph:write"' in response.headers["www-authenticate"]


async def test_cross_site_requests_are_refused(person: Person) -> None:
    """What a page of another origin can make a browser send: the cookie, its own origin, and no CSRF value."""
    csrf = await person.sign_in()
    own = {"Origin": person.server.url, "Sec-Fetch-Site": "same-origin"}
    assert await person.status(csrf, **own) == 200
    assert await person.status(None, **own) == 403
    assert await person.status(csrf, Origin=PAGE) == 403
    assert await person.status(csrf, **{"Sec-Fetch-Site": "same-site"}) == 403
    form = await person.http.post(
        "/graphql", content='{"query": "{ __typename }"}', headers={"Content-Type": "text/plain"}
    )
    got = await person.http.get("/graphql", params=QUERY)
    assert [form.status_code, got.status_code] == [403, 403]
    read = await person.http.get("/session", headers={"Origin": PAGE})
    assert (read.status_code, csrf in read.text) == (403, False)
    assert "access-control-allow-credentials" not in read.headers


async def test_the_cookie_is_for_the_api_of_pages_alone(person: Person) -> None:
    """Routes for programs need a bearer token."""
    csrf = await person.sign_in()
    paths = ("/api/v1/lineage", "/api/v1/lineage/batch", "/ingest/events", "/unknown")
    assert [await person.status(csrf, path) for path in paths] == [401] * 4


async def test_a_bearer_token_takes_precedence(person: Person) -> None:
    """A refused token is not replaced by a good cookie, and a good token needs neither cookie nor CSRF value."""
    csrf = await person.sign_in()
    token = person.server.issuer.mint(persona("bo"))
    assert await person.status(csrf, Authorization="Bearer x.y.z") == 401
    assert await person.status(None, Authorization=f"Bearer {token}", Origin=PAGE) == 200


async def test_a_changed_cookie_is_refused(person: Person) -> None:
    """Each of many changes of the cookie is refused, and the browser drops it."""
    csrf = await person.sign_in()
    name, value = next((each.name, str(each.value)) for each in person.http.cookies.jar if "session-0" in each.name)
    changes = [
        value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :] for place in range(1, 400, 40)
    ]
    async with other_browser(person.server) as thief:
        for changed in (*changes, value[:-5], value + "x"):
            headers = {"X-CSRF-Token": csrf, "Cookie": f"{name}={changed}"}
            refused = await thief.http.post("/graphql", json=QUERY, headers=headers)
            assert (refused.status_code, f"{name}=; " in refused.headers["set-cookie"]) == (401, True)


async def test_a_sign_in_of_another_browser_is_refused(person: Person) -> None:
    """Login CSRF: a person who is led to the callback of an attacker does not become the attacker."""
    async with other_browser(person.server) as attacker:
        callback = await attacker.choose("root")
    await person.picker()
    response = await person.http.get(callback)
    assert (response.status_code, "not begun in this browser" in response.text) == (400, True)
    assert (await person.http.get("/session")).json()["signedIn"] is False


async def test_a_code_is_used_once(person: Person) -> None:
    """A callback that is repeated with the attempt put back is refused."""
    callback = await person.choose()
    attempt = dict(person.http.cookies)
    assert (await person.http.get(callback)).status_code == 302
    person.http.cookies.update(attempt)
    assert "used already" in (await person.http.get(callback)).text


async def test_a_copy_of_the_cookie_ends_with_the_sign_out(person: Person) -> None:
    """A thief with cookie and CSRF value is refused after the sign-out."""
    csrf = await person.sign_in()
    async with other_browser(person.server) as thief:
        thief.http.cookies.update(dict(person.http.cookies))
        assert await thief.status(csrf) == 200
        await person.http.post("/sign-out", headers={"X-CSRF-Token": csrf})
        assert await thief.status(csrf) == 401


async def test_no_persona_without_the_key_of_the_machine(person: Person) -> None:
    """Another user of the machine can open every page, and gets no code."""
    address = await person.picker()
    for form in ({"persona": "root"}, {"persona": "root", "key": "0" * 64}):
        response = await person.http.post(address, data=form)
        assert (response.status_code, "location" in response.headers) == (403, False)


async def acknowledged(person: Person, origin: str | None, payload: dict[str, Any]) -> Any:
    """Return the first message of the server to a handshake with the cookies, or its status or close code."""
    cookies = "; ".join(f"{each.name}={each.value}" for each in person.http.cookies.jar)
    address = person.server.url.replace("http", "ws") + "/graphql"
    page = Origin(origin) if origin is not None else None
    try:
        async with connect(
            address, subprotocols=[PROTOCOL], origin=page, additional_headers={"Cookie": cookies}, proxy=None
        ) as connection:
            client = SocketClient(connection)
            await client.send(type="connection_init", payload=payload)
            code, _ = (None, None) if (await _next(client)) else await client.closed()
            return code or "connection_ack"
    except InvalidStatus as refused:
        return refused.response.status_code


async def _next(client: SocketClient) -> bool:
    try:
        return bool((await client.receive())["type"] == "connection_ack")
    except Exception:  # noqa: BLE001 - the server closed the connection
        return False


async def test_a_websocket_is_opened_by_own_pages_only(person: Person) -> None:
    """Cross-site WebSocket hijacking: with the cookie, only a page of this server with the CSRF value is accepted."""
    csrf = await person.sign_in()
    own, payload = person.server.url, {"X-CSRF-Token": csrf}
    assert await acknowledged(person, own, payload) == "connection_ack"
    assert await acknowledged(person, own, {}) == 4403
    assert await acknowledged(person, own, {"X-CSRF-Token": "x"}) == 4403
    assert await acknowledged(person, own, {**payload, "x-csrf-token": csrf}) == 4403
    assert await acknowledged(person, PAGE, payload) == 4403
    assert await acknowledged(person, None, payload) == 4403
    assert await acknowledged(person, "https://evil.example", payload) == 403
    token = {"Authorization": f"Bearer {person.server.issuer.mint(persona('bo'))}"}
    assert await acknowledged(person, PAGE, token) == "connection_ack"
    assert await acknowledged(person, own, {**payload, "Authorization": "Bearer x"}) == 4403


async def test_a_websocket_ends_with_the_sign_out(person: Person) -> None:
    """The session is read again when a subscription starts, so a connection of a person who left starts none."""
    csrf = await person.sign_in()
    cookies = "; ".join(f"{each.name}={each.value}" for each in person.http.cookies.jar)
    headers = {"Cookie": cookies}
    address = person.server.url.replace("http", "ws") + "/graphql"
    async with connect(
        address, subprotocols=[PROTOCOL], origin=Origin(person.server.url), additional_headers=headers, proxy=None
    ) as connection:
        client = SocketClient(connection)
        await client.send(type="connection_init", payload={"X-CSRF-Token": csrf})
        assert (await client.receive())["type"] == "connection_ack"
        await person.http.post("/sign-out", headers={"X-CSRF-Token": csrf})
        await client.subscribe("subscription { changes { subjectId } }")
        assert (await client.closed())[0] == 4403


async def test_a_websocket_without_cookie_and_token_is_refused(server: Server) -> None:
    """A CSRF value alone is nothing."""
    async with connected(f"127.0.0.1:{server.port}/graphql") as client:
        await client.send(type="connection_init", payload={"X-CSRF-Token": "x"})
        assert (await client.closed())[0] == 4403
