"""The command `mlg token`."""

from typing import Annotated

import typer

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.cli.exit_codes import misuse
from app.settings import Settings
from policies.errors import InvalidError


def token(
    name: Annotated[str, typer.Argument(metavar="PERSONA", help="A name of policies/personas.toml.")],
    break_glass: Annotated[
        str | None, typer.Option(metavar="REASON", help="Add the scope graph:break-glass, for an hour and this reason.")
    ] = None,
) -> None:
    """Print an access token for PERSONA, and nothing else. Needs no server; in MLG_ENV=dev only."""
    try:
        typer.echo(DevIssuer(Settings.from_env()).mint(persona(name), break_glass=break_glass))
    except InvalidError as error:
        raise misuse(error) from None
