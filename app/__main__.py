"""The command line, `mlg`: one line per command; the work lives in the packages."""

import typer

main = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

if __name__ == "__main__":
    main()
