"""What one item needs to read is read before its plan, while others write; the result is that of one plan."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import NoReturn

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.reads_ahead import ROOT, HeldReads, load, write
from support.stores.writers import Writers, asset, link, set_owners, stored, urn

from app.graph.commits import state_read
from app.graph.commits.late_writes import begin_plan
from app.graph.commits.reads import read_limits, touched_reads
from app.graph.commits.reads.read_limits import UNLIMITED, AheadLimits, DivisibleLimits, FewLimits, ManyElementsError
from app.graph.commits.state_read import BriefReading, HopRead, StateReading, StoredState
from app.graph.commits.write_statements import STATE
from app.graph.driver.errors import WriteTooLargeError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.writes_since import WritesSince
from app.graph.records import touched as touched_records
from app.graph.records.edge_record import EdgeKey
from app.graph.records.record_text import BriefRecord
from app.graph.records.touched import EVERYTHING
from app.graph.records.vertex_id import vertex_id
from app.graph.writing import group_commit, prefetch
from app.graph.writing.unit.read_set import ReadSet
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.catalog.relations import CARRYING, Direction
from graphql_schema.ports.commands import Command, DeleteCommand, MergeCommand, RestoreCommand, UnlinkCommand
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from policies.errors import LimitError

NAMES = [*(f"dataset d{number}" for number in range(5)), "dataset-version d0@1", "dataset-version d1@1", "feature f"]
VIDS = [vertex_id("default", urn(name)) for name in NAMES]
LONG = {"description": "word " * 300}


def random_item(random: Random) -> Command:
    """Return an item about few assets."""
    one, other = random.sample(NAMES[:5], 2)
    match random.randrange(8):
        case 0 | 1:
            values = {"sensitivity": random.choice(["PUBLIC", "RESTRICTED"]), "displayName": random.choice("xyz")}
            return asset(random.choice(NAMES), {**LONG, **values} if random.random() < 0.5 else values)
        case 2 | 3:
            return link("DERIVES", one, other)
        case 4:
            return UnlinkCommand("DERIVES", urn(one), urn(other))
        case 5:
            return random.choice((DeleteCommand(urn(one), despite_others=True), RestoreCommand(urn(one))))
        case 6:
            return set_owners(one, random.choice(["team ads", "team ranking"]))
        case _:
            return link("DERIVES", one, "feature f")


def refuse() -> NoReturn:
    """Fail, because a record is not complete."""
    raise AssertionError


def reading(writers: Writers) -> StateReading:
    """Return a reading that follows merged datasets, without long values."""
    return StateReading(writers.client, follow=True, limits=UNLIMITED, brief=BriefReading([VIDS[0]], refuse))


async def all_of(reading: StateReading) -> StoredState:
    """Read all records of few assets, their edges in both directions, and each edge between two of them."""
    labels = [[*CARRYING], ["VERSION_OF"], ["OWNED_BY"]]
    hops = [HopRead(direction, each, VIDS) for direction in Direction for each in labels]
    pairs: list[EdgeKey] = [("DERIVES", one, other) for one in VIDS for other in VIDS if one != other]
    return await reading.state(VIDS, hops, pairs)


def comparable(state: StoredState) -> object:
    """Return a state, with the edges of each hop in an order of their own; it is that of the store."""
    records = {
        vid: ("brief", record["id"], record["index"]) if isinstance(record, BriefRecord) else record
        for vid, record in state.records.items()
    }
    return records, [sorted(rows, key=lambda row: row[:2]) for rows in state.hops], state.edges


@pytest.mark.parametrize("seed", range(20))
async def test_a_state_that_is_read_again_in_part_is_that_of_the_store(
    writers: Writers, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After random writes, what was read and refreshed equals what a new reading reads; some writes go on before.

    The writes may be large transactions, which are reported in parts.
    """
    random = Random(seed)
    if seed % 2:
        monkeypatch.setattr(touched_records, "PART_SIZE", 1)
    known, written = reading(writers), WritesSince()
    for _ in range(random.randrange(12)):
        await writers.of(ROOT).write([random_item(random)], dry_run=False, atomic=False)
    written.begin(writers.client)
    await all_of(known)
    for _ in range(3):
        for _ in range(random.randrange(1, 6)):
            items = [random_item(random) for _ in range(random.randrange(1, 4))]
            await writers.of(ROOT).write(items, dry_run=False, atomic=False)
        touched = written.take()
        assert touched is not None
        assert await known.refresh(touched, UNLIMITED)
        expected = await all_of(reading(writers))
        found = await all_of(known)
        assert {vid: found.records[vid] for vid in expected.records}.keys() == expected.records.keys()
        here, there = comparable(found), comparable(expected)
        assert here == there
    written.end()


async def test_a_merge_needs_a_new_reading(writers: Writers) -> None:
    """A vertex that points elsewhere than before changes what all reads at it mean."""
    items: list[Command] = [asset(NAMES[2], {"description": "x"}), link("DERIVES", NAMES[1], NAMES[3])]
    await writers.of(ROOT).write(items, dry_run=False, atomic=False)
    known, written = reading(writers), WritesSince()
    written.begin(writers.client)
    await all_of(known)
    merging = MergeCommand(urn(NAMES[1]), urn(NAMES[2]))
    (done,) = await writers.of(ROOT).write([merging], dry_run=False, atomic=False)
    assert done.stored
    assert not await known.refresh(written.take() or (), UNLIMITED)


async def merge(writers: Writers, one: str, into: str) -> None:
    """Merge a dataset into another one, which must be accepted."""
    assert await write(writers, MergeCommand(urn(one), urn(into))) == ["UPDATED"]


async def test_a_merge_of_a_far_end_needs_no_new_reading(writers: Writers) -> None:
    """No read begins at it, so a stranger who merges own placeholders, one after the other, voids no reading."""
    await load(writers, asset(NAMES[2], {"description": "x"}), link("DERIVES", NAMES[0], NAMES[1]))
    await load(writers, link("DERIVES", NAMES[1], NAMES[3]))
    hops = [HopRead(direction, ["DERIVES"], VIDS[:1]) for direction in (Direction.OUT, Direction.IN)]
    known, written = reading(writers), WritesSince()
    written.begin(writers.client)
    await known.state(VIDS[:1], hops, ())
    await merge(writers, NAMES[1], NAMES[2])
    assert await known.refresh(written.take() or (), UNLIMITED)
    found, expected = [await each.state(VIDS[:1], hops, ()) for each in (known, reading(writers))]
    here, there = comparable(found), comparable(expected)
    assert here == there
    assert [row[1] for row in found.hops[0] if row[2].get("validTo") is None] == [VIDS[2]]


async def test_a_merge_of_what_a_merged_dataset_leads_to_needs_a_new_reading(writers: Writers) -> None:
    """The hop at the first one was read at the last one, which nothing has named."""
    both: list[Command] = [asset(name, {"description": "x"}) for name in (NAMES[2], NAMES[3])]
    await load(writers, *both, link("DERIVES", NAMES[0], NAMES[4]), link("DERIVES", NAMES[0], NAMES[1]))
    await merge(writers, NAMES[1], NAMES[4])
    known, written = reading(writers), WritesSince()
    written.begin(writers.client)
    await known.state([VIDS[1]], [HopRead(Direction.IN, ["DERIVES"], [VIDS[1]])], ())
    await merge(writers, NAMES[4], NAMES[2])
    assert not await known.refresh(written.take() or (), UNLIMITED)


async def test_very_many_writes_need_a_new_reading(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read again is bounded, so that other writers do not wait for it."""
    monkeypatch.setattr(touched_reads, "MAX_TOUCHED", 3)
    known, written = reading(writers), WritesSince()
    written.begin(writers.client)
    await all_of(known)
    await writers.of(ROOT).write([asset(NAMES[0])], dry_run=False, atomic=False)
    assert await known.refresh(written.take() or (), UNLIMITED)
    items = [link("DERIVES", NAMES[0], each) for each in NAMES[1:5]]
    await writers.of(ROOT).write(items, dry_run=False, atomic=False)
    assert not await known.refresh(written.take() or (), UNLIMITED)


async def test_edges_of_one_call_at_many_hops_need_no_new_reading(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each edge is read again, and not each pair of ends: a short call of others so voids no reading."""
    await writers.of(ROOT).write([asset(each) for each in NAMES[:4]], dry_run=False, atomic=False)
    monkeypatch.setattr(touched_reads, "MAX_TOUCHED", 5)
    known, written = reading(writers), WritesSince()
    written.begin(writers.client)
    await all_of(known)
    items = [asset(f"{name}-user", derivedFrom=[name]) for name in NAMES[:4]]
    assert await write(writers, *items) == ["CREATED"] * 4
    assert await known.refresh(written.take() or (), UNLIMITED)
    assert comparable(await all_of(known)) == comparable(await all_of(reading(writers)))


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
    dry_run: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """The deletion of a hub reads its consumers while others write, and is decided as it is then, dry run or not."""
    await load_hub(writers)
    deletion = DeleteCommand(urn("dataset hub"))
    watches = [*writers.client.write_watches]
    async with ahead.during(writers.of(ROOT), deletion, dry_run=dry_run) as call:
        assert await write(writers, asset("dataset other")) == ["CREATED"]
        ended = [UnlinkCommand("DERIVES", urn("dataset hub"), urn(each)) for each in CONSUMERS]
        assert {*await write(writers, *ended)} == {"UPDATED"}
        assert not call.done()
    (done,) = call.result()
    assert done.outcome.name == "UPDATED"  # with a consumer it were a conflict
    assert ("deletedAt" in (await stored(graph)).records[urn("dataset hub")]) == (not dry_run)
    assert writers.client.write_watches == watches


async def test_a_consumer_that_is_added_meanwhile_counts(writers: Writers, ahead: Ahead) -> None:
    """What was absent when it was read ahead is found by the plan."""
    await load_hub(writers)
    ended = [UnlinkCommand("DERIVES", urn("dataset hub"), urn(each)) for each in CONSUMERS]
    ahead.others.set()
    await write(writers, *ended)
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
    await load_hub(writers)
    ended = [UnlinkCommand("DERIVES", urn("dataset hub"), urn(each)) for each in CONSUMERS]
    await write(writers, *ended)
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
