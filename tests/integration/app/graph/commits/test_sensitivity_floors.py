"""A raise too large for one write: nothing leaks until the job has stored it, even if a process dies in between."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.faulty_client import FaultyClient
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import stored, urn
from support.waiting import until

from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.driver.errors import StoreUnavailableError
from app.graph.jobs import sensitivity_job as job_module
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.writing.effects import raise_sensitivity as spreading
from app.runtime.background_jobs import background_jobs

PAGES = """query ($after: Cursor) { assets(filter: {kinds: [DATASET]}, first: 40, after: $after) {
  totalCount nodes { id sensitivity } pageInfo { hasNextPage endCursor } } }"""
POINT = "query ($id: ID!) { asset(id: $id) { id sensitivity } }"
HOP = """query ($id: ID!) { asset(id: $id) { downstream(first: 50) { totalCount nodes { asset { id } } } } }"""


def dataset(name: str, **values: object) -> dict[str, object]:
    """Return the item of a dataset."""
    return {"dataset": {"id": urn(f"dataset {name}"), **values}}


async def estate(api: Api, consumers: int) -> None:
    """Load a hub with consumers, ten of which also depend on `side`, and 60 datasets without an edge."""
    made = [urn("dataset hub")]
    await api.load(dataset("hub"), dataset("side", sensitivity="PUBLIC"))
    await api.load(*(dataset(f"c{number:05}", derivedFrom=made) for number in range(consumers)))
    await api.load(*(dataset(f"c{number:05}", derivedFrom=[*made, urn("dataset side")]) for number in range(10)))
    await api.load(*(dataset(f"z{number:02}") for number in range(60)))


async def listed(api: Api, who: str) -> tuple[list[str], set[int | None], list[int]]:
    """Return all datasets that a caller can page through, the totals of the pages, and the lengths of all but one."""
    found, totals, lengths, after = list[str](), set[int | None](), list[int](), None
    while True:
        page = (await api.ask(who, PAGES, after=after))["assets"]
        found += [node["id"] for node in page["nodes"]]
        totals.add(page["totalCount"])
        if not page["pageInfo"]["hasNextPage"]:
            return found, totals, lengths
        lengths.append(len(page["nodes"]))
        after = page["pageInfo"]["endCursor"]


async def sees_none_of_it(api: Api, consumers: int, totals: set[int | None], lengths: list[int]) -> None:
    """Assert that bo finds neither hub nor consumers by id, hop or listing, and finds everything else.

    All but the last of the pages have these lengths.
    """
    for name in ("hub", "c00000", "c00009", f"c{consumers - 1:05}"):
        assert (await api.ask("bo", POINT, id=urn(f"dataset {name}")))["asset"] is None
    beyond = (await api.ask("bo", HOP, id=urn("dataset side")))["asset"]["downstream"]
    assert beyond == {"totalCount": 0, "nodes": []}
    open_ = ["side", *(f"z{number:02}" for number in range(60))]
    assert await listed(api, "bo") == ([urn(f"dataset {name}") for name in open_], totals, lengths)


@pytest.mark.timeout(120)
async def test_a_hub_with_2_500_consumers(graph: StoreGraph, tmp_path: Path) -> None:
    """The write returns at once; its sensitivity floor hides the consumers.

    After the job all are raised and totals return.
    """
    async with open_api(graph, tmp_path, no_jobs) as api, AsyncExitStack() as stack:
        await estate(api, 2_500)
        assert (await api.ask("bo", HOP, id=urn("dataset side")))["asset"]["downstream"]["totalCount"] == 10
        assert (await api.register("root", dataset("hub", sensitivity="RESTRICTED")))["updated"] == 1
        pending = api.coordinator.outbox
        assert [len(floor.covered or ()) for floor in pending.floors.active.values()] == [2_500]
        await sees_none_of_it(api, 2_500, {None}, [0, 0, 0, 0, 40])  # the first four end after 541 consumers
        await api.load(dataset("late", sensitivity="PUBLIC", derivedFrom=[urn("dataset c00004")]))
        assert (await api.ask("bo", POINT, id=urn("dataset late")))["asset"] is None
        assert (await api.ask("root", POINT, id=urn("dataset c00007")))["asset"]["sensitivity"] == "RESTRICTED"
        await stack.enter_async_context(background_jobs(api.client, api.coordinator))
        await until(lambda: not pending.entries)
        assert pending.floors.active == {}
        await sees_none_of_it(api, 2_500, {61}, [40])
    natives = (await stored(graph)).natives
    raised = {key for key, values in natives.items() if values["sensitivity"] == "RESTRICTED"}
    assert raised == {key for key in natives if "/dataset/test/default/c" in key} | {
        urn("dataset hub"),
        urn("dataset late"),
    }


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("covered", [50_000, 10], ids=["ids", "tenant"])
async def test_after_a_crash_the_floor_stays_and_the_next_process_raises(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, covered: int
) -> None:
    """If a process dies before or during the job, unraised assets stay hidden; the next process raises them."""
    monkeypatch.setattr(spreading, "MAX_RAISED", 5)
    monkeypatch.setattr(spreading, "MAX_COVERED", covered)
    monkeypatch.setattr(job_module, "BATCH", 4)
    async with open_api(graph, tmp_path, no_jobs) as api:
        await estate(api, 30)
        await api.load(dataset("hub", sensitivity="RESTRICTED"))
        coordinator = api.coordinator
        job = SensitivityJob(api.client, coordinator.lock, coordinator.outbox, coordinator.propagation_stops)
        for _ in range(steps):
            assert await job.step()
    async with open_api(graph, tmp_path, no_jobs) as api:
        for name in ("c00000", "c00029"):
            assert (await api.ask("bo", POINT, id=urn(f"dataset {name}")))["asset"] is None
        found, totals, _ = await listed(api, "bo")
        assert (set(found) & {urn(f"dataset c{number:05}") for number in range(30)}, totals) == (set(), {None})
    async with open_api(graph, tmp_path) as api:
        await until(lambda: not api.coordinator.outbox.entries)
        await sees_none_of_it(api, 30, {61}, [40])
    levels = [values["sensitivity"] for values in (await stored(graph)).natives.values()]
    assert levels.count("RESTRICTED") == 31


async def test_a_job_retries_while_the_store_is_away(graph: StoreGraph, tmp_path: Path) -> None:
    """A job without a store keeps its outbox entry, continues when the store is back, and lowers unsupported assets."""
    async with open_api(graph, tmp_path, no_jobs) as api, AsyncExitStack() as stack:
        await api.load(dataset("a", sensitivity="RESTRICTED"), dataset("b", derivedFrom=[urn("dataset a")]))
        await api.load(dataset("a", sensitivity="PUBLIC"))
        client, requests = api.client, ObservedRequests()
        server = client.pool.servers[0]
        good, server.url = server.url, "http://127.0.0.1:1/gremlin"
        client.observers.append(requests)
        await stack.enter_async_context(background_jobs(api.client, api.coordinator))
        await until(lambda: requests.failures > 0)
        server.url = good
        await until(lambda: not api.coordinator.outbox.entries)
        assert (await api.ask("root", POINT, id=urn("dataset b")))["asset"]["sensitivity"] == "INTERNAL"
        assert (await api.ask("root", POINT, id=urn("dataset a")))["asset"]["sensitivity"] == "PUBLIC"


async def test_an_empty_page_under_a_floor(graph: StoreGraph, tmp_path: Path) -> None:
    """A page of size zero returns the same `hasNextPage` with an unrelated sensitivity floor as without it."""
    query = "{ assets(first: 0) { nodes { id } pageInfo { hasNextPage } } }"
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load(dataset("open"))
        before = await api.ask("bo", query)
        assert before["assets"]["pageInfo"]["hasNextPage"]
        api.coordinator.outbox.floors.raise_floor(1, SensitivityFloor("default", "RESTRICTED", frozenset({1})))
        assert await api.ask("bo", query) == before


@pytest.mark.parametrize("covered", [50_000, 1], ids=["ids", "tenant"])
async def test_a_batch_without_a_response_does_not_end_the_raise(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, covered: int
) -> None:
    """If the response to a batch is lost, the job still raises what is downstream of it before the floor ends."""
    monkeypatch.setattr(spreading, "MAX_RAISED", 1)
    monkeypatch.setattr(spreading, "MAX_COVERED", covered)
    monkeypatch.setattr(job_module, "BATCH", 1)
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load(dataset("x0"))
        for number in range(1, 6):
            await api.load(dataset(f"x{number}", derivedFrom=[urn(f"dataset x{number - 1}")]))
        await api.load(dataset("x0", sensitivity="RESTRICTED"))
        coordinator, client = api.coordinator, FaultyClient(graph.url, source=graph.source)
        job = SensitivityJob(client, coordinator.lock, coordinator.outbox, coordinator.propagation_stops)
        async with client:
            client.fault = "lost"
            with pytest.raises(StoreUnavailableError):
                await until_idle(job)
            await until_idle(job)
        assert coordinator.outbox.floors.active == {}
    levels = [values["sensitivity"] for values in (await stored(graph)).natives.values()]
    assert levels.count("RESTRICTED") == 6


async def until_idle(job: SensitivityJob) -> None:
    """Let a job work until it has nothing to do."""
    while await job.step():
        pass
