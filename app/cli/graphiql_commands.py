"""The command `mlg graphiql fetch`."""

import typer

from app.http.graphiql.graphiql_files import fetch_files
from app.settings import Settings

graphiql = typer.Typer(no_args_is_help=True, help="The page /graphiql.")


@graphiql.command()
def fetch() -> None:
    """Download the locked files of GraphiQL with npm; works offline if all files are there."""
    files = fetch_files(Settings.from_env())
    typer.echo(f"{len(files)} files of GraphiQL, verified")
