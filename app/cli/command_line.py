"""The command line, `mlg`: one line per command; the work lives in the packages, which are imported when they run."""

import sys
from typing import ClassVar

import typer

from app.cli.lazy_commands import LazyGroup
from policies.errors import CodedError


class Commands(LazyGroup):
    """Every command; a test compares the help lines with those of the functions."""

    table: ClassVar = {
        "dev": (
            "app.cli.server_commands:dev",
            "Run everything in the foreground: JanusGraph, the API, the demo estate in an empty store.",
        ),
        "serve": (
            "app.cli.server_commands:serve",
            "Serve the API; on the embedded store, or on the JanusGraph of MLG_STORE_URL.",
        ),
        "token": (
            "app.cli.token_command:token",
            "Print an access token for PERSONA, and nothing else. Works without a server, in MLG_ENV=dev only.",
        ),
        "import": ("app.cli.data_commands:importing", "Load other people's metadata through the API."),
        "export": (
            "app.cli.data_commands:export",
            "Write the graph as JSON lines to stdout; `mlg import jsonl` reads them.",
        ),
        "demo": (
            "app.cli.data_commands:demo",
            "Load the demo estate: Harbour, a streaming service with rankers, ads, churn and fraud models.",
        ),
        "store": ("app.cli.store_commands:store", "The embedded store."),
        "policy": (
            "app.cli.policy_commands:policy",
            "The policy: check it, see what it means, compare it, explain it.",
        ),
        "schema": ("app.cli.server_commands:schema", "The GraphQL schema."),
    }


commands = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@commands.callback()
def _mlg() -> None:
    """Model Lifecycle Graph: run it, load it, look after it."""


def main() -> None:
    """Run the command line; an expected failure is one line on stderr and exit code 1."""
    try:
        commands()
    except CodedError as error:
        typer.echo(f"mlg: {error.message}", err=True)
        sys.exit(1)
