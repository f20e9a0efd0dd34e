"""Exit codes of the commands: 0 for success, 1 for a failure, alarm or difference, 2 for a wrong argument."""

from typing import Final

import typer

from policies.errors import InvalidError

FAILURE: Final = 1
MISUSE: Final = 2


def failure(error: Exception, code: int = FAILURE) -> typer.Exit:
    """Print an expected error as one line on stderr; return the exit to raise."""
    typer.echo(f"mlg: {error}", err=True)
    return typer.Exit(code)


def misuse(error: InvalidError) -> typer.Exit:
    """Print what is wrong with an argument as one line on stderr; return the exit to raise."""
    return failure(error, MISUSE)
