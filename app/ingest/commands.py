"""The commands `mlg import`, `mlg export` and `mlg demo`: clients of the API, never side doors."""

from pathlib import Path
from typing import Annotated

import typer

from app.ingest.datahub.mapping import map_estate
from app.ingest.datahub.records import read_estate
from app.ingest.jsonl import read_files
from app.ingest.loading import Target, load
from app.ingest.tally import print_coverage
from policies.errors import CodedError

importing = typer.Typer(no_args_is_help=True, help="Load other people's metadata through the API.")

Files = Annotated[list[Path], typer.Argument(help="Files to read; `-` is standard input.")]
Url = Annotated[str, typer.Option("--url", help="Address of the API.")]
Token = Annotated[str, typer.Option("--token", envvar="MLG_TOKEN", help="Access token; see `mlg token`.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON on the last line of stdout.")]
Batch = Annotated[int, typer.Option("--batch", min=1, max=1000, help="Items in one request.")]

HERE = "http://127.0.0.1:8000"


@importing.command("jsonl")
def import_jsonl(files: Files, token: Token, url: Url = HERE, as_json: Json = False, batch: Batch = 250) -> None:  # noqa: FBT002 - a flag of the command line
    """Load JSON lines: one AssetInput object of the contract a line, `{"link": {…}}` included."""
    raise typer.Exit(load(Target(url, token, batch), read_files(files), as_json=as_json))


@importing.command("datahub")
def import_datahub(files: Files, token: Token, url: Url = HERE, as_json: Json = False, batch: Batch = 250) -> None:  # noqa: FBT002 - a flag of the command line
    """Load DataHub metadata: JSON arrays of aspects, or an index.json that names them in order."""
    try:
        estate = read_estate(files)
        items = map_estate(estate)
    except (CodedError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    mapped, skipped = estate.coverage()
    if not as_json:
        print_coverage(mapped, skipped)
    raise typer.Exit(
        load(Target(url, token, batch), items, as_json=as_json, total=len(items), skipped=skipped, mapped=mapped)
    )
