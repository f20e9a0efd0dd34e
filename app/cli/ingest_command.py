"""The commands `mlg ingest`: what became of events, and the worker and the dead letters of thin events."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.data_commands import (
    DEFAULT_URL,
    Aliases,
    Json,
    Owner,
    Owners,
    OwnerTag,
    Patterns,
    Teams,
    Token,
    Url,
    team_map_of,
)
from app.cli.exit_codes import FAILURE, failure, misuse
from app.graph.records.clock import epoch_milliseconds
from app.ingest.export.ingestion_report import SourceReport, by_source, read_ingestions
from app.ingest.hydrate.event_queue import EventQueue
from app.ingest.hydrate.source_kinds import OPENERS, SourceOptions, open_source
from app.ingest.hydrate.worker import Worker
from app.ingest.load.api_client import ApiClient
from app.ingest.load.load_report import LoadReport, run_load
from app.ingest.load.terminal_text import stdout_json, terminal_text
from graphql_schema.fields.scalars import instant_text
from graphql_schema.ports.record import JsonObject
from graphql_schema.rules.observation.source_alarms import ALARM_DAYS, alarming_since
from policies.errors import CodedError, InvalidError

T = TypeVar("T")

ingest = typer.Typer(no_args_is_help=True, help="Events that were sent to the API.")

Days = Annotated[int, typer.Option("--days", min=1, max=30, help="Number of days to report; 30 are kept.")]
Check = Annotated[bool, typer.Option("--check", help="Exit with code 1 if a source has an alarm.")]
SourceName = Annotated[
    str,
    typer.Argument(
        metavar="NAME=KIND:ADDRESS",
        help="Name of the source in events, and what to read: mlflow:URI of a registry, dbt:FOLDER with artifacts, "
        "feast:FILE of a registry dump.",
    ),
]
SourceNamespace = Annotated[
    str | None, typer.Option("--namespace", help="As for `mlg import` of the kind; of MLflow `default` without it.")
]
RemoveAliases = Annotated[
    bool,
    typer.Option("--remove-aliases", help="Remove aliases of a model that this account set and MLflow no longer has."),
]
Once = Annotated[bool, typer.Option("--once", help="Exit when no event is due; with code 1 if an attempt failed.")]
Pause = Annotated[float, typer.Option("--pause", min=0.1, help="Seconds to wait when no event is due.")]
OfSource = Annotated[str | None, typer.Option("--source", help="Name of the source; default: all.")]
Events = Annotated[list[str] | None, typer.Argument(help="Ids of dead events; default: all of --source.")]


@ingest.callback()
def _ingest() -> None:
    """Events that were sent to the API."""


@ingest.command("report")
def report(
    *, token: Token, url: Url = DEFAULT_URL, days: Days = ALARM_DAYS, as_json: Json = False, check: Check = False
) -> None:
    """Report events by source, with alarms: rejected ones, no edges, silence, runs without an end, and new datasets.

    A source without an event in these days is not listed.
    """
    now = epoch_milliseconds()
    reports = asyncio.run(_read(ApiClient(url, token), instant_text(alarming_since(now, days))))
    if as_json:
        typer.echo(stdout_json([each.summary(now) for each in reports]))
    else:
        _print(reports, now)
    if check and any(each.alarms(now) for each in reports):
        raise typer.Exit(FAILURE)


@ingest.command("run")
def run(  # noqa: PLR0913 - options of the command line
    source: SourceName,
    *,
    token: Token,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
    namespace: SourceNamespace = None,
    namespaces: Patterns = "",
    owners: Owners = True,
    owner: Owner = "",
    owner_tag: OwnerTag = "",
    team_map: Teams = None,
    aliases: Aliases = True,
    remove_aliases: RemoveAliases = False,
    once: Once = False,
    pause: Pause = 5.0,
) -> None:
    """Read the objects that thin events of a source name, and register them, until interrupted."""
    name, separator, address = source.partition("=")
    kind, _, place = address.partition(":")
    if not (name and separator and place) or kind not in OPENERS:
        raise misuse(InvalidError(f"Write NAME=KIND:ADDRESS; the kinds are {', '.join(OPENERS)}."))
    teams = team_map_of(team_map)
    options = SourceOptions(namespace, owner, owner_tag, teams, aliases, namespaces, owners, remove_aliases)
    try:
        write_object = open_source(kind, place, options)
    except CodedError as error:
        raise failure(error) from error

    async def work(report: LoadReport) -> JsonObject:
        async with ApiClient(url, token) as client:
            await Worker(client, name, write_object, report, once, pause).run()
        return {}

    raise typer.Exit(run_load(work, as_json=as_json))


@ingest.command("dead")
def dead(*, token: Token, url: Url = DEFAULT_URL, source: OfSource = None, as_json: Json = False) -> None:
    """List the thin events whose attempts all failed."""
    found = _requested(_dead(ApiClient(url, token), source))
    if as_json:
        typer.echo(stdout_json(found))
        return
    table = Table("id", "source", "type", "object", "reason", "since")
    for each in found:
        names = ("id", "source", "objectType", "objectId", "reason", "finishedAt")
        table.add_row(*(terminal_text(str(each[name])) for name in names))
    Console().print(table)


@ingest.command("replay")
def replay(
    events: Events = None, *, token: Token, url: Url = DEFAULT_URL, source: OfSource = None, as_json: Json = False
) -> None:
    """Make dead thin events pending again: those with these ids, or all of a source."""
    if bool(events) == bool(source):
        raise misuse(InvalidError("Give either ids of events, or --source NAME for all dead events of a source."))
    number = _requested(_replay(ApiClient(url, token), events or [], source))
    typer.echo(orjson.dumps({"replayed": number}) if as_json else f"{number} replayed")


def _requested(request: Coroutine[None, None, T]) -> T:
    """Return the result of a request; ends the command with its message if it fails."""
    try:
        return asyncio.run(request)
    except CodedError as error:
        raise failure(error) from error


async def _dead(client: ApiClient, source: str | None) -> list[JsonObject]:
    async with client:
        return [each async for each in EventQueue(client).dead(source)]


async def _replay(client: ApiClient, events: list[str], source: str | None) -> int:
    async with client:
        queue = EventQueue(client)
        return await queue.replay(events or [each["id"] async for each in queue.dead(source)])


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
