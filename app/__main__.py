"""The command line, `mlg`: one line per command; the work lives in the packages."""

import typer

from app.auth.commands import token

main = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
main.command()(token)


@main.callback()
def about() -> None:
    """Model Lifecycle Graph: run it, load it, look after it."""


if __name__ == "__main__":
    main()
