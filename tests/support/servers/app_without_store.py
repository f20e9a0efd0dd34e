"""The whole application as an unknown client meets it: real middlewares and view, test issuers, and no store."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette

from app.auth.authenticator import Authenticator
from app.factory import create_app
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.runtime.process import Process
from app.settings import Settings

PUBLIC = "https://graph.example"
APP_ORIGIN = "https://app.example"
"""The origin of the pages that may use the API."""

QUERY = json.dumps({"query": "{ __typename }"}).encode()


@dataclass(frozen=True, slots=True)
class Response:
    """A complete HTTP response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class AppWithoutStore:
    """Sends requests to the application without a network; header values are the bytes that a server would pass on."""

    app: Starlette

    async def post(self, *authorization: str, path: str = "/graphql", body: bytes = QUERY) -> Response:
        """Post a query with any number of Authorization headers."""
        headers = [("content-type", "application/json"), *(("authorization", value) for value in authorization)]
        return await self.send("POST", path, *headers, body=body)

    async def send(self, method: str, path: str, *headers: tuple[str, str], body: bytes = b"") -> Response:
        """Send a request with any headers."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [
                (b"host", b"graph.example"),
                *((name.lower().encode(), value.encode("utf-8", "surrogatepass")) for name, value in headers),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("graph.example", 443),
        }
        return await self._exchange(scope, body)

    async def bearer(self, token: str) -> Response:
        """Post a query with a bearer token."""
        return await self.post(f"Bearer {token}")

    async def _exchange(self, scope: dict[str, Any], body: bytes) -> Response:
        sent: list[Any] = []
        received = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            """Return the body once; then wait as long as the client does, whose departure would end the operation."""
            return received.pop() if received else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Response(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]).decode())


class AppFactory:
    """Builds the application once, which takes a second, and exchanges its authenticator for each test.

    ``settings`` replace those of production.
    """

    def __init__(self, **settings: str) -> None:
        env = {
            "MLG_ENV": "production",
            "MLG_ISSUERS": json.dumps([{"issuer": "https://unused.example"}]),
            "MLG_PUBLIC_URL": PUBLIC,
            "MLG_SECRET": "x" * 32,
            "MLG_ALLOWED_ORIGINS": APP_ORIGIN,
            **settings,
        }
        self._process = Process(Settings.from_env(env))

    def open(self, authenticator: Authenticator) -> AppWithoutStore:
        """Return the application behind ``authenticator``."""
        self._process.authenticator = authenticator
        # No store listens there: the requests of these tests need none.
        self._process.open_with(GremlinClient("http://127.0.0.1:1"), WriteCoordinator())
        return AppWithoutStore(create_app(self._process))
