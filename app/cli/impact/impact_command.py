"""The command `mlg impact`: whether a change of files reaches production, as a gate of continuous integration."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from app.cli.data_commands import DEFAULT_URL, Token, Url
from app.cli.exit_codes import failure
from app.cli.impact.change_impact import ChangeImpact, FailOn, planned, read_change_impact
from app.cli.impact.changed_files import listed_files
from app.cli.impact.impact_text import markdown_of, text_of
from app.ingest.load.api_client import ApiClient
from policies.errors import CodedError, InvalidError

REACHED: Final = 1
INCOMPLETE: Final = 2
ERROR: Final = 3

Changed = Annotated[
    list[str] | None,
    typer.Option("--changed", metavar="FILE", help="A changed file, relative to the repository; `-` reads a list."),
]
More = Annotated[list[str] | None, typer.Argument(metavar="FILE…", help="Further changed files.")]
Fail = Annotated[
    FailOn, typer.Option("--fail-on", help="What makes the exit code 1: any affected asset, a service, or nothing.")
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a comment in Markdown.")]
Project = Annotated[
    list[str] | None,
    typer.Option("--project", metavar="FOLDER", help="Look files in this folder up relative to it, too; repeatable."),
]
Repository = Annotated[
    str, typer.Option("--repository", metavar="TEXT", help="Only assets whose `codeRef` or `location` contains this.")
]
Plan = Annotated[
    str,
    typer.Option(
        "--plan", metavar="KEY", help="Make a change plan of the assets, once for each key, such as a commit."
    ),
]
Explorer = Annotated[
    str, typer.Option("--explorer", metavar="URL", help="Address of the explorer in links; default: that of the API.")
]


def impact(  # noqa: PLR0913 - options of the command line
    more: More = None,
    *,
    token: Token,
    changed: Changed = None,
    fail_on: Fail = FailOn.ANYTHING,
    markdown: Markdown = False,
    project: Project = None,
    repository: Repository = "",
    plan: Plan = "",
    explorer: Explorer = "",
    url: Url = DEFAULT_URL,
) -> None:
    """Print what a change of files would affect: services, experiments, and the teams to inform.

    Exit code 0 if nothing is reached, 1 if something is, and 3 after an error. Exit code 2 if nothing is reached as far
    as is known, but the result is incomplete. docs/changed-files.md says how a file names assets.
    """
    try:
        files = _files([*(changed or ()), *(more or ())])
        found = asyncio.run(_read(ApiClient(url, token), files, project or (), repository, plan))
    except (CodedError, OSError, UnicodeDecodeError) as error:
        raise failure(error, ERROR) from None
    shown = markdown_of if markdown else text_of
    typer.echo(shown(found, fail_on, explorer or url.rstrip("/").removesuffix("/graphql")))
    raise typer.Exit(exit_code(found, fail_on))


def exit_code(found: ChangeImpact, fail_on: FailOn) -> int:
    """Return the exit code for an impact: something reached outweighs an incomplete result."""
    if found.reached(fail_on):
        return REACHED
    return INCOMPLETE if found.gap() and fail_on is not FailOn.NOTHING else 0


def _files(given: Sequence[str]) -> list[str]:
    """Return the given files, with those of standard input in place of ``-``; raises InvalidError without any."""
    if not given:
        raise InvalidError("no file is given. Write --changed FILE, or pipe `git diff --name-only` to --changed -.")
    return [name for each in given for name in (listed_files(sys.stdin.read()) if each == "-" else [each])]


async def _read(
    client: ApiClient, files: Sequence[str], projects: Sequence[str], repository: str, plan: str
) -> ChangeImpact:
    async with client:
        found = await read_change_impact(client, files, projects, repository)
        return await planned(client, found, plan) if plan else found
