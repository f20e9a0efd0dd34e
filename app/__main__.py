"""The command line, `mlg`: one line per command; the work lives in the packages."""

import typer

from app.auth.commands import token
from app.ingest import commands as ingest
from app.store.commands import store

main = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Model Lifecycle Graph: run it, load it, look after it.",
)
main.command()(token)
main.add_typer(ingest.importing, name="import")
main.add_typer(store, name="store")

if __name__ == "__main__":
    main()
