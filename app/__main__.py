"""The command line, `mlg`: one line per command; the work lives in the packages."""

import sys

import typer

from app import dev
from app.auth.commands import token
from app.graph.commands import print_schema
from app.ingest import commands as ingest
from app.settings import Settings
from app.store.commands import store
from graphql_schema.schema import sdl
from policies.errors import CodedError

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Model Lifecycle Graph: run it, load it, look after it.",
)
schema = typer.Typer(no_args_is_help=True, help="The GraphQL schema.")
commands.command()(token)
commands.command("export")(ingest.export)
commands.command("demo")(ingest.demo)
commands.add_typer(ingest.importing, name="import")
store.command("schema")(print_schema)
commands.add_typer(store, name="store")
commands.add_typer(schema, name="schema")


@commands.command("dev")
def dev_command() -> None:
    """Run everything in the foreground: JanusGraph, the API, the demo estate in an empty store."""
    dev.develop(Settings.from_env())


@commands.command("serve")
def serve_command() -> None:
    """Serve the API; on the embedded store, or on the JanusGraph of MLG_STORE_URL."""
    dev.serve(Settings.from_env())


@schema.command("print")
def schema_print() -> None:
    """Print the SDL."""
    typer.echo(sdl(), nl=False)


def main() -> None:
    """Run the command line; an expected failure is one line on stderr and exit code 1."""
    try:
        commands()
    except CodedError as error:
        typer.echo(f"mlg: {error.message}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
