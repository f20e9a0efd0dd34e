"""`mlg dev` and `mlg serve`: the API in the foreground; in development with demo estate, token and a first query."""

import asyncio
import contextlib
import socket

import httpx2
import uvicorn
from rich.console import Console
from rich.panel import Panel
from starlette.applications import Starlette

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.factory import create_app
from app.ingest.demo.estate import demo_entries
from app.ingest.loading import Target, load
from app.services import Services
from app.settings import Settings
from policies.errors import ConfigurationError

_console = Console(stderr=True)

FIRST_QUERY = """query { assets(filter: {kinds: [MODEL]}, first: 3) { nodes { displayName ... on Model {
  latestVersion { version trainedOn { nodes { displayName owners { owner { ... on Team { name } } } } } } } } } }"""


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; raises ConfigurationError when the port is taken."""
    asyncio.run(_serve(settings, create_app(Services(settings))))


def develop(settings: Settings) -> None:
    """Serve, load the demo estate into an empty store, and say how to begin."""
    asyncio.run(_develop(settings, create_app(Services(settings))))


async def _serve(settings: Settings, app: Starlette) -> None:
    await _server(settings, app).serve()


async def _develop(settings: Settings, app: Starlette) -> None:
    server = _server(settings, app)
    serving = asyncio.create_task(server.serve())
    while not (server.started or serving.done()):  # noqa: ASYNC110 - uvicorn tells by a flag, not by an event
        await asyncio.sleep(0.05)
    if not serving.done():
        with contextlib.suppress(httpx2.ConnectError):
            await asyncio.to_thread(_welcome, settings)
    await serving


def _server(settings: Settings, app: Starlette) -> uvicorn.Server:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {settings.port} of {settings.host} cannot be used ({error.strerror}); stop what holds it, or "
                f"choose another: MLG_PORT={settings.port + 1}."
            ) from None
    config = uvicorn.Config(app, host=settings.host, port=settings.port, log_level="warning", lifespan="on", ws="none")
    return uvicorn.Server(config)


def _welcome(settings: Settings) -> None:
    """Load the demo estate where nothing is, then print where the API is and a query to start with."""
    url = f"http://{settings.host}:{settings.port}"
    root, ada = (_token(settings, name) for name in ("root", "ada"))
    if settings.demo and _is_empty(url, root):
        entries = demo_entries()
        load(Target(url, root), entries, as_json=False, total=len(entries))
    query = FIRST_QUERY.replace("\n ", "")
    _console.print(
        Panel(
            f"[bold]{url}/graphql[/]\n\nA token of ada, an engineer of ranking (others: mlg token bo | cy | root):\n"
            f"[dim]export TOKEN=$(.venv/bin/mlg token ada)[/]\n\nA first query:\n",
            title="The Model Lifecycle Graph is up",
        )
    )
    body = f'{{"query": "{query}"}}'
    print(  # noqa: T201 - to be copied whole, so without a frame
        f"curl -s {url}/graphql -H 'Content-Type: application/json' -H \"Authorization: Bearer {ada}\" -d '{body}'",
        flush=True,
    )


def _is_empty(url: str, token: str) -> bool:
    query = {"query": "{ assets(first: 1) { nodes { id } } }"}
    answer = httpx2.post(f"{url}/graphql", json=query, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    return not answer.json()["data"]["assets"]["nodes"]


def _token(settings: Settings, name: str) -> str:
    return DevIssuer(settings).mint(persona(name))
