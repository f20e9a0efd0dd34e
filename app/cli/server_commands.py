"""The commands `mlg dev`, `mlg serve` and `mlg schema`, which load the server."""

import asyncio
import contextlib
import json
import logging
import shlex
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Annotated, Final

import httpx2
import typer
import uvicorn

from app.auth.dev_issuer import DevIssuer, base_url
from app.auth.personas import persona
from app.cli.exit_codes import print_remark
from app.cli.page_commands import prepare_explorer
from app.cli.worker_processes import WorkerProcesses, end_with_parent
from app.factory import create_app
from app.http.connections.connection_limits import ConnectionLimits
from app.http.connections.connection_protocols import ConnectionConfig
from app.http.connections.listener import Listener, bound_listener
from app.http.connections.open_connections import OpenConnections
from app.http.graphql.graphql_request import RequestLimits
from app.http.graphql.persisted_documents import DocumentMode
from app.ingest.demo.estate import load_demo
from app.runtime.process import Process
from app.settings import Settings
from app.store.store_endpoint import server_endpoints
from app.telemetry.log_lines import configure_logs
from app.telemetry.lossy_stream import drop_lost_output
from app.telemetry.repeated_lines import RepeatedLines
from graphql_schema.schema import sdl
from policies.errors import ConfigurationError

PING_SECONDS: Final = 20.0
"""Seconds between two pings of a WebSocket, and maximum seconds to wait for each pong."""

REPEATED: Final = (
    "uvicorn.error",
    "asyncio",
    "strawberry.ws",
    "strawberry.ws.task",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)
"""Loggers whose lines of one kind are logged once in 10 s: clients cause them, or a collector that is away."""

TOKEN_SETTINGS: Final = {"host", "port", "data_dir", "tenant", "audience"}
"""Names of the settings whose values are in the tokens of the development issuer, or locate its key."""

FIRST_QUERY: Final = (
    '{ assets(filter: {kinds: [MODEL], ownerTeams: ["mlg://team/catalog/default/ranking"]}) { nodes { displayName '
    "... on Model { latestVersion { version trainedOn { nodes { displayName } } } } } } }"
)

_ADDRESS: Final = """
The Model Lifecycle Graph is ready: {url}/graphql (Ctrl-C stops it)
"""

_EXPLORER: Final = """
The explorer in a browser, with the personas; the address contains a key, so keep it to yourself:
{url}/#key={key}
"""

_CALLER: Final = """
A token of ada, an engineer of team ranking, for 12 hours (other personas: {mlg} token bo | cy | root):
export TOKEN={token}
"""

_SIGN_IN: Final = """Sign in as a persona, with a cookie in place of a token (docs/sign-in.md); the same key:
{url}/sign-in#key={key}
"""

_SIGN_IN_ELSEWHERE: Final = """Sign in at the issuer of MLG_SIGN_IN_CLIENT (docs/sign-in.md):
{url}/sign-in
"""
"""The address without the key, because browsers carry what is behind `#` through redirects, to the issuer as well."""

WELCOME: Final = f"""{_ADDRESS}{_EXPLORER}
GraphiQL, for queries:
{{url}}/graphiql#key={{key}}
{{sign_in}}{_CALLER}
A first query: the models of the team, their latest versions, and the training data
curl -s {{url}}/graphql -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{{body}}'

Next, import your own metadata (docs/import.md):
.venv/bin/mlg import datahub FILE --url {{url}} --token "$({{mlg}} token root)"
"""

WELCOME_OF_REQUIRE: Final = f"""{_ADDRESS}{_EXPLORER}{_CALLER}
MLG_DOCUMENT_MODE=require: only the documents of MLG_DOCUMENTS and the explorer run. The demo estate was not loaded, and
GraphiQL, `mlg query` and imports are refused. To load data, start once without MLG_DOCUMENT_MODE.
"""
"""Text for a server that refuses the documents of the demo, GraphiQL and imports."""

schema = typer.Typer(no_args_is_help=True, help="The GraphQL schema.")


@schema.command("print")
def schema_print() -> None:
    """Print the SDL."""
    typer.echo(sdl(), nl=False)


def _settings() -> Settings:
    """Read and return the settings of a server, and configure its log by them."""
    drop_lost_output()
    settings = Settings.from_env()
    configure_logs(as_json=settings.env == "production" or not sys.stderr.isatty())
    return settings


def serve(worker: Annotated[int | None, typer.Option("--worker", hidden=True)] = None) -> None:
    """Serve the API, over the embedded store or the JanusGraph of MLG_STORE_URL."""
    settings = _settings()
    if worker is not None:
        end_with_parent()
        if settings.metrics_port:
            settings = replace(settings, metrics_port=settings.metrics_port + worker)
    if settings.workers == 1 or worker is not None:
        server, listener, process = _server(settings, shares_port=worker is not None)
        with listener, _start_error_of(process):
            asyncio.run(server.serve([listener]))
        return
    if not server_endpoints(settings):
        raise ConfigurationError(
            f"MLG_WORKERS is {settings.workers}, and the embedded store belongs to one process: set MLG_STORE_URL to "
            "a JanusGraph, or MLG_WORKERS to 1."
        )
    bound_listener(settings.host, settings.port).close()  # an error here is one line instead of one of each worker
    asyncio.run(WorkerProcesses(settings.workers).run())


def dev() -> None:
    """Serve the API and print a token for it; with MLG_DEMO=1, load the demo estate into an empty store."""
    settings = _settings()
    prepare_explorer(settings)
    server, listener, process = _server(settings)
    with listener, _start_error_of(process):
        asyncio.run(_develop(settings, server, listener))


@contextlib.contextmanager
def _start_error_of(process: Process) -> Iterator[None]:
    """Raise the error for which a process could not start, one line, in place of the server's traceback and status."""
    server_log, unwanted = logging.getLogger("uvicorn.error"), _AfterStartError(process)
    server_log.addFilter(unwanted)
    try:
        yield
    except SystemExit:
        if process.start_error is None:
            raise
    finally:
        server_log.removeFilter(unwanted)
    if process.start_error is not None:
        raise process.start_error


class _AfterStartError(logging.Filter):
    """Drops what the server logs after its process could not start."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._process = process

    def filter(self, _record: logging.LogRecord, /) -> bool:
        """Return whether the process has no error of its start."""
        return self._process.start_error is None


async def _develop(settings: Settings, server: uvicorn.Server, listener: Listener) -> None:
    """Serve until SIGINT or SIGTERM; once the server is ready, call `welcome`."""
    serving = asyncio.create_task(_status_of(server, listener))
    while not (server.started or serving.done()):  # noqa: ASYNC110 - uvicorn offers only a flag
        await asyncio.sleep(0.05)
    if not serving.done():
        with contextlib.suppress(httpx2.ConnectError):  # the server was stopped meanwhile
            await asyncio.to_thread(welcome, settings)
    if status := await serving:
        raise SystemExit(status)


async def _status_of(server: uvicorn.Server, listener: Listener) -> int | str | None:
    """Serve until the end; return the exit status, which asyncio would report as an error of the task."""
    try:
        await server.serve([listener])
    except SystemExit as end:
        return end.code
    return None


def _server(settings: Settings, *, shares_port: bool = False) -> tuple[uvicorn.Server, Listener, Process]:
    """Return a server, the socket that it serves, and its process; others may listen, too, if ``shares_port``.

    Raises ConfigurationError if a setting is invalid or the port cannot be used.
    """
    process = Process(settings)
    app = create_app(process)
    config = ConnectionConfig(
        app,
        OpenConnections(ConnectionLimits.of(settings)),
        log_config=None,  # that of configure_logs
        log_level="warning",
        lifespan="on",
        ws_max_size=RequestLimits().message_bytes,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,  # compression would keep a buffer in memory for each connection
    )
    for name in REPEATED:
        logging.getLogger(name).addFilter(RepeatedLines())
    return uvicorn.Server(config), bound_listener(settings.host, settings.port, shared=shares_port), process


def welcome(settings: Settings) -> None:
    """Print the addresses of the API, the explorer and GraphiQL, a token and a query.

    With MLG_DEMO=1, first load the demo estate if the store is empty. With MLG_DOCUMENT_MODE=require, send no request
    and print only the addresses of the API and the explorer, and the token.
    """
    url = base_url(settings.host, settings.port)
    issuer = DevIssuer(settings)
    requires_persisted = settings.document_mode == DocumentMode.REQUIRE
    if settings.demo and not requires_persisted:
        _load_demo_if_empty(url, issuer)
    mlg = " ".join([*_assignments(settings), ".venv/bin/mlg"])
    text = WELCOME_OF_REQUIRE if requires_persisted else WELCOME
    body = json.dumps({"query": FIRST_QUERY})
    key, token = issuer.page_key(), issuer.mint(persona("ada"))
    sign_in = (_SIGN_IN_ELSEWHERE if settings.sign_in_client else _SIGN_IN).format(url=url, key=key)
    typer.echo(text.format(url=url, key=key, sign_in=sign_in, token=token, mlg=mlg, body=body))


def _assignments(settings: Settings) -> list[str]:
    """Return the variables of TOKEN_SETTINGS that differ from their defaults, as `KEY=value`, for `mlg token`."""
    defaults = Settings.from_env({})
    return [
        f"{field.metadata['key']}={shlex.quote(str(getattr(settings, field.name)))}"
        for field in fields(settings)
        if field.name in TOKEN_SETTINGS and getattr(settings, field.name) != getattr(defaults, field.name)
    ]


def _load_demo_if_empty(url: str, issuer: DevIssuer) -> None:
    """Load the demo estate if the API returns no asset; print the error if the API does not respond to that query."""
    query = {"query": "{ assets(first: 1) { nodes { id } } }"}
    headers = {"Authorization": f"Bearer {issuer.mint(persona('root'))}"}
    answer = httpx2.post(f"{url}/graphql", json=query, headers=headers, timeout=60, trust_env=False).json()
    if not answer.get("data"):
        reason = answer["errors"][0]["message"]
        print_remark(f"The demo estate was not loaded, because the first query failed: {reason}")
    elif not answer["data"]["assets"]["nodes"]:
        load_demo(url, issuer)
