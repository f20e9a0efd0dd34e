"""Exit codes of the commands: 0 for success, 1 for a failure, alarm or difference, 2 for a wrong argument."""

from typing import Final

import typer

from app.ingest.load.terminal_text import log_text
from policies.errors import InvalidError

FAILURE: Final = 1
MISUSE: Final = 2


def failure(error: Exception, code: int = FAILURE) -> typer.Exit:
    """Print an expected error on stderr; return the exit to raise."""
    print_remark(f"mlg: {error}")
    return typer.Exit(code)


def misuse(error: InvalidError) -> typer.Exit:
    """Print what is wrong with an argument on stderr; return the exit to raise."""
    return failure(error, MISUSE)


def print_remark(text: str) -> None:
    """Print a text on stderr, its second and later lines indented; characters that do not print are escapes.

    A server, or the author of a file, may have chosen a part of the text, which is no command in the log of a job.
    """
    typer.echo(log_text(text, "\n").replace("\n", "\n  "), err=True)
