"""A transaction that the embedded store completes late overwrites nothing that was acknowledged meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from support.servers.in_process import observes_one_process, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, person, shipped_policy, shipped_stops, stored, urn
from support.waiting import until

from app.graph.commits.late_writes import WriterEpoch, begin_plan
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import LostTurnError, StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.vertex_id import vertex_id

ADA = person("ada", "team search", roles="engineer")
DATASET = "dataset clicks"
HOLD = """
synchronized ('mlgraph write'.intern()) {
  System.setProperty('test.held', 'true')
  while (System.getProperty('test.held') != null) Thread.sleep(2)
}
[true]
"""
"""Holds the lock under which the store commits, until a request removes the property."""
BLOCKED = """
def threads = Thread.getAllStackTraces().keySet()
[threads.count { it.state == Thread.State.BLOCKED }]
"""


async def has_result(graph: StoreGraph, text: str, expected: object) -> bool:
    """Return whether a request returns one value, the expected one."""
    return await graph.run(text) == [expected]


@pytest.fixture
async def clients(graph: StoreGraph) -> AsyncIterator[tuple[GremlinClient, GremlinClient]]:
    """Open a client with a short deadline, and one with the usual deadline, each with an epoch."""
    async with AsyncExitStack() as stack:
        hasty, patient = (GremlinClient(graph.url, source=graph.source, deadline=each) for each in (1.0, 30.0))
        for client in (hasty, patient):
            await stack.enter_async_context(client)
            client.write_epoch = WriterEpoch(client)
        yield hasty, patient


async def test_a_late_transaction_takes_no_place_of_a_later_one(
    graph: StoreGraph, clients: tuple[GremlinClient, GremlinClient]
) -> None:
    """While the lock is held, a write ends without a response, and the next one of the asset is acknowledged after it.

    In whatever order the store continues them, the asset has all values that its history says it has.
    """
    coordinator = WriteCoordinator(shipped_stops())
    first, second = (Writers(each, shipped_policy(), coordinator).of(ADA) for each in clients)
    await second.write([asset(DATASET, {"description": "first"}, owners=["team search"])], dry_run=False, atomic=False)
    await first.write([asset(DATASET, {"format": "csv"})], dry_run=False, atomic=False)
    holding = asyncio.create_task(graph.run(HOLD))
    await until(lambda: has_result(graph, "[System.getProperty('test.held')]", "true"))
    with pytest.raises(StoreUnavailableError) as raised:
        await first.write([asset(DATASET, {"description": "late"})], dry_run=False, atomic=False)
    assert raised.value.unknown_outcome
    later = asyncio.create_task(second.write([asset(DATASET, {"location": "here"})], dry_run=False, atomic=False))
    await until(lambda: has_result(graph, BLOCKED, 2))
    await graph.run("System.clearProperty('test.held'); [true]")
    await holding
    (outcome,) = await later
    assert outcome.outcome.name == "UPDATED"
    await until(lambda: has_result(graph, BLOCKED, 0))
    await graph.run("synchronized ('mlgraph write'.intern()) { [true] }")
    found = await stored(graph)
    history = {entry["field"]: entry["after"] for change in found.history(urn(DATASET)) for entry in change["fields"]}
    record = found.records[urn(DATASET)]
    assert record["location"] == history["location"] == "here"
    assert record["description"] == history["description"]


async def test_a_plan_waits_for_a_transaction_that_is_being_written(
    graph: StoreGraph, clients: tuple[GremlinClient, GremlinClient]
) -> None:
    """While the store states that it writes, no plan begins. A transaction that fails leaves no such state."""
    writing = "'mlgraph.writing.' + System.identityHashCode(g.getGraph())"
    await graph.run(f"System.setProperty({writing}, 'true'); [true]")
    planning = asyncio.create_task(begin_plan(clients[0], "test"))
    for _ in range(3):
        await graph.run("[true]")
    assert not planning.done()
    await graph.run(f"System.clearProperty({writing}); [true]")
    await planning
    gone = WriteSet()
    gone.mark(vertex_id("default", urn("dataset absent")), "usedAt", NOW, exact=False, new=False)
    with pytest.raises(StoreFailedError):
        await gone.submit(clients[0])
    assert await has_result(graph, f"[System.getProperty({writing}) == null]", expected=True)


async def test_a_transaction_of_an_earlier_epoch_is_refused(
    graph: StoreGraph, clients: tuple[GremlinClient, GremlinClient]
) -> None:
    """It writes nothing, and is written once its process has begun a new epoch."""
    earlier, later = clients
    writes, x = WriteSet(), vertex_id("default", urn(DATASET))
    writes.mark(x, "usedAt", NOW, exact=False, new=False)
    await graph.run("g.addV('Dataset').property(T.id, x).next(); [true]", x=x)
    for client in (earlier, later):
        await begin_plan(client, "test")
    with pytest.raises(LostTurnError):
        await writes.submit(earlier)
    assert await graph.run("g.V(x).values('usedAt').toList()", x=x) == []
    await begin_plan(earlier, "test")
    await writes.submit(earlier)
    assert await graph.run("g.V(x).values('usedAt').toList()", x=x) == [NOW]


@observes_one_process
async def test_a_process_that_alone_writes_has_an_epoch(graph: StoreGraph, tmp_path: Path) -> None:
    """The epoch of a process begins with its first write."""
    mark = "[System.getProperty('mlgraph.epoch.' + System.identityHashCode(g.getGraph())) != null]"
    async with open_api(graph, tmp_path) as api:
        await api.load({"team": {"name": "search"}})
        assert isinstance(api.client.write_epoch, WriterEpoch)
        assert await graph.run(mark) == [True]
