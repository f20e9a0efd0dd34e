"""The command `mlg token`."""

from typing import Annotated

import typer

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.settings import Settings
from policies.errors import CodedError, ConfigurationError, InvalidError

MISUSED = 2
"""Exit code of a command that was called with a wrong argument, as the shell has it."""


def token(
    name: Annotated[str, typer.Argument(metavar="PERSONA", help="A name of policies/personas.toml.")],
    break_glass: Annotated[
        str | None, typer.Option(metavar="REASON", help="Ask for graph:break-glass, for an hour and this reason.")
    ] = None,
) -> None:
    """Print an access token for PERSONA, and nothing else. Works without a server, in MLG_ENV=dev only."""
    try:
        typer.echo(DevIssuer(Settings.from_env()).mint(persona(name), break_glass=break_glass))
    except InvalidError as error:
        raise _failed(error, MISUSED) from None
    except ConfigurationError as error:
        raise _failed(error, 1) from None


def _failed(error: CodedError, exit_code: int) -> typer.Exit:
    typer.echo(error.message, err=True)
    return typer.Exit(exit_code)
