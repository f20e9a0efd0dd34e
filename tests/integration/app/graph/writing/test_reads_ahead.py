"""What one item needs to read is read before its plan, while others write; the result is that of one plan."""

import asyncio
from dataclasses import dataclass

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.reads_ahead import ROOT, HeldReads, comparable, load, write
from support.stores.writers import Writers, asset, set_owners, stored, urn

from app.graph.commits import state_read
from app.graph.commits.late_writes import begin_plan
from app.graph.commits.reads import read_limits
from app.graph.commits.reads.hop_read import HopRead
from app.graph.commits.reads.read_limits import (
    UNLIMITED,
    AheadLimits,
    DivisibleLimits,
    FewLimits,
    ManyElementsError,
    ReadLimits,
)
from app.graph.commits.state_read import StateReading
from app.graph.commits.write_statements import STATE
from app.graph.driver.errors import WriteTooLargeError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.touched import EVERYTHING
from app.graph.records.vertex_id import vertex_id
from app.graph.writing import group_commit, prefetch
from app.graph.writing.unit.read_set import ReadSet
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.commands import Command, DeleteCommand, UnlinkCommand
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from policies.errors import LimitError


@dataclass
class Ahead(HeldReads):
    """Readings ahead; ``count`` is their number, and only those from the number ``after`` on wait."""

    count: int = 0
    after: int = 1


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Ahead:
    """Let a plan read ten elements at most, and return the readings ahead."""
    found, read = Ahead(), prefetch.TransactionReads.read

    async def waiting(reads: prefetch.TransactionReads, missing: ReadSet) -> WorkingSet:
        state = await read(reads, missing)
        if isinstance(reads.limits, AheadLimits):
            found.count += 1
            if found.count >= found.after:
                await found.hold()
        return state

    monkeypatch.setattr(prefetch.TransactionReads, "read", waiting)
    monkeypatch.setattr(read_limits, "FEW_ELEMENTS", 10)
    return found


CONSUMERS = [f"dataset user{number}" for number in range(12)]


async def load_hub(writers: Writers) -> None:
    """Store a dataset with consumers."""
    await load(writers, asset("dataset hub"), *(asset(each, derivedFrom=["dataset hub"]) for each in CONSUMERS))


@pytest.mark.parametrize("dry_run", [False, True])
async def test_others_write_while_much_is_read(
    graph: StoreGraph,
    writers: Writers,
    ahead: Ahead,
    monkeypatch: pytest.MonkeyPatch,
    dry_run: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """The deletion of a hub reads its consumers while others write, and is decided as it is then, dry run or not.

    What others write is read again before the plan, also if it is more than a plan may read again, and once.
    """
    await load_hub(writers)
    monkeypatch.setattr(ReadLimits, "max_touched", 3)
    deletion = DeleteCommand(urn("dataset hub"))
    watches = [*writers.client.write_watches]
    async with ahead.during(writers.of(ROOT), deletion, dry_run=dry_run) as call:
        assert await write(writers, asset("dataset other")) == ["CREATED"]
        ended = [UnlinkCommand("DERIVES", urn("dataset hub"), urn(each)) for each in CONSUMERS]
        assert {*await write(writers, *ended)} == {"UPDATED"}
        assert not call.done()
        once = ahead.count
    (done,) = call.result()
    assert ahead.count == once
    assert done.outcome.name == "UPDATED"  # with a consumer it were a conflict
    assert ("deletedAt" in (await stored(graph)).records[urn("dataset hub")]) == (not dry_run)
    assert writers.client.write_watches == watches


async def test_a_consumer_that_is_added_meanwhile_counts(writers: Writers, ahead: Ahead) -> None:
    """What was absent when it was read ahead is found by the plan."""
    await load_hub(writers)
    ahead.others.set()
    await write(writers, *(DeleteCommand(urn(each)) for each in CONSUMERS))
    ahead.others.clear()
    ahead.begun.clear()
    async with ahead.during(writers.of(ROOT), DeleteCommand(urn("dataset hub"))) as call:
        assert await write(writers, asset("dataset new", derivedFrom=["dataset hub"])) == ["CREATED"]
    assert call.result()[0].outcome.name == "CONFLICT"


async def test_a_version_that_is_added_meanwhile_follows_its_parent(
    graph: StoreGraph, writers: Writers, ahead: Ahead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The children of a parent that gets another owner are those of the plan, not those that were read ahead."""
    owned = asset("dataset hub", owners={"team ads": ["TECHNICAL"]})
    items = [owned, asset("team ranking"), asset("dataset-version hub@1")]
    await load(writers, *items)
    monkeypatch.setattr(read_limits, "FEW_ELEMENTS", 2)
    ahead.after = 2
    async with ahead.during(writers.of(ROOT), set_owners("dataset hub", "team ranking")) as call:
        monkeypatch.setattr(read_limits, "FEW_ELEMENTS", 100)
        assert await write(writers, asset("dataset-version hub@2")) == ["CREATED"]
    assert call.result()[0].outcome.name == "UPDATED"
    teams = {name: values["ownerTeam"] for name, values in (await stored(graph)).natives.items() if "/hub" in name}
    assert teams == dict.fromkeys(
        map(urn, ["dataset hub", "dataset-version hub@1", "dataset-version hub@2"]), urn("team ranking")
    )


async def test_a_call_that_is_cancelled_before_its_plan_writes_nothing_by_old_reads(
    graph: StoreGraph, writers: Writers, ahead: Ahead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the call ends the record of what others write, so what it has read ahead is of no use any more."""
    monkeypatch.setattr(prefetch, "CATCH_UPS", 0)  # what is written while it reads is left for the plan
    await load_hub(writers)
    await write(writers, *(DeleteCommand(urn(each)) for each in CONSUMERS))
    deletion = DeleteCommand(urn("dataset hub"))
    call = asyncio.create_task(writers.of(ROOT).write([deletion], dry_run=False, atomic=False))

    async def cancelling(client: GremlinClient, planner: str) -> None:
        call.cancel()
        await asyncio.wait([call])
        await begin_plan(client, planner)

    async with asyncio.timeout(60):
        await ahead.begun.wait()
        assert await write(writers, asset("dataset new", derivedFrom=["dataset hub"])) == ["CREATED"]
        monkeypatch.setattr(group_commit, "begin_plan", cancelling)
        ahead.others.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        leader = writers.coordinator.queue.leader
        assert leader is not None
        await leader
    assert "deletedAt" not in (await stored(graph)).records[urn("dataset hub")]


async def test_a_plan_repeats_what_cannot_be_refreshed(writers: Writers, ahead: Ahead) -> None:
    """After a transaction of which nothing is known, everything is read ahead once more."""
    await load_hub(writers)
    async with ahead.during(writers.of(ROOT), DeleteCommand(urn("dataset hub")), dry_run=True) as call:
        once = ahead.count
        for watch in [*writers.client.write_watches]:
            watch.ended(EVERYTHING, certain=True)
    assert call.result()[0].outcome.name == "CONFLICT"
    assert ahead.count == 2 * once


async def test_an_operation_that_ends_while_it_reads_leaves_nothing(
    writers: Writers, ahead: Ahead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read ahead counts in the budget of the operation, and is bounded by itself; a cancellation ends it."""
    await load_hub(writers)
    watches = [*writers.client.write_watches]
    deletion = DeleteCommand(urn("dataset hub"))
    writer = writers.of(ROOT)
    writer.budget = OperationBudget(UsageLimits(rows=20))
    with pytest.raises(LimitError, match="rows"):
        await writer.write([deletion], dry_run=False, atomic=False)
    with monkeypatch.context() as lower:
        lower.setattr(read_limits, "MAX_AHEAD", 15)
        with pytest.raises(LimitError, match="more than 15 assets and edges"):
            await writers.of(ROOT).write([deletion], dry_run=False, atomic=True)
    ahead.begun.clear()
    await ahead.cancelled(writers.of(ROOT), deletion)
    assert writers.client.write_watches == watches
    ahead.others.set()
    assert await write(writers, deletion) == ["CONFLICT"]


async def test_a_call_of_few_takes_no_further_request(writers: Writers) -> None:
    """A plan reads few records and edges by itself."""
    await load_hub(writers)
    requests = ObservedRequests()
    writers.client.observers.append(requests)
    assert await write(writers, asset("dataset small", derivedFrom=["dataset hub"])) == ["CREATED"]
    assert requests.texts[STATE.text] == 1


async def test_a_plan_reads_no_more_after_a_large_response(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that ends because of its size is the last one of a plan that reads few characters."""
    await load_hub(writers)
    monkeypatch.setattr(read_limits, "FEW_SIZE", 1_000)
    monkeypatch.setattr(read_limits, "FEW_BYTES", 1_250)
    requests = ObservedRequests()
    writers.client.observers.append(requests)
    hub = vertex_id("default", urn("dataset hub"))
    hops = [HopRead(direction, ["DERIVES"], [hub]) for direction in Direction]
    with pytest.raises(ManyElementsError):
        await StateReading(writers.client, follow=True, limits=FewLimits()).state([hub], hops, ())
    assert requests.texts[STATE.text] == 1


@pytest.mark.parametrize("limit", ["MAX_SIZE", "MAX_ELEMENTS"])
async def test_what_is_read_again_counts_while_others_wait(
    writers: Writers, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """A response that is too large is read again in halves; a transaction of several items counts it each time."""
    await load_hub(writers)
    vids = [vertex_id("default", urn(each)) for each in ("dataset hub", *CONSUMERS)]
    hops = [HopRead(direction, ["DERIVES"], vids) for direction in Direction]
    once = StateReading(writers.client, follow=True, limits=UNLIMITED)
    expected = await once.state(vids, hops, ())
    monkeypatch.setattr(read_limits, limit, {"MAX_SIZE": once.size, "MAX_ELEMENTS": once.count}[limit])
    assert await StateReading(writers.client, follow=True, limits=DivisibleLimits()).state(vids, hops, ()) == expected
    monkeypatch.setattr(state_read, "EDGES_SIZE", 1_000)
    monkeypatch.setattr(state_read, "PART_SIZE", 1_000)
    with pytest.raises(WriteTooLargeError):
        await StateReading(writers.client, follow=True, limits=DivisibleLimits()).state(vids, hops, ())
    budget = OperationBudget()
    found = await StateReading(writers.client, follow=True, limits=AheadLimits(budget, "ada")).state(vids, hops, ())
    assert comparable(found) == comparable(expected)
    assert budget.rows == once.count


async def test_several_items_that_read_much_are_divided(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items of a call are divided until each reads few, or alone; each has the outcome that it would have alone."""
    await load_hub(writers)
    monkeypatch.setattr(read_limits, "MAX_ELEMENTS", 10)
    monkeypatch.setattr(read_limits, "FEW_ELEMENTS", 5)
    monkeypatch.setattr(state_read, "PART_SIZE", 2_000)
    items: list[Command] = [
        asset("dataset a"),
        DeleteCommand(urn("dataset hub")),
        asset("dataset b", derivedFrom=CONSUMERS),
    ]
    assert await write(writers, *items) == ["CREATED", "CONFLICT", "CREATED"]
