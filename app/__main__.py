"""The command line, `mlg`: one line per command; the work lives in the packages."""

import typer

from app.ingest import commands as ingest

main = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
main.add_typer(ingest.importing, name="import")
main.command("export")(ingest.export)
main.command("demo")(ingest.demo)

if __name__ == "__main__":
    main()
