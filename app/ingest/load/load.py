"""Loads items into a running API: what every importing command has in common, its exit code and summary included."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from app.ingest.load.api_client import PATIENT, ApiClient, Retry
from app.ingest.load.batches import ImportItem, ItemResult, register
from app.ingest.load.load_report import ItemProgress, LoadReport, print_summary
from app.ingest.load.scenario import Scenario, run_scenario
from policies.errors import CodedError


@dataclass(frozen=True, slots=True)
class Target:
    """The API that a command talks to, and how."""

    url: str
    token: str
    batch: int = 250
    retry: Retry = PATIENT


def load(
    target: Target,
    entries: Iterable[ImportItem | ItemResult],
    *,
    as_json: bool,
    total: int | None = None,
    then: Scenario | None = None,
    **more: Any,  # noqa: ANN401 - JSON
) -> int:
    """Register the entries, print the summary as the last line of stdout, and return the exit code.

    0 means that every item is in the graph and ``then`` is told, which it is only after all items. ``more`` are facts
    of the importer for the summary, such as what it ``skipped``.
    """
    tally = LoadReport(Console(stderr=True))
    try:
        asyncio.run(_register(target, entries, tally, total, then))
    except (CodedError, OSError) as error:
        tally.console.print(str(error), style="red", markup=False, soft_wrap=True)
        more["error"] = str(error)
    print_summary(tally.summary(**more), as_json=as_json)
    return 1 if tally.failed or "error" in more else 0


async def _register(
    target: Target,
    entries: Iterable[ImportItem | ItemResult],
    tally: LoadReport,
    total: int | None,
    then: Scenario | None,
) -> None:
    with ItemProgress(tally.console, total) as progress:
        async with ApiClient(target.url, target.token, target.retry) as client:
            async for results in register(client, _items(entries, tally), target.batch):
                progress.advance(tally.add(results))
        if then is not None and not tally.failed:
            async for result in run_scenario(target.url, then, target.retry):
                progress.advance(tally.add([result]))


def _items(entries: Iterable[ImportItem | ItemResult], tally: LoadReport) -> Iterator[ImportItem]:
    """Pass the items on; what could not be read is counted as failed on the way."""
    for entry in entries:
        if isinstance(entry, ImportItem):
            yield entry
        else:
            tally.add([entry])
