"""The index of the distributed store after documents were lost or changed: found by comparison, and written again."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from support.servers.distributed.cluster import Cluster
from support.servers.in_process import Api, client_of, no_jobs, open_api
from support.stores.janusgraph import StoreGraph
from support.waiting import until

from app.graph.admin.index_repair import BATCH, RepairCounts, repair
from app.graph.admin.index_scan import IndexScan
from app.graph.records.vertex_id import vertex_id

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(600)]

COUNT = 300
"""More datasets than one batch of the repair."""
LISTING = '{ assets(first: 500, filter: {name: {prefix: "d"}}) { totalCount } }'


class Index:
    """The documents of a graph, read and changed in Elasticsearch itself."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._url = f"http://127.0.0.1:{cluster.backends.elasticsearch}/{name}_nodes"

    async def _request(self, method: str, path: str, body: Any = None) -> Any:
        async with aiohttp.ClientSession() as session, session.request(method, self._url + path, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def documents(self) -> dict[str, Any]:
        """Return all documents by their ids, with the members of sets in order."""
        await self._request("POST", "/_refresh")
        found = await self._request("GET", "/_search?size=10000")
        return {hit["_id"]: _ordered(hit["_source"]) for hit in found["hits"]["hits"]}

    async def delete(self, name: str) -> list[str]:
        """Delete the documents whose names begin with a text, and return their ids."""
        found = [key for key, each in (await self.documents()).items() if each.get("name", "").startswith(name)]
        assert found
        for key in found:
            await self._request("DELETE", f"/_doc/{key}?refresh=true")
        return found

    async def change(self, document: str, **fields: Any) -> None:
        """Set fields of a document."""
        await self._request("POST", f"/_update/{document}?refresh=true", {"doc": fields})


def _ordered(source: dict[str, Any]) -> dict[str, Any]:
    return {key: sorted(value) if isinstance(value, list) else value for key, value in source.items()}


def urn(number: int) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/index/default/d{number:03}"


async def filled(api: Api) -> None:
    """Register the datasets, with sets and texts among their values; change some."""
    tag = {"tag": {"name": "kept", "tagKind": "FREE"}}
    items = [{"dataset": {"id": urn(number), "description": f"Rows of day {number}"}} for number in range(COUNT)]
    await api.load(tag, *items)
    changed = [{"dataset": {"id": urn(number), "tags": ["mlg://tag/catalog/default/kept"]}} for number in range(9)]
    await api.load(*changed)


async def test_a_scan_writes_what_differs_and_nothing_else(cluster: Cluster, graph: StoreGraph, tmp_path: Path) -> None:
    """Deleted and changed documents are written as they were; a second scan finds no difference."""
    index = Index(cluster, graph.source)
    async with open_api(graph, tmp_path, no_jobs) as api, client_of(graph) as client:
        await filled(api)
        before = await index.documents()
        clean = await IndexScan(client).run()
        assert clean == RepairCounts(len(before))
        lost = await index.delete("d00")
        other = next(key for key, document in before.items() if document.get("name") == "d100")
        await index.change(other, stage="DRAFT", updatedAt=1)
        assert len(await index.documents()) == len(before) - len(lost)
        assert await IndexScan(client).run() == RepairCounts(len(before), len(lost) + 1)
        assert await index.documents() == before
        assert (await api.ask("root", LISTING))["assets"]["totalCount"] == COUNT
        assert await IndexScan(client).run() == clean


async def test_a_scan_continues_after_the_last_vertex(cluster: Cluster, graph: StoreGraph, tmp_path: Path) -> None:
    """A scan that was interrupted compares the others when it goes on; after an unknown vertex it compares all."""
    index = Index(cluster, graph.source)
    async with open_api(graph, tmp_path, no_jobs) as api, client_of(graph) as client:
        await filled(api)
        total = len(await index.documents())

        def interrupt(_: RepairCounts) -> None:
            raise KeyboardInterrupt

        first = IndexScan(client, interrupt)
        with pytest.raises(KeyboardInterrupt):
            await first.run()
        assert 0 < first.counts.compared <= BATCH < total
        rest = await IndexScan(client, last=first.last).run()
        assert first.counts.compared + rest.compared == total
        again = await IndexScan(client, last=vertex_id("default", "mlg://dataset/none/default/none")).run()
        assert again.compared == total


async def test_absent_and_unindexed_vertices_are_left_out(cluster: Cluster, graph: StoreGraph) -> None:
    """An id without a vertex is no difference, and gets no document."""
    index = Index(cluster, graph.source)
    async with client_of(graph) as client:
        before = await index.documents()
        absent = vertex_id("default", "mlg://dataset/none/default/none")
        assert await repair(client, [absent]) == RepairCounts()
        assert await index.documents() == before


async def test_the_job_indexes_a_write_that_was_left_out(cluster: Cluster, graph: StoreGraph, tmp_path: Path) -> None:
    """A document that is lost right after its write is written by the job, which counts it; no other one is."""
    index = Index(cluster, graph.source)
    async with open_api(graph, tmp_path) as api:
        state = api.coordinator.index_state
        await api.load({"dataset": {"id": urn(1)}}, {"dataset": {"id": urn(2)}})
        await index.delete("d001")
        await until(lambda: state.differing > 0, within=120)
        await until(lambda: state.lag == 0, within=120)
        assert (state.differing, state.failed) == (1, 0)
        assert (await api.ask("root", LISTING))["assets"]["totalCount"] == 2


async def test_the_next_leader_continues(cluster: Cluster, graph: StoreGraph, tmp_path: Path) -> None:
    """What was lost while no process ran the job is found by the next one, from the stored position."""
    index = Index(cluster, graph.source)
    async with open_api(graph, tmp_path) as api:
        await api.load({"dataset": {"id": urn(1)}})
        state = api.coordinator.index_state
        await until(lambda: bool(state.compared) and state.lag == 0, within=120)
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load({"dataset": {"id": urn(2)}})
    await index.delete("d002")
    async with open_api(graph, tmp_path) as api:
        await until(lambda: api.coordinator.index_state.differing == 1, within=120)
        assert (await api.ask("root", LISTING))["assets"]["totalCount"] == 2


async def test_the_command_repairs_a_running_store(cluster: Cluster, tmp_path: Path) -> None:
    """`mlg store repair` writes lost documents while the API runs, prints the counts, and exits with 0."""
    graph, index = StoreGraph(cluster.urls[0], "g", tuple(cluster.urls[1:])), Index(cluster, "mlgraph")
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load(*({"dataset": {"id": urn(number)}} for number in range(20)))
        before = await index.documents()
        await index.delete("d01")
        environment = os.environ | {"MLG_STORE_URL": ",".join(cluster.urls), "MLG_DATA_DIR": str(tmp_path)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "store", "repair"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors
        differed = "10 differed and were indexed again, 0 of them still differ"
        assert output.decode().strip() == f"compared {len(before):,} documents: {differed}"
        assert orjson.dumps(await index.documents(), option=orjson.OPT_SORT_KEYS) == orjson.dumps(
            before, option=orjson.OPT_SORT_KEYS
        )
