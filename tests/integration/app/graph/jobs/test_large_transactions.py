"""Jobs that change many assets with large records, more than the store takes in one request."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest
from structlog.testing import capture_logs
from support.stores.janusgraph import StoreGraph
from support.stores.writers import Writers, asset, link, person, stored, urn

from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.write_set import WriteSet
from app.graph.driver import edge_pages
from app.graph.driver.errors import WriteRefusedError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.tag_job import TagJob
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.effects import raise_sensitivity
from graphql_schema.ports.commands import Command

MANY: Final = 180
"""Number of records of 49,000 quotes, each of which has four bytes in a request; the store takes 32 MiB."""

FEW: Final = 5
MAX_STEPS: Final = 300
"""More steps than a job needs for so few assets."""

ROOT: Final = person("root", roles="admin")
FAR: Final = [f"dataset far{number}" for number in range(MANY)]
HUB: Final = "dataset hub"
TAG: Final = "tag pii"
SPREADS: Final = asset(TAG, {"propagates": True})

CASES: Final[dict[str, tuple[Callable[[Writers], OutboxWorker], Command, str, object]]] = {
    "sensitivity": (
        lambda writers: SensitivityJob(
            writers.client, writers.coordinator.lock, writers.coordinator.outbox, writers.coordinator.propagation_stops
        ),
        asset(HUB, {"sensitivity": "RESTRICTED"}),
        "sensitivity",
        "RESTRICTED",
    ),
    "tags": (lambda writers: TagJob(writers.client, writers.coordinator), asset(HUB, tags=[TAG]), "tags", [urn(TAG)]),
}


async def write(writers: Writers, *items: Command) -> None:
    """Write items, each of which succeeds."""
    for start in range(0, len(items), 20):
        done = await writers.of(ROOT).write(items[start : start + 20], dry_run=False, atomic=False)
        assert {one.outcome.name for one in done} <= {"CREATED", "UPDATED"}


def values_of(records: dict[str, dict[str, Any]], key: str, names: list[str]) -> list[object]:
    """Return a value of some assets, or their tags."""
    found = [records[urn(name)] for name in names]
    return [record["index"]["tags"] if key == "tags" else record[key] for record in found]


@pytest.mark.parametrize("case", CASES)
async def test_a_job_writes_large_records_in_parts(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """None of its transactions is large or refused, and the entries end."""
    job_of, change, key, expected = CASES[case]
    sizes, submit = list[int](), WriteSet.submit

    async def submit_counted(writes: WriteSet, client: GremlinClient) -> None:
        sizes.append(writes.characters)
        await submit(writes, client)

    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 3)
    large = '"' * 49_000
    await write(writers, SPREADS, asset(HUB), *(asset(name, {"description": large}) for name in FAR))
    await write(writers, *(link("DERIVES", HUB, name) for name in FAR))
    await write(writers, change)
    job = job_of(writers)
    monkeypatch.setattr(WriteSet, "submit", submit_counted)
    with capture_logs() as logs:
        while await job.step():
            pass
    assert 1_000_000 < max(sizes) <= 4 * 1024 * 1024
    assert [line for line in logs if line["event"].endswith("_failed")] == []
    assert [entry for entry in writers.coordinator.outbox if entry.kind == job.name] == []
    assert values_of((await stored(graph)).records, key, FAR) == [expected] * MANY


@pytest.mark.parametrize("page", [edge_pages.PAGE, 1], ids=["large pages", "small pages"])
@pytest.mark.parametrize("case", CASES)
async def test_an_asset_that_the_store_refuses_alone_is_left_out_or_stays_restricted(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch, case: str, page: int
) -> None:
    """Without its tag the entry ends. With a floor it does not end, so that no asset is less restricted than it is.

    So it is if the edges of the asset take several steps.
    """
    job_of, change, key, expected = CASES[case]
    monkeypatch.setattr(edge_pages, "PAGE", page)
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 3)
    far, submit = FAR[:FEW], WriteSet.submit
    await write(writers, SPREADS, *(link("DERIVES", HUB, name) for name in far))
    await write(writers, change)
    bad = vertex_id(ROOT.tenant, urn(far[2]))

    async def refuse(writes: WriteSet, client: GremlinClient) -> None:
        rows: Any = writes.bindings()["vertices"]
        if bad in {row["x"] for row in rows}:
            raise WriteRefusedError("The store refused the write.")
        await submit(writes, client)

    job, outbox = job_of(writers), writers.coordinator.outbox
    monkeypatch.setattr(WriteSet, "submit", refuse)
    with capture_logs() as logs, suppress(WriteRefusedError):
        assert False in [await job.step() for _ in range(MAX_STEPS)]
    left = [entry for entry in outbox if entry.kind == job.name]
    failed = [line["event"] for line in logs if line["event"].endswith("_failed")]
    records = (await stored(graph)).records
    if key == "tags":
        assert (left, failed) == ([], ["tag_vertex_failed"])
        assert values_of(records, key, far) == [[] if name == far[2] else expected for name in far]
        return
    assert (len(left), failed) == (1, ["sensitivity_vertex_failed"])
    floors = outbox.floors.view(ROOT.tenant)
    shown = [floors.with_floor(vertex_id(ROOT.tenant, urn(name)), records[urn(name)]) for name in far]
    assert [record["sensitivity"] for record in shown] == [expected] * FEW
    assert records[urn(far[2])]["sensitivity"] != expected
