"""The command `mlg ingest report`: what became of the events that were sent to the API."""

import asyncio
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.data_commands import DEFAULT_URL, Json, Token, Url
from app.cli.exit_codes import FAILURE
from app.graph.records.clock import epoch_milliseconds
from app.ingest.export.ingestion_report import HOUR_MS, SourceReport, by_source, read_ingestions
from app.ingest.load.api_client import ApiClient
from app.ingest.load.terminal_text import terminal_text
from graphql_schema.fields.scalars import instant_text

ingest = typer.Typer(no_args_is_help=True, help="Events that were sent to the API.")

Days = Annotated[int, typer.Option("--days", min=1, max=30, help="Number of days to report; 30 are kept.")]
Check = Annotated[bool, typer.Option("--check", help="Exit with code 1 if a source has an alarm.")]


@ingest.callback()
def _ingest() -> None:
    """Events that were sent to the API."""


@ingest.command("report")
def report(
    *, token: Token, url: Url = DEFAULT_URL, days: Days = 7, as_json: Json = False, check: Check = False
) -> None:
    """Report events by source, with alarms: rejected ones, no edges, silence, runs without an end, and new datasets.

    A source without an event in these days is not listed.
    """
    now = epoch_milliseconds()
    reports = asyncio.run(_read(ApiClient(url, token), instant_text(now - days * 24 * HOUR_MS)))
    if as_json:
        typer.echo(orjson.dumps([each.summary(now) for each in reports]))
    else:
        _print(reports, now)
    if check and any(each.alarms(now) for each in reports):
        raise typer.Exit(FAILURE)


async def _read(client: ApiClient, since: str) -> list[SourceReport]:
    async with client:
        return by_source([node async for node in read_ingestions(client, since)])


def _print(reports: list[SourceReport], now: int) -> None:
    table = Table(
        "source",
        "events",
        "rejected",
        "partial",
        "no edges",
        "ignored facets",
        "new datasets",
        "last, hours ago",
        "alarms",
    )
    for each in reports:
        row = each.summary(now)
        counts = [
            row[name] for name in ("events", "rejected", "partial", "withoutEdges", "ignoredFacets", "newDatasets")
        ]
        alarms = Text("\n").join(map(terminal_text, row["alarms"]))
        table.add_row(terminal_text(each.source), *map(str, counts), str(row["hoursSinceLast"]), alarms)
    Console().print(table)
