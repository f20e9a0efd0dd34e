"""The command line `mlg`: a table of commands, each imported when it runs."""

import sys
from importlib.metadata import version
from typing import Annotated, ClassVar

import typer

from app.cli.exit_codes import failure
from app.cli.lazy_commands import LazyGroup
from policies.errors import CodedError


class Commands(LazyGroup):
    """All commands; a test compares the help lines with the docstrings of the functions."""

    table: ClassVar = {
        "dev": (
            "app.cli.server_commands:dev",
            "Serve the API and print a token for it; with MLG_DEMO=1, load the demo estate into an empty store.",
        ),
        "serve": (
            "app.cli.server_commands:serve",
            "Serve the API, over the embedded store or the JanusGraph of MLG_STORE_URL.",
        ),
        "token": (
            "app.cli.token_command:token",
            "Print an access token for PERSONA, and nothing else. Needs no server; in MLG_ENV=dev only.",
        ),
        "import": ("app.cli.data_commands:import_group", "Import metadata from files through the API."),
        "ingest": ("app.cli.ingest_command:ingest", "Events that were sent to the API."),
        "export": (
            "app.cli.export_command:export",
            "Write the visible part of the graph as JSON lines to stdout; `mlg import jsonl` reads them.",
        ),
        "query": (
            "app.cli.query_command:query",
            "Run a GraphQL document through the API; print its data as JSON on stdout, and its errors on stderr.",
        ),
        "impact": (
            "app.cli.impact.impact_command:impact",
            "Print what a change of files would affect: services, experiments, and the teams to inform.",
        ),
        "demo": (
            "app.cli.data_commands:demo",
            "Load the demo estate: Harbour, a streaming service with rankers, ads, churn and fraud models.",
        ),
        "store": ("app.cli.store_commands:store", "The store: its files, schema, index, backups and copies."),
        "policy": (
            "app.cli.policy_commands:policy",
            "Check the policy, print what it allows, compare two versions, explain one decision.",
        ),
        "explorer": ("app.cli.page_commands:explorer", "The explorer at /."),
        "graphiql": ("app.cli.page_commands:graphiql", "The page /graphiql."),
        "schema": ("app.cli.server_commands:schema", "The GraphQL schema."),
    }


commands = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - the callback of an option
    """Print the version and exit with code 0, if the option is given."""
    if asked:
        typer.echo(f"mlg {version('model-lifecycle-graph')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@commands.callback()
def _mlg(_version: Version = False) -> None:  # noqa: FBT002 - an option, handled by its callback
    """Model Lifecycle Graph: run the server, import and export data, inspect store and policy."""


def main() -> None:
    """Run the command line; print an expected error on stderr and exit with code 1."""
    try:
        commands()
    except CodedError as error:
        sys.exit(failure(error).exit_code)
