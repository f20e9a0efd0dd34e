"""Inferred edges of many runs with the same inputs and output: all entries of the job end, also those of others."""

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import NOW, Writers, asset, person, shipped_policy, shipped_stops, stored, urn

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_statements import WRITE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs import chain_reads
from app.graph.jobs.inference_chains import MAX_CHAINS
from app.graph.jobs.inference_job import InferenceJob
from graphql_schema.catalog.inference_rules import RULES

RUNS, INPUTS = MAX_CHAINS + 5, 60


@pytest.mark.parametrize(("name", "value"), [("MAX_EDGES", 25), ("MAX_CHARACTERS", 50_000)])
async def test_an_end_has_more_edges_than_a_transaction(
    graph: StoreGraph, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    """The edges to a version are written in parts, each with few chains, and a smaller entry of others ends as well."""
    monkeypatch.setattr(chain_reads, name, value)
    inputs = [f"feature f{number}" for number in range(INPUTS)]
    requests = ObservedRequests()
    async with GremlinClient(graph.url, source=graph.source) as client:
        coordinator = WriteCoordinator(shipped_stops(), inference_rules=RULES)
        writer = Writers(client, shipped_policy(), coordinator).of(person("root", roles="admin"))
        runs = [
            asset(f"run r{number}", {"state": "COMPLETE"}, inputs=inputs, outputs=["model-version m@1"])
            for number in range(RUNS)
        ]
        for start in range(0, RUNS, 5):
            await writer.write(runs[start : start + 5], dry_run=False, atomic=False)
        other = asset("run other", {"state": "COMPLETE"}, inputs=inputs[:1], outputs=["model-version n@1"])
        await writer.write([other], dry_run=False, atomic=False)
        assert [entry for entry in coordinator.outbox if entry.inference]
        client.observers.append(requests)
        job = InferenceJob(client, coordinator, lambda: NOW)
        for _ in range(50):
            if not await job.step():
                break
        assert [entry for entry in coordinator.outbox if entry.inference] == []
    edges = (await stored(graph)).edge_records
    found = {key[1:]: len(edge["chains"]) for key, edge in edges.items() if key[0] == "INFERRED_FEEDS"}
    many, one = urn("model-version m@1"), urn("model-version n@1")
    assert found == {(urn(each), many): MAX_CHAINS for each in inputs} | {(urn(inputs[0]), one): 1}
    assert requests.texts[WRITE.text] > 3
