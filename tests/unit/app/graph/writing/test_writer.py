"""Failures of the store during a call that is not atomic, with a store that fails on purpose."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.stores.in_memory_writer import COMPLETE, Memory
from support.stores.memory_store import MemoryStore
from support.stores.planning_clock import PlanningClock
from support.stores.writers import Writers, asset, person, shipped_stops, urn

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.writer_contention import CONTENDED_SHARE, CONTENDED_TIME_SHARE
from app.graph.driver.errors import StoreFailedError, WriteRefusedError, WriteTooLargeError
from app.graph.writing.call_batch import CallBatch
from app.graph.writing.unit.working_set import WorkingSet
from app.graph.writing.writer import MAX_ATOMIC_EDGES, MAX_BATCH_ITEMS, PolicedWriter
from app.telemetry.work import WorkMonitor
from graphql_schema.catalog.relations import DERIVES
from graphql_schema.ports.commands import Command, DeclaredEdges, DeleteCommand, EventCommand
from graphql_schema.ports.events.event_commands import RecordIngestionCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record
from policies.errors import LimitError
from policies.policy import Policy

ADA = person("ada", "team ranking", roles="engineer")
ITEMS = [asset(f"dataset d{number}") for number in range(4)]


class FailingStore:
    """A client whose reads or whose writes fail."""

    def __init__(self, error: StoreFailedError, *, reads: bool) -> None:
        self.error, self.reads, self.failures = error, reads, 0

    write_order = None
    write_epoch = None
    work = WorkMonitor()

    async def submit(self, _prepared: object, _bindings: object, *, writes: bool = False, **_: object) -> list[object]:
        """See :class:`app.graph.driver.gremlin_client.GremlinClient`."""
        if writes == self.reads:
            return []
        self.failures += 1
        raise self.error


def writer_over(store: FailingStore, policy: Policy) -> PolicedWriter:
    """Return the writer of an administrator over a store."""
    client: Any = cast("Any", store)
    return Writers(client, policy, WriteCoordinator(shipped_stops())).of(person("root", roles="admin"))


def over_memory(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> tuple[PolicedWriter, MemoryStore]:
    """Return the writer of an administrator over an empty store in memory, and the store."""
    store = MemoryStore(Memory(policy))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    client: Any = store
    writers = Writers(client, policy, WriteCoordinator(shipped_stops()))
    return writers.of(person("root", roles="admin")), store


@pytest.mark.parametrize("reads", [True, False], ids=["read", "write"])
async def test_a_failure_of_the_store_is_the_error_of_the_call(
    policy: Policy, monkeypatch: pytest.MonkeyPatch, *, reads: bool
) -> None:
    """A read that fails, or a write with wrong credentials, ends the call after one request, without outcomes."""
    store = FailingStore(StoreFailedError("The store refused the credentials."), reads=reads)
    if not reads:
        monkeypatch.setattr("app.graph.writing.group_plan.prefetch", _nothing_stored)
    with pytest.raises(StoreFailedError):
        await writer_over(store, policy).write(ITEMS, dry_run=False, atomic=False)
    assert store.failures == 1


async def test_a_refused_write_is_the_error_of_its_item(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write whose values are refused is halved down to the single items, and each is INVALID."""
    store = FailingStore(WriteRefusedError("The store failed.", ("SchemaViolationException",)), reads=False)
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", _nothing_stored)
    done = await writer_over(store, policy).write(ITEMS, dry_run=False, atomic=False)
    assert [one.outcome.name for one in done] == ["INVALID"] * 4
    assert {one.errors[0].message.partition(";")[0] for one in done} == {
        "The store refuses this item with SchemaViolationException"
    }
    assert store.failures == 1 + 2 + 4


async def test_a_batch_that_is_too_large_is_divided(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is halved, and the next batches of the call have the size that was accepted."""
    store = FailingStore(WriteTooLargeError("Too large."), reads=False)
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", _nothing_stored)
    writer = writer_over(store, policy)
    writer.batch_size = 4
    sizes: list[int] = []

    async def written(batch: CallBatch) -> list[WriteOutcome]:
        sizes.append(batch.item_count)
        if batch.item_count > 1:
            raise store.error
        return [WriteOutcome(Outcome.CREATED)]

    monkeypatch.setattr(writer, "_group", SimpleNamespace(write=written))
    done = await writer.write([*ITEMS, *ITEMS], dry_run=False, atomic=False)
    assert [one.outcome.name for one in done] == ["CREATED"] * 8
    assert sizes == [4, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1]


async def test_what_no_transaction_can_hold_is_an_error_of_its_caller(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item is INVALID with the reason, and the others are written; an atomic call is LIMIT_EXCEEDED as a whole."""
    store = MemoryStore(Memory(policy))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr("app.graph.writing.group_commit.MAX_TRANSACTION_BYTES", 10_000)
    client: Any = store
    writer = Writers(client, policy, WriteCoordinator(shipped_stops())).of(person("root", roles="admin"))
    items = [ITEMS[0], asset("dataset large", {"description": "x" * 10_000}), ITEMS[1]]
    with pytest.raises(LimitError, match="atomic call change has more; nothing was written") as caught:
        await writer.write(items, dry_run=False, atomic=True)
    assert caught.value.extensions["limit"] == "atomicCharacters"
    assert store.writes == []
    monkeypatch.setattr("app.graph.writing.group_commit.MAX_GROUP_BYTES", 10_000)
    done = await writer.write(items, dry_run=False, atomic=False)
    assert [one.outcome.name for one in done] == ["CREATED", "INVALID", "CREATED"]
    (error,) = done[1].errors
    assert error.message.startswith("A transaction has at most 10000 bytes of records. What this item changes has")
    assert "check the types and the size of its values" in error.message


async def test_what_an_atomic_call_changes_has_few_texts(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index analyses the stored texts of changed assets, too: a call that is not atomic is written in parts."""
    store = MemoryStore(Memory(policy))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr("app.graph.writing.call_batch.MAX_WRITE_COST", 10_000)
    client: Any = store
    writer = Writers(client, policy, WriteCoordinator(shipped_stops())).of(person("root", roles="admin"))
    ids = [f"dataset d{number}" for number in range(4)]
    await writer.write([asset(each, {"description": "x" * 1_000}) for each in ids], dry_run=False, atomic=False)
    store.writes.clear()
    changes = [asset(each, {"stage": "DEPRECATED"}) for each in ids]
    with pytest.raises(LimitError, match="at most 10000 characters: those of the names") as caught:
        await writer.write(changes, dry_run=False, atomic=True)
    assert (caught.value.extensions["limit"], caught.value.extensions["maximum"]) == ("atomicCost", 10_000)
    assert store.writes == []
    assert len(await writer.write(changes, dry_run=False, atomic=False)) == 4
    assert [len(each) for each in store.writes] == [2, 2]


async def test_what_a_single_item_changes_has_few_texts(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model with too long versions is deleted when some of them were deleted before, and the error explains that."""
    store = MemoryStore(Memory(policy))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr("app.graph.writing.call_batch.MAX_WRITE_COST", 10_500)
    client: Any = store
    writer = Writers(client, policy, WriteCoordinator(shipped_stops())).of(person("root", roles="admin"))
    versions = [asset(f"model-version m@{number}", {"description": "x" * 1_000}) for number in range(3)]
    await writer.write([asset("model m"), *versions], dry_run=False, atomic=False)
    deletions = [DeleteCommand(urn(each)) for each in ("model m", "model-version m@1")]
    (refused,) = await writer.write(deletions[:1], dry_run=False, atomic=False)
    assert refused.outcome.name == "CONFLICT"
    (error,) = refused.errors
    assert error.code.name == "LIMIT_EXCEEDED"
    assert "at most 10500 characters: those of the names" in error.message
    assert "delete versions before their model" in error.message
    done = await writer.write(deletions[::-1], dry_run=False, atomic=False)
    assert [each.outcome.name for each in done] == ["UPDATED", "UPDATED"]


async def test_a_dry_run_shares_the_store_with_other_writers(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the write lock like a real call, so its batches are as small while another caller writes."""
    coordinator, sizes = WriteCoordinator(shipped_stops()), []
    client: Any = FailingStore(StoreFailedError("A request."), reads=True)
    writer = Writers(client, policy, coordinator).of(person("root", roles="admin"))

    async def written(batch: CallBatch) -> list[WriteOutcome]:
        sizes.append(batch.item_count)
        return [WriteOutcome(Outcome.CREATED)] * batch.item_count

    monkeypatch.setattr(writer, "_group", SimpleNamespace(write=written))
    items = [asset(f"dataset d{number}") for number in range(MAX_BATCH_ITEMS)]
    with coordinator.contention.call("another caller"):
        await writer.write(items, dry_run=True, atomic=False)
    assert sizes == [MAX_BATCH_ITEMS // CONTENDED_SHARE] * CONTENDED_SHARE


async def test_a_batch_has_few_long_texts(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """All writers wait while their words are found, so it has fewer while another caller writes."""
    coordinator, sizes = WriteCoordinator(shipped_stops()), list[tuple[int, int]]()
    client: Any = FailingStore(StoreFailedError("A request."), reads=True)
    writer = Writers(client, policy, coordinator).of(person("root", roles="admin"))

    async def written(batch: CallBatch) -> list[WriteOutcome]:
        sizes.append((batch.item_count, batch.text_length))
        return [WriteOutcome(Outcome.CREATED)] * batch.item_count

    monkeypatch.setattr(writer, "_group", SimpleNamespace(write=written))
    monkeypatch.setattr("app.graph.writing.writer.MAX_BATCH_TEXT", 20 * CONTENDED_TIME_SHARE)
    items = [asset(f"dataset d{number}", {"description": "x" * 10}) for number in range(2 * CONTENDED_TIME_SHARE + 1)]
    await writer.write(items, dry_run=False, atomic=False)
    with coordinator.contention.call("another caller"):
        await writer.write(items[:3], dry_run=False, atomic=False)
    assert sizes == [(20, 200), (1, 10), (2, 20), (1, 10)]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_call_of_slow_items_is_many_transactions(
    policy: Policy, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    """All items have their outcomes in order, and each was planned once; so it is if the store refuses one of them."""
    writer, store = over_memory(policy, monkeypatch)
    slow = [each.urn for each in ITEMS]
    clock = PlanningClock(dict.fromkeys(slow[:2], 10.0)).start(monkeypatch)
    rejected = replace(asset("run r"), required=("state",))
    items = [ITEMS[0], rejected, *ITEMS[1:]]
    done = await writer.write(items, dry_run=dry_run, atomic=False)
    assert [one.outcome.name for one in done] == ["CREATED", "INVALID", "CREATED", "CREATED", "CREATED"]
    assert clock.planned == [slow[0], rejected.urn, *slow[1:]]
    assert store.writes == ([] if dry_run else [{slow[0]}, {slow[1]}, {*slow[2:]}])


async def test_a_refused_batch_whose_half_is_slow_is_written_in_order(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the plan of a half had no time for follows before the other half."""
    writer, store = over_memory(policy, monkeypatch)
    ids = [each.urn for each in ITEMS]
    clock = PlanningClock().start(monkeypatch)
    store.bad[ids[3]] = WriteRefusedError("The store failed.", ("SchemaViolationException",))

    def call(_: str) -> None:
        clock.seconds = {ids[0]: 10.0} if store.writes else {}

    clock.call = call
    done = await writer.write(ITEMS, dry_run=False, atomic=False)
    assert [one.outcome.name for one in done] == ["CREATED", "CREATED", "CREATED", "INVALID"]
    assert store.writes[:3] == [{*ids}, {ids[0]}, {*ids[1:]}]
    assert store.writes[3:] == [{ids[1]}, {*ids[2:]}, {ids[2]}, {ids[3]}]


async def test_references_to_an_item_that_failed_in_a_long_call_are_unknown(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan of a later transaction knows which ids of the call were not registered by an earlier one."""
    writer, store = over_memory(policy, monkeypatch)
    failing = replace(asset("dataset a"), expected_revision=7)
    PlanningClock({failing.urn: 10.0}).start(monkeypatch)
    known = frozenset({urn("dataset a"), urn("dataset b")})
    items = [failing, replace(asset("dataset b", derivedFrom=["dataset a"]), known_ids=known)]
    done = await writer.write(items, dry_run=False, atomic=False)
    assert [one.outcome.name for one in done] == ["CONFLICT", "INVALID"]
    assert store.writes == []


async def _nothing_stored(*_arguments: object, **_options: object) -> WorkingSet:
    return WorkingSet({}, {}, {}, COMPLETE)


async def test_an_atomic_call_of_too_many_edges_is_refused(policy: Policy) -> None:
    """All writers wait for its one transaction, so nothing is read for it; each edge of each item counts."""
    store = FailingStore(StoreFailedError("A request."), reads=True)
    sources: dict[str, Record] = {urn(f"dataset d{number}"): {} for number in range(MAX_ATOMIC_EDGES // 2 + 1)}
    long = replace(asset("dataset d"), edges=(DeclaredEdges(DERIVES.into(), "Dataset.derivedFrom", sources),))
    with pytest.raises(LimitError, match="2500 edges, and these declare 2502;"):
        await writer_over(store, policy).write([long, long], dry_run=False, atomic=True)
    assert store.failures == 0


async def test_an_atomic_call_of_too_long_descriptions_is_refused(policy: Policy) -> None:
    """Their words would be found in its one transaction, so nothing is read for it; equal descriptions count each."""
    store = FailingStore(StoreFailedError("A request."), reads=True)
    text = "x" * 62_500
    items = [asset(f"dataset d{number}", {"description": text}) for number in range(21)]
    with pytest.raises(
        LimitError, match="1250000 characters, at least 6 for each word, and these have 1312500 or more;"
    ) as caught:
        await writer_over(store, policy).write(items, dry_run=False, atomic=True)
    assert caught.value.extensions["limit"] == "atomicText"
    assert store.failures == 0
    with pytest.raises(StoreFailedError):
        await writer_over(store, policy).write(items[1:], dry_run=False, atomic=True)


def event(name: str, *commands: Command) -> EventCommand:
    """Return an event with the commands, whose record has their outcomes."""

    def record(outcomes: tuple[WriteOutcome, ...]) -> RecordIngestionCommand:
        shown = [each.outcome.name for each in outcomes]
        return RecordIngestionCommand(urn("dataset d0"), name, "jobs", "WRITTEN", changed=True, values={"as": shown})

    return EventCommand(urn("dataset d0"), name, commands, record)


async def test_an_event_of_many_commands_is_several_transactions(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other call waits for all of it; its record comes last, and an event that fits is one transaction."""
    writer, store = over_memory(policy, monkeypatch)
    monkeypatch.setattr("app.graph.writing.writer.MAX_BATCH_ITEMS", 3)
    writer.batch_size = 3
    (done,) = await writer.write([event("e1", *ITEMS)], dry_run=False, atomic=False)
    assert [part.outcome.name for part in done.parts] == ["CREATED"] * 4
    assert [sorted(urn for urn in each if "/change/" not in urn)[:1] for each in store.writes] == [
        [urn("dataset d0")],
        [urn("dataset d3")],
        [ingestion_of(store)],
    ]
    await writer.write([event("e2", *ITEMS[:2])], dry_run=False, atomic=False)
    assert len(store.writes) == 4


async def test_an_event_of_long_descriptions_is_several_transactions(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All writers wait while their words are found, so its commands are divided as the items of a call are."""
    store = MemoryStore(Memory(policy))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr("app.graph.writing.writer.MAX_BATCH_TEXT", 30)
    client: Any = store
    coordinator = WriteCoordinator(shipped_stops())
    writer = Writers(client, policy, coordinator).of(person("root", roles="admin"))

    async def transactions(name: str) -> int:
        known = len(store.writes)
        items = [asset(f"dataset {name}{number}", {"description": "x" * 10}) for number in range(3)]
        (done,) = await writer.write([event(name, *items)], dry_run=False, atomic=False)
        assert [part.outcome.name for part in done.parts] == ["CREATED"] * 3
        return len(store.writes) - known

    await writer.write(ITEMS[:1], dry_run=False, atomic=False)  # the subject of the records
    assert await transactions("a") == 1
    monkeypatch.setattr("app.graph.writing.writer.MAX_BATCH_TEXT", 29)
    assert await transactions("b") == 2 + 1
    monkeypatch.setattr("app.graph.writing.writer.MAX_BATCH_TEXT", 29 * CONTENDED_TIME_SHARE)
    with coordinator.contention.call("another caller"):
        assert await transactions("c") == 2 + 1


def ingestion_of(store: MemoryStore) -> str:
    """Return the id of the only record of an event."""
    (found,) = (each["id"] for each in store.memory.vertices.values() if each["kind"] == "INGESTION")
    return str(found)


@pytest.mark.parametrize(
    "error",
    [WriteRefusedError("The store failed.", ("Unknown",)), WriteTooLargeError("Too large.")],
    ids=["refused", "too large"],
)
async def test_an_event_that_the_store_refuses_is_divided(
    policy: Policy, monkeypatch: pytest.MonkeyPatch, error: StoreFailedError
) -> None:
    """Its commands are written one by one, and its record after them with their outcomes; the next event is written."""
    store = MemoryStore(Memory(policy), errors=[error, error])
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)

    client: Any = store
    writer = Writers(client, policy, WriteCoordinator(shipped_stops())).of(person("root", roles="admin"))
    items = [event("e1", ITEMS[0], replace(asset("run r"), required=("state",)), ITEMS[1]), event("e2", ITEMS[0])]
    done = await writer.write(items, dry_run=False, atomic=False)
    assert [[part.outcome.name for part in one.parts] for one in done] == [
        ["CREATED", "INVALID", "CREATED"],
        ["UNCHANGED"],
    ]
    records = [each["as"] for each in store.memory.vertices.values() if each["kind"] == "INGESTION"]
    assert sorted(records) == [["CREATED", "INVALID", "CREATED"], ["UNCHANGED"]]
