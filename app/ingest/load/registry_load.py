"""Loads a source with many assets into a running API, incrementally, and prints a summary as the other imports do."""

from app.ingest.load.api_client import ApiClient
from app.ingest.load.import_state import ImportState
from app.ingest.load.incremental_load import IncrementalLoad, PagedSource
from app.ingest.load.load import LoadTarget
from app.ingest.load.load_report import ItemProgress, LoadReport, run_load
from graphql_schema.ports.record import JsonObject


def load_registry(target: LoadTarget, source: PagedSource, state: ImportState, *, retire: bool, as_json: bool) -> int:
    """Register the assets of a source; print the summary as the last line of stdout; return the exit code.

    Exit code 0 means that nothing failed: every asset is registered, or was by an earlier import with the same file of
    the state; else the code is 1. An expected error ends the load and is printed on stderr.
    """

    async def incrementally(report: LoadReport) -> JsonObject:
        with state as opened, ItemProgress(report.console, None) as progress:
            async with ApiClient(target.url, target.token, target.retry) as client:
                loading = IncrementalLoad(client, source, opened, target.batch, retire=retire)
                async for results in loading.results():
                    progress.advance(report.add(results))
        return {"keptAliases": loading.kept_aliases}

    return run_load(incrementally, as_json=as_json)
