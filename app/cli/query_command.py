"""The command `mlg query`: runs one operation of a file, and prints its data."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from app.cli.csv_rows import csv_text
from app.cli.data_commands import DEFAULT_URL, Token, Url
from app.cli.exit_codes import FAILURE, failure, misuse, print_remark
from app.ingest.load.api_client import DEFAULT_RETRY, ApiClient, Retry
from app.ingest.load.terminal_text import stdout_json, stdout_text
from graphql_schema.ports.record import JsonObject
from policies.errors import InvalidError

Document = Annotated[str, typer.Argument(metavar="FILE", help="File with a GraphQL document; `-` is standard input.")]
Variables = Annotated[
    str, typer.Option("--variables", metavar="JSON", help="Variables as a JSON object, or `@FILE` with one.")
]
Operation = Annotated[str, typer.Option("--operation", metavar="NAME", help="Operation to run, if there are several.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print the list in the response as CSV.")]


def query(  # noqa: PLR0913, PLR0917 - options of the command line
    file: Document,
    token: Token,
    url: Url = DEFAULT_URL,
    variables: Variables = "{}",
    operation: Operation = "",
    as_csv: Csv = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Run a GraphQL document through the API; print its data as JSON on stdout, and its errors on stderr.

    Exit code 1 if the response has an error; data beside errors are printed. A document with a mutation is sent
    once, because a repetition could apply it twice.
    """
    try:
        text = _text(file)
        given = _variables(variables)
    except OSError as error:
        raise misuse(InvalidError(str(error))) from None
    except InvalidError as error:
        raise misuse(error) from None
    retry = Retry(tries=1) if "mutation" in text else DEFAULT_RETRY
    body = asyncio.run(_run(ApiClient(url, token, retry), text, given, operation or None))
    try:
        _print(body, as_csv=as_csv)
    except InvalidError as error:
        raise failure(error) from None
    if body.get("errors"):
        raise typer.Exit(FAILURE)


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except UnicodeDecodeError:
        raise InvalidError(f"{file} is not text in UTF-8. Save the document in UTF-8.") from None


def _variables(text: str) -> JsonObject:
    """Return the variables of the option.

    Raises InvalidError unless they are a JSON object, and OSError if the file after ``@`` cannot be read.
    """
    content = Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidError(f"--variables is not JSON: {error}. Write an object such as '{{\"first\": 5}}'.") from None
    if not isinstance(found, dict):
        raise InvalidError("--variables is not a JSON object. Write, for example, --variables '{\"first\": 5}'.")
    return found


async def _run(client: ApiClient, document: str, variables: JsonObject, operation: str | None) -> JsonObject:
    async with client:
        return await client.respond(document, variables, operation)


def _print(body: JsonObject, *, as_csv: bool) -> None:
    """Print errors and hidden fields to stderr, then data to stdout.

    Raises InvalidError for CSV of data without exactly one list.
    """
    for error in body.get("errors") or ():
        path = ".".join(str(step) for step in error.get("path") or ())
        print_remark(f"mlg: {path + ': ' if path else ''}{error['message']}")
    hidden = ((body.get("extensions") or {}).get("authorization") or {}).get("hidden") or ()
    if hidden:
        fields = ", ".join(f"{entry['coordinate']} ({entry['count']})" for entry in hidden)
        print_remark(f"Null, because the policy hides them from this token: {fields}.")
    if body.get("data") is None:
        return
    if as_csv:
        typer.echo(stdout_text(csv_text(body["data"])), nl=False)
    else:
        typer.echo(stdout_json(body["data"], orjson.OPT_INDENT_2))
