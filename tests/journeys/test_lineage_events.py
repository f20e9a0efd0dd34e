"""Events of OpenLineage from real senders to the graph: its own client, recorded events of dbt and Feast, and files."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import serving
from support.source_tree import code_blocks
from support.stores.janusgraph import StoreGraph

from app.ingest.load.api_client import ApiClient
from app.ingest.load.batches import ImportItem
from app.ingest.load.event_sender import send_events
from app.ingest.sources.openlineage.event_names import EventNames

DATA = Path(__file__).parents[1] / "data" / "openlineage"
FOLDERS = ("dbt_recorded_build", "dbt_churn", "feast_churn")
EXPECTED: dict[str, Any] = orjson.loads((DATA / "expected.json").read_bytes())
NAMES = EventNames()
OF_THE_PAGE = ("daily_orders", "3f5e83fa-3480-44ff-99c5-ff943904e5e8", "/shop.")
"""Parts of the ids that the code of the page makes, in the same graph as the recorded events."""

WALK = """query ($root: ID!, $direction: LineageDirection!) {
  lineage(roots: [$root], direction: $direction, maxDepth: 50, first: 500) {
    nodes { nodes { asset { id kind ... on Run { workflow { id } } } } } completeness { state } } }"""


@pytest.fixture(scope="module")
async def url(api: Api) -> AsyncIterator[str]:
    """Return the address of a server of the API."""
    async with serving(api.app) as address:
        yield f"http://{address.removesuffix('/graphql')}"


def events() -> list[Any]:
    """Return the recorded events of all folders, in their order."""
    return [orjson.loads(line) for name in FOLDERS for line in (DATA / name / "events.jsonl").open("rb")]


async def send(url: str, token: str, sent: Sequence[Any], batch: int) -> set[str]:
    """Send events, and return the outcomes."""
    items = [ImportItem(str(number), each) for number, each in enumerate(sent)]
    async with ApiClient(url, token) as client:
        return {result.outcome async for results in send_events(client, items, batch) for result in results}


async def test_the_code_of_the_page_runs_with_a_real_client(api: Api, url: str) -> None:
    """The code of docs/openlineage.md, run with the unchanged client, makes the run that its query then reads."""
    (code,) = code_blocks("docs/openlineage.md", "python")
    query, merge, refused, sources, absent = code_blocks("docs/openlineage.md", "graphql")
    await asyncio.to_thread(exec, code, {"URL": url, "TOKEN": api.tokens["ci-ranking"]})
    dataset = "mlg://dataset/postgres/db%3A5432/shop."
    assert (await api.ask("ada", query))["asset"] == {
        "state": "COMPLETE",
        "startedAt": "2026-11-24T03:00:00Z",
        "endedAt": "2026-11-24T03:10:00Z",
        "workflow": {"id": "mlg://workflow/openlineage/shop/daily_orders"},
        "inputs": {"nodes": [{"id": f"{dataset}orders"}]},
        "outputs": {"nodes": [{"id": f"{dataset}daily"}]},
    }
    assert (await api.ask("ada", refused))["ingestions"] == {"nodes": []}
    placeholder = "mlg://dataset/hive/warehouse/shop.orders"
    await api.load({"link": {"relation": "DERIVES", "from": placeholder, "to": f"{dataset}daily"}})
    merged = (await api.ask("root", merge))["mergeAssets"]
    assert merged == {"changed": True, "asset": {"id": f"{dataset}orders"}, "errors": []}
    (source,) = (await api.ask("ada", sources))["asset"]["sources"]
    assert source.pop("lastReceivedAt")
    assert source == {"source": "shop", "producer": "https://example.com/shop", "alarms": []}
    (spelling,) = (await api.ask("ada", absent))["explainAbsence"]["spellings"]
    assert spelling == {
        "of": "mlg://dataset/postgresql/db%3A5432/shop.orders",
        "rule": "SPELLING",
        "asset": {"id": f"{dataset}orders"},
    }


async def test_recorded_events_are_what_plain_scripts_expect(
    api: Api, url: str, graph: StoreGraph, tmp_path: Path
) -> None:
    """Lineage is that of `expected.json`, and that of events that are shuffled, repeated and split over two runs."""
    assert await send(url, api.tokens["ci-ranking"], events(), 50) <= {"CREATED", "UPDATED", "UNCHANGED"}
    assert await send(url, api.tokens["ci-ranking"], events(), 100) == {"UNCHANGED"}
    for folder in FOLDERS:
        for root, found in EXPECTED[folder]["lineage"].items():
            for direction in ("upstream", "downstream"):
                assert await walked(api, root, direction.upper()) == found[direction], (folder, root, direction)
    mixed = events() * 2
    random.Random(7).shuffle(mixed)
    async with open_api(graph, tmp_path) as other, serving(other.app) as address:
        there = f"http://{address.removesuffix('/graphql')}"
        half = len(mixed) // 2
        await send(there, other.tokens["ci-ranking"], mixed[:half], 40)
        await send(there, other.tokens["ci-ranking"], mixed[half:], 90)
        ours = [item for item in await api.export() if not any(part in str(item) for part in OF_THE_PAGE)]
        assert by_id(await other.export()) == by_id(ours)


def by_id(items: Sequence[Any]) -> dict[str, Any]:
    """Return exported items by kind and id; the begin of links depends on the order of events."""
    found = {}
    for item in items:
        ((kind, values),) = item.items()
        key = (
            (kind, values.get("id") or values["name"])
            if kind != "link"
            else tuple(values[part] for part in ("relation", "from", "to"))
        )
        found[str(key)] = {name: value for name, value in values.items() if name != "validFrom"}
    return found


async def walked(api: Api, root: str, direction: str) -> dict[str, list[str]]:
    """Return the datasets and the jobs of runs that lineage reaches, as `expected.json` names them."""
    namespace, _, name = root.partition("|")
    start = NAMES.dataset(namespace, name).urn
    lineage = (await api.ask("ada", WALK, root=start, direction=direction))["lineage"]
    assert lineage["completeness"] == {"state": "COMPLETE"}
    rows = [node["asset"] for node in lineage["nodes"]["nodes"]]
    datasets = {row["id"] for row in rows if row["kind"] == "DATASET"} - {start}
    jobs = {row["workflow"]["id"] for row in rows if row["kind"] == "RUN"}
    return {"datasets": sorted(map(PLAIN.__getitem__, datasets)), "jobs": sorted(map(PLAIN.__getitem__, jobs))}


def _plain() -> dict[str, str]:
    """Return the names of `expected.json` by id: namespace and name with a bar between."""
    found = {}
    for event in events():
        job = event["job"]
        found[NAMES.job(job["namespace"], job["name"]).urn] = f"{job['namespace']}|{job['name']}"
        for each in [*(event.get("inputs") or []), *(event.get("outputs") or [])]:
            found[NAMES.dataset(each["namespace"], each["name"]).urn] = f"{each['namespace']}|{each['name']}"
    return found


PLAIN = _plain()
