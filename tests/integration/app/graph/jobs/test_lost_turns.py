"""Jobs that lose turns to another process: what they have worked off stays, and only the lost batch is repeated."""

from collections.abc import Callable, Iterator
from itertools import count, pairwise
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.overtaken_job import OvertakenJob
from support.stores.writers import NOW, Writers, asset, link, person, shipped_policy, shipped_stops, stored

from app.graph.commits.entries.stored_entries import stored_entries
from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver import edge_pages
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs import chain_reads, inference_job, sensitivity_job, tag_job
from app.graph.jobs.inference_job import InferenceJob
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.tag_job import TagJob
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.ports.commands import Command

NAMES = [f"dataset d{number}" for number in range(6)]
CHAIN = [link("DERIVES", source, target) for source, target in pairwise(NAMES)]
VERSIONS = [f"model-version m@{number}" for number in range(4)]

SPREAD: list[Command] = [asset("tag pii", {"propagates": True}), *CHAIN, asset(NAMES[0], tags=["tag pii"])]
Job = Callable[[GremlinClient, WriteCoordinator], OutboxWorker]
CASES: dict[str, tuple[Job, list[list[Command]]]] = {
    "a tag arrives": (TagJob, [SPREAD]),
    "a tag is removed": (TagJob, [SPREAD, [asset(NAMES[0], tags=[])]]),
    "sensitivity is lowered": (
        lambda client, with_: SensitivityJob(client, with_.lock, with_.outbox, with_.propagation_stops),
        [[asset(NAMES[0], {"sensitivity": "RESTRICTED"}), *CHAIN], [asset(NAMES[0], {"sensitivity": "PUBLIC"})]],
    ),
    "edges are inferred": (
        InferenceJob,
        [[asset("run r", {"state": "COMPLETE"}, inputs=["feature f", VERSIONS[0]], outputs=VERSIONS[1:])]],
    ),
}


@pytest.fixture(autouse=True, params=[1, edge_pages.PAGE], ids=["small pages", "large pages"])
def _small_batches(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(edge_pages, "PAGE", request.param)
    monkeypatch.setattr(chain_reads, "MAX_EDGES", 1)
    for module in (inference_job, sensitivity_job, tag_job):
        monkeypatch.setattr(module, "BATCH", 1)


def without(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without the instants and ids that differ between two tenants."""
    return {key: record.get(key) for key in ("sensitivity", "mode", "confidence")}


async def worked(graph: StoreGraph, tenant: str, case: str, losses: Iterator[bool]) -> tuple[int, Any]:
    """Write the batches of a case, and work each off; return the number of steps, and what is stored then."""
    steps, (job_of, batches) = 0, CASES[case]
    async with GremlinClient(graph.url, source=graph.source) as client:
        coordinator = WriteCoordinator(shipped_stops(), inference_rules=RULES)
        writers = Writers(client, shipped_policy(), coordinator)
        job = OvertakenJob(job_of(client, coordinator), losses)
        for number, batch in enumerate(batches):
            writer = writers.of(person("root", roles="admin auditor", tenant=tenant), now=NOW + number)
            await writer.write(batch, dry_run=False, atomic=False)
            while await job.step():
                steps += 1
                async for entry in stored_entries(client, [each.x for each in coordinator.outbox]):
                    (known,) = [each for each in coordinator.outbox if each.x == entry.x]
                    assert known.expand == entry.expand, "memory has what the store has"
        assert coordinator.outbox.loads == 0
        assert [each for each in coordinator.outbox if each.kind == job.job.name] == []
    found = await stored(graph, tenant)
    records = {urn: without(record) for urn, record in found.records.items() if "/change/" not in urn}
    return steps, (records, {key: without(edge) for key, edge in found.edge_records.items()})


@pytest.mark.parametrize("case", CASES)
async def test_of_the_work_only_the_lost_batch_is_repeated(graph: StoreGraph, case: str) -> None:
    """If each transaction loses its turn once, there is one more step for each, and the result is the same.

    With small pages, a step reads one edge: what was read is not read again. No work is recorded that was not written.
    """
    transactions = count()
    steps, wanted = await worked(graph, "undisturbed", case, (False for _ in transactions))
    written = next(transactions)
    assert written >= 4
    lost = (number % 2 == 0 for number in count())
    assert await worked(graph, "overtaken", case, lost) == (steps + written, wanted)
