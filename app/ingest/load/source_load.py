"""Loads all that an importer has read of one source: events, items and check results; ends assets that are absent.

The steps follow each other, because a check result needs its asset. Each event, item and check result has an outcome,
and each refused part of an accepted event a further one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from app.ingest.load.api_client import ApiClient
from app.ingest.load.batches import ImportItem, ItemResult, register
from app.ingest.load.check_sender import send_checks
from app.ingest.load.ended_assets import OwnedAssets, ending_items
from app.ingest.load.event_sender import send_events
from app.ingest.load.load import LoadTarget
from app.ingest.load.load_report import ItemProgress, LoadReport, run_load
from graphql_schema.ports.record import JsonObject


@dataclass(frozen=True, slots=True)
class SourceContent:
    """All that an importer has read of a source.

    ``events`` are events of OpenLineage, and ``subjects`` the id that each is expected to be about, by location.
    ``items`` are registered, and after them ``owners``, which are items with nothing but owners. ``checks`` are inputs
    of `reportCheck`, and ``owned`` are the assets that the source defines.
    ``skipped`` counts what was left out, by name. ``failures`` are results of objects that cannot be sent.
    """

    items: Sequence[ImportItem]
    owned: OwnedAssets
    events: Sequence[ImportItem] = ()
    subjects: Mapping[str, str] = field(default_factory=dict)
    owners: Sequence[ImportItem] = ()
    checks: Sequence[ImportItem] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    failures: Sequence[ItemResult] = ()


@dataclass(frozen=True, slots=True)
class ObjectContent:
    """The part of the content of a source that is about one object.

    ``asset`` is the id of the asset that the object became, and ``location`` names its event or item; None and "" if
    the object is no asset.
    """

    content: SourceContent
    location: str = ""
    asset: str | None = None


def load_source(target: LoadTarget, content: SourceContent, *, end: bool, as_json: bool) -> int:
    """Send the content of a source; print the summary as the last line of stdout; return the exit code.

    Assets that an earlier load has ended and the source has again become ACTIVE. If ``end``, the assets that the source
    defined before and no longer has are ended. Exit code 0 means that everything was accepted; what was refused is
    printed with its reason on stderr. An expected error ends the load.
    """
    return run_load(partial(_load, target, content, end=end), as_json=as_json, skipped=dict(content.skipped))


async def _load(target: LoadTarget, content: SourceContent, report: LoadReport, *, end: bool) -> JsonObject:
    """Send everything; return the number of assets that were ended, for the summary."""
    total = sum(map(len, (content.failures, content.events, content.items, content.owners, content.checks)))
    ended = 0
    with ItemProgress(report.console, total, "importing") as progress:
        async with ApiClient(target.url, target.token, target.retry) as client:
            returning, ending = await ending_items(client, content.owned)
            async for results in send_content(client, content, returning, target.batch):
                progress.advance(report.add(results))
            async for results in register(client, ending if end else (), target.batch):
                report.add(results)
                ended += sum(result.outcome == "UPDATED" for result in results)
    return {"ended": ended}


async def send_content(
    client: ApiClient, content: SourceContent, returning: Sequence[ImportItem], batch: int = 250
) -> AsyncIterator[list[ItemResult]]:
    """Send the content of a source, and after the items those that make ended assets ACTIVE; yield the results.

    Raises UnreachableError or TokenRefusedError; what was refused, or cannot be sent, is among the results.
    """
    yield [*content.failures]
    refused: list[ItemResult] = []

    def observe(event: ImportItem, received: JsonObject) -> None:
        refused.extend(_refusals(event, received, content.subjects.get(event.location)))

    async for results in send_events(client, content.events, batch, observe):
        yield results
    yield refused
    for items in (content.items, content.owners, returning):
        async for results in register(client, items, batch):
            yield results
    async for results in send_checks(client, content.checks):
        yield results


def _refusals(event: ImportItem, received: JsonObject, expected: str | None) -> list[ItemResult]:
    """Return a failure for each part of an accepted event that was refused, and for an id that is not the expected."""
    parts = [
        ItemResult(
            event.location,
            str(each.get("code") or "REFUSED"),
            (f"{each.get('field') or ''} {each['message']}".strip(),),
        )
        for each in received["refused"]
    ]
    if expected is None or received["subject"] == expected:
        return parts
    reason = f"the server names it {received['subject']}, not {expected}; set MLG_NAMESPACES here as on the server"
    return [*parts, ItemResult(event.location, "CONFLICT", (reason,))]
