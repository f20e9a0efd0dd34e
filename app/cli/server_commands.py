"""The commands `mlg dev`, `mlg serve` and `mlg schema`, which load the server."""

import asyncio
import contextlib
import json
import shlex
import socket
from dataclasses import fields

import httpx2
import typer
import uvicorn
from starlette.applications import Starlette

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.factory import create_app
from app.http.graphql.graphql_request import RequestLimits
from app.ingest.demo.estate import load_demo
from app.runtime.process import Process
from app.settings import Settings
from graphql_schema.schema import sdl
from policies.errors import ConfigurationError

schema = typer.Typer(no_args_is_help=True, help="The GraphQL schema.")


def dev() -> None:
    """Run everything in the foreground: JanusGraph, the API, the demo estate in an empty store."""
    develop(Settings.from_env())


def serve() -> None:
    """Serve the API; on the embedded store, or on the JanusGraph of MLG_STORE_URL."""
    serve_dev(Settings.from_env())


@schema.command("print")
def schema_print() -> None:
    """Print the SDL."""
    typer.echo(sdl(), nl=False)


FIRST_QUERY = (
    "{ assets(filter: {kinds: [MODEL]}, first: 3) { nodes { displayName ... on Model { latestVersion { version "
    "trainedOn { nodes { displayName owners { owner { ... on Team { name } } } } } } } } } }"
)


PING_SECONDS = 20.0
"""How often a WebSocket is asked for a sign of life, and how long it may take to give one."""


TOKEN_SETTINGS = {"host", "port", "data_dir", "tenant", "audience"}


WELCOME = """
The Model Lifecycle Graph is up: {url}/graphql (Ctrl-C ends it)

A token of ada, an engineer of team ranking, for 12 hours (others: {mlg} token bo | cy | root):
export TOKEN={token}

A first query: three models, the data they were trained on, and who owns it
curl -s {url}/graphql -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{body}'

Next, your own metadata (docs/import.md):
.venv/bin/mlg import datahub FILE --url {url} --token "$({mlg} token root)"
"""


def serve_dev(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; raises ConfigurationError when the port is taken."""
    asyncio.run(_serve(settings, create_app(Process(settings))))


def develop(settings: Settings) -> None:
    """Serve, load the demo estate into an empty store, and say how to begin."""
    asyncio.run(_develop(settings, create_app(Process(settings))))


async def _serve(settings: Settings, app: Starlette) -> None:
    await _server(settings, app).serve()


async def _develop(settings: Settings, app: Starlette) -> None:
    server = _server(settings, app)
    serving = asyncio.create_task(server.serve())
    while not (server.started or serving.done()):  # noqa: ASYNC110 - uvicorn tells it by a flag only
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
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        lifespan="on",
        ws="websockets-sansio",
        ws_max_size=RequestLimits().message_bytes,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,  # what is held in memory for each connection is not worth it
    )
    return uvicorn.Server(config)


def _welcome(settings: Settings) -> None:
    """Load the demo estate where nothing is, then print where the API is and how to begin."""
    url = f"http://{settings.host}:{settings.port}"
    issuer = DevIssuer(settings)
    root, ada = (issuer.mint(persona(name)) for name in ("root", "ada"))
    if settings.demo and _is_empty(url, root):
        load_demo(url, issuer)
    mlg = " ".join([*_given(settings), ".venv/bin/mlg"])
    typer.echo(WELCOME.format(url=url, token=ada, mlg=mlg, body=json.dumps({"query": FIRST_QUERY})))


def _given(settings: Settings) -> list[str]:
    """The variables that `mlg token` needs to speak for this server, where they are not the defaults."""
    usual = Settings.from_env({})
    return [
        f"{one.metadata['key']}={shlex.quote(str(getattr(settings, one.name)))}"
        for one in fields(settings)
        if one.name in TOKEN_SETTINGS and getattr(settings, one.name) != getattr(usual, one.name)
    ]


def _is_empty(url: str, token: str) -> bool:
    query = {"query": "{ assets(first: 1) { nodes { id } } }"}
    answer = httpx2.post(
        f"{url}/graphql", json=query, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
    )
    return not answer.json()["data"]["assets"]["nodes"]
