"""Loads a source with many assets into a running API, incrementally, and prints a summary as the other imports do."""

import asyncio

from rich.console import Console

from app.ingest.load.api_client import ApiClient
from app.ingest.load.import_state import ImportState
from app.ingest.load.incremental_load import AssetSource, IncrementalLoad
from app.ingest.load.load import LoadTarget
from app.ingest.load.load_report import ItemProgress, LoadReport, print_summary
from graphql_schema.ports.record import JsonObject
from policies.errors import CodedError


def load_registry(target: LoadTarget, source: AssetSource, state: ImportState, *, retire: bool, as_json: bool) -> int:
    """Register the assets of a source; print the summary as the last line of stdout; return the exit code.

    Exit code 0 means that every asset is registered, or was by an earlier import with the same file of the state; else
    the code is 1. An expected error ends the load and is printed on stderr.
    """
    report = LoadReport(Console(stderr=True))
    extra: JsonObject = {}
    try:
        with state as opened:
            extra["keptAliases"] = asyncio.run(_run(target, source, opened, report, retire=retire))
    except (CodedError, OSError) as error:
        report.console.print(str(error), style="red", markup=False, soft_wrap=True)
        extra["error"] = str(error)
    print_summary(report.summary(**extra), as_json=as_json)
    return 1 if report.failed or "error" in extra else 0


async def _run(target: LoadTarget, source: AssetSource, state: ImportState, report: LoadReport, *, retire: bool) -> int:
    """Run the load; return the number of aliases that the source no longer has, and that remain."""
    with ItemProgress(report.console, None) as progress:
        async with ApiClient(target.url, target.token, target.retry) as client:
            loading = IncrementalLoad(client, source, state, target.batch, retire=retire)
            async for results in loading.results():
                progress.advance(report.add(results))
    return loading.kept_aliases
