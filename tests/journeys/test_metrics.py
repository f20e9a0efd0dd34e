"""The port of the metrics: what callers did is counted there, and of the graph only sources of thin events."""

from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from support.estates.owned_items import urn
from support.servers.in_process import observes_one_process, open_api
from support.servers.server_process import free_port
from support.stores.janusgraph import StoreGraph

from app.telemetry.answers import Quality

LINEAGE = """query ($id: ID!, $depth: Int!) {
  lineage(roots: [$id], direction: DOWNSTREAM, maxDepth: $depth) { nodes { nodes { depth } } }
}"""
CANARY = "canary-of-the-metrics"
QUERY = """query Page { assets { nodes { id ... on Dataset { description } ... on ModelVersion { artifactUri } } } }"""


@observes_one_process
async def test_what_callers_did_is_counted_and_nothing_else(graph: StoreGraph, tmp_path: Path) -> None:
    """Two queries, one of which hides a value and meets a warm cache, an error and a mutation are in the scraped text.

    It has no id, no value, no name of an asset and no subject. Without its setting there is no port.
    """
    port = free_port()
    async with open_api(graph, tmp_path, MLG_METRICS_PORT=str(port)) as api:
        model = {"id": f"mlg://model/default/default/{CANARY}", "name": CANARY}
        version = {"id": f"mlg://model-version/default/default/{CANARY}@1", "artifactUri": f"s3://{CANARY}"}
        await api.load({"model": model}, {"modelVersion": version})
        for who in ("root", "root", "cy"):
            await api.ask(who, QUERY)
        assert "errors" in await api.send("cy", "{ nothing }")
        async with httpx2.AsyncClient(trust_env=False) as http:
            text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    operations = {key[1:]: number for key, number in samples.items() if key[0] == "mlg_operations_total"}
    assert operations == {
        (("code", "OK"), ("operation", "(unnamed)"), ("type", "mutation")): 1,
        (("code", "OK"), ("operation", "Page"), ("type", "query")): 3,
        (("code", "BAD_REQUEST"), ("operation", "(unnamed)"), ("type", "query")): 1,
    }
    assert samples[("mlg_store_requests_total", ("code", "OK"), ("statement", "write"))] >= 1
    assert samples[("mlg_cache_hits_total",)] > 0
    assert samples[("mlg_answers_total", ("quality", "good"), ("type", "query"))] == 3
    assert samples[("mlg_answers_total", ("quality", "refused"), ("type", "query"))] == 1
    assert samples[("mlg_write_transactions_total", ("code", "OK"))] == 1
    assert samples[("mlg_store_ready",)] == 1
    assert samples[("mlg_waiting_operations", ("queue", "store"))] == 0
    labels = {label for _, *pairs in samples for label in pairs}
    assert not [pair for pair in labels if pair[1] in {"cy", "root"}]
    assert not [word for word in (CANARY, "mlg://") if word in text]
    async with httpx2.AsyncClient(trust_env=False) as http:
        try:
            await http.get(f"http://127.0.0.1:{port}/metrics")
        except httpx2.ConnectError:
            return
    raise AssertionError("the port is open after the end of the process")


@observes_one_process
async def test_an_answer_that_a_limit_cut_is_not_good(graph: StoreGraph, tmp_path: Path) -> None:
    """Lineage that visits too many assets counts as truncated, with the limit; with a small `maxDepth` it is good.

    A request without a token counts by its status, and is no operation.
    """
    async with open_api(graph, tmp_path, MLG_WALK_NODES="2") as api:
        value = api.process.metrics.registry.get_sample_value
        raw, clean, daily = (urn("dataset", name) for name in ("raw", "clean", "daily"))
        sources: list[tuple[str, list[str]]] = [(raw, []), (clean, [raw]), (daily, [clean])]
        await api.load(*({"dataset": {"id": each, "derivedFrom": origins}} for each, origins in sources))
        for depth in (9, 1):
            await api.ask("root", LINEAGE, id=raw, depth=depth)
        await api.http.post("/graphql", json={"query": QUERY})
        found = {each: value("mlg_answers_total", {"type": "query", "quality": each}) for each in Quality}
        assert found == {**dict.fromkeys(Quality, 0), Quality.TRUNCATED: 1, Quality.GOOD: 1}
        assert value("mlg_truncated_answers_total", {"limit": "NODES"}) == 1
        unauthenticated = {"route": "/graphql", "stage": "before", "status": "401"}
        assert value("mlg_http_responses_total", unauthenticated) == 1
