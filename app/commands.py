"""The commands `mlg dev`, `mlg serve` and `mlg schema`, which load the server."""

import typer

from app.dev import develop
from app.dev import serve as serve_api
from app.settings import Settings
from graphql_schema.schema import sdl

schema = typer.Typer(no_args_is_help=True, help="The GraphQL schema.")


def dev() -> None:
    """Run everything in the foreground: JanusGraph, the API, the demo estate in an empty store."""
    develop(Settings.from_env())


def serve() -> None:
    """Serve the API; on the embedded store, or on the JanusGraph of MLG_STORE_URL."""
    serve_api(Settings.from_env())


@schema.command("print")
def schema_print() -> None:
    """Print the SDL."""
    typer.echo(sdl(), nl=False)
