"""Loads items or events into a running API and prints a summary; shared by import commands."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from app.ingest.load.api_client import DEFAULT_RETRY, ApiClient, Retry
from app.ingest.load.batches import ImportItem, ItemResult, register
from app.ingest.load.event_sender import send_events
from app.ingest.load.load_report import ItemProgress, LoadReport, run_load
from app.ingest.load.scenario import Scenario, run_scenario
from graphql_schema.ports.record import Json, JsonObject


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """The API that a command sends to: address, token, items per batch, retries."""

    url: str
    token: str
    batch: int = 250
    retry: Retry = DEFAULT_RETRY


def load(
    target: LoadTarget,
    entries: Iterable[ImportItem | ItemResult],
    *,
    as_json: bool,
    total: int | None = None,
    scenario: Scenario | None = None,
    **extra: Json,
) -> int:
    """Register the entries, then run the scenario; print the summary as the last line of stdout; return the exit code.

    The scenario runs only if no item failed. Exit code 0 means that every item is registered, and that every call of
    the scenario succeeded or its final asset existed already; else the code is 1. An expected error ends the load and
    is printed on stderr. ``total`` is the number of entries and calls for the progress bar, None if unknown.
    ``extra`` are values of the importer for the summary, such as ``skipped``.
    """
    return run_load(partial(_register, target, entries, total, scenario), as_json=as_json, **extra)


async def _register(
    target: LoadTarget,
    entries: Iterable[ImportItem | ItemResult],
    total: int | None,
    scenario: Scenario | None,
    report: LoadReport,
) -> JsonObject:
    with ItemProgress(report.console, total) as progress:
        async with ApiClient(target.url, target.token, target.retry) as client:
            async for results in register(client, _items(entries, report), target.batch):
                progress.advance(report.add(results))
        if scenario is not None and not report.failed:
            async for result in run_scenario(target.url, scenario, target.retry):
                progress.advance(report.add([result]))
    return {}


def load_events(target: LoadTarget, entries: Iterable[ImportItem | ItemResult], *, as_json: bool) -> int:
    """Send events of OpenLineage; print the summary as the last line of stdout; return the exit code as :func:`load`.

    An event counts as created if its run, job or dataset is, as unchanged if nothing was written, else as updated.
    """
    return run_load(partial(_send_all, target, entries), as_json=as_json)


async def _send_all(target: LoadTarget, entries: Iterable[ImportItem | ItemResult], report: LoadReport) -> JsonObject:
    with ItemProgress(report.console, None, "sending") as progress:
        async with ApiClient(target.url, target.token, target.retry) as client:
            async for results in send_events(client, _items(entries, report), target.batch):
                progress.advance(report.add(results))
    return {}


def _items(entries: Iterable[ImportItem | ItemResult], report: LoadReport) -> Iterator[ImportItem]:
    """Yield the items; entries that could not be read are counted as failed."""
    for entry in entries:
        if isinstance(entry, ImportItem):
            yield entry
        else:
            report.add([entry])
