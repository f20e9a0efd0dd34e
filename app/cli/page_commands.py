"""The commands of the pages, `mlg explorer build` and `mlg graphiql fetch`, and the build before `mlg dev`."""

import typer

from app.cli.exit_codes import print_remark
from app.http.explorer.explorer_build import build_explorer, cached_build
from app.http.graphiql.graphiql_files import fetch_files
from app.settings import Settings
from policies.errors import ConfigurationError

explorer = typer.Typer(no_args_is_help=True, help="The explorer at /.")
graphiql = typer.Typer(no_args_is_help=True, help="The page /graphiql.")


@explorer.command()
def build() -> None:
    """Build the explorer from web/ with npm; works offline if the sources did not change since the last build."""
    typer.echo(f"The explorer is in {build_explorer(Settings.from_env())}")


@graphiql.command()
def fetch() -> None:
    """Download the locked files of GraphiQL with npm; works offline if all files are there."""
    files = fetch_files(Settings.from_env())
    typer.echo(f"{len(files)} files of GraphiQL, verified")


def prepare_explorer(settings: Settings) -> None:
    """Build the explorer if the present sources have no build; print the reason if that fails."""
    if cached_build(settings) is not None:
        return
    typer.echo("Building the explorer, once for each change of web/.", err=True)
    try:
        build_explorer(settings)
    except ConfigurationError as error:
        print_remark(error.message)
