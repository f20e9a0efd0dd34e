"""The time of a plan: it ends after at least one item, each repetition has fewer, and an atomic call has a limit.

What has no time is written by the next transactions, over a store in memory.
"""

import asyncio
from math import floor
from types import SimpleNamespace
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT
from support.stores.memory_store import Callers, names
from support.stores.planning_clock import PlanningClock
from support.stores.writers import Writers, asset, person, shipped_stops, urn

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.writer_contention import CONTENDED_SHARE
from app.graph.driver.errors import StoreUnavailableError, TransientConflictError, WriteRefusedError
from app.graph.writing import group_commit, plan_time
from app.graph.writing.call_batch import CallBatch
from app.graph.writing.plan_time import (
    MAX_ATOMIC_SECONDS,
    PLAN_SECONDS,
    READ_CHARACTERS,
    READ_SECONDS,
    VISIT_SECONDS,
    PlanTime,
)
from app.graph.writing.writer import MAX_BATCH_ITEMS
from app.store.errors import StoreReason
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from policies.errors import LimitError
from policies.policy import Policy

ADA = person("ada", "team ranking", roles="engineer")
DONE = WriteOutcome(Outcome.CREATED)


def data(*texts: str) -> set[str]:
    """Return the URNs of data sets."""
    return {urn(f"dataset {text}") for text in texts}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list whose only element is the time of the thread."""
    now = [0.0]
    monkeypatch.setattr(plan_time, "thread_time", lambda: now[0])
    return now


def planned(clock: list[float], time: PlanTime, seconds: float, items: int = 1_000, batch: str = "a") -> int:
    """Begin a round of items that take these seconds each; return how many are planned."""

    def planner() -> WriteOutcome:
        clock[0] += seconds
        return DONE

    time.begin_round()
    for count in range(items):
        if count and time.is_over:
            return count
        assert time.timed(planner, batch) is DONE
    return items


def test_a_round_ends_when_its_time_is_over(clock: list[float]) -> None:
    """The item at which the time passes is the last one, and a round has at least one item."""
    assert planned(clock, PlanTime(), PLAN_SECONDS / 4.5) == 5
    assert planned(clock, PlanTime(), 60) == 1


def test_each_repetition_after_that_has_half_of_the_items(clock: list[float]) -> None:
    """So many reads that follow from each other take little more time, and the first repetition has many items."""
    time = PlanTime()
    assert [planned(clock, time, PLAN_SECONDS / 16.5) for _ in range(7)] == [17, 8, 4, 2, 1, 1, 1]
    assert clock[0] < 3 * PLAN_SECONDS


def test_a_plan_in_time_is_repeated_completely(clock: list[float]) -> None:
    """What takes little is not divided, however often it is planned before its time is over."""
    time = PlanTime()
    assert [planned(clock, time, PLAN_SECONDS / 70, items=16) for _ in range(5)] == [16, 16, 16, 16, 16]
    assert planned(clock, time, PLAN_SECONDS / 70, items=16) == 8


def test_the_time_of_a_planner_that_fails_counts(clock: list[float]) -> None:
    """A batch whose plan ends with an error has used its time as well."""
    time = PlanTime()

    def planner() -> WriteOutcome:
        clock[0] += 2 * PLAN_SECONDS
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        time.timed(planner, "a")
    assert time.is_over


def test_what_effects_read_counts(clock: list[float]) -> None:
    """A round ends after many requests or long records; the rounds after it have half of the items, as after items."""
    time = PlanTime()
    assert planned(clock, time, 0.0, items=8) == 8
    for _ in range(floor(PLAN_SECONDS / READ_SECONDS) - 1):
        time.count_read(0, 0)
    assert not time.is_over
    time.count_read(2 * READ_CHARACTERS, 0)
    assert time.is_over
    assert [planned(clock, time, 0.0, items=8) for _ in range(3)] == [4, 2, 1]
    visiting = PlanTime()
    visiting.count_read(0, floor(PLAN_SECONDS / VISIT_SECONDS))
    assert visiting.is_over


def test_what_effects_read_refuses_no_atomic_batch(clock: list[float]) -> None:
    """Its limit is for its items: the effects of other calls in its transaction read as much."""
    time = PlanTime()
    planned(clock, time, 0.1, items=1, batch="atomic")
    time.count_read(10**12, 10**12)
    time.refuse_long("atomic")
    assert time.is_over


def test_an_atomic_batch_has_a_limit_for_all_its_rounds(clock: list[float]) -> None:
    """The time of other batches does not count for it."""
    time = PlanTime()
    for _ in range(2):
        planned(clock, time, MAX_ATOMIC_SECONDS, items=1, batch="other")
        planned(clock, time, MAX_ATOMIC_SECONDS / 2, items=1, batch="atomic")
    time.refuse_long("atomic")
    planned(clock, time, 0.1, items=1, batch="atomic")
    with pytest.raises(LimitError, match="Split the call, or send it without") as caught:
        time.refuse_long("atomic")
    assert caught.value.extensions["limit"] == "atomicSeconds"


async def test_slow_items_delay_another_caller_by_one_of_them(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small call that waits behind four slow ones is planned after the first. Each item is planned once."""
    clock = PlanningClock({urn(f"dataset slow{number}"): 10.0 for number in range(4)}).start(monkeypatch)
    slow = [callers.call(ADA, asset(f"dataset slow{number}"), asset(f"dataset rest{number}")) for number in range(4)]
    small = callers.call(ROOT, asset("dataset small"))
    found = await asyncio.gather(*slow)
    assert names(await small) == ["CREATED"]
    assert callers.store.writes == [data("slow0"), data("small", "slow1"), data("slow2"), data("slow3")]
    assert [names(each) for each in found] == [["CREATED"]] * 4
    assert clock.planned == [urn(f"dataset {each}") for each in ("slow0", "small", "slow1", "slow2", "slow3")]


async def test_what_a_plan_leaves_out_is_written_if_its_transaction_fails(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls of the transaction get the error, and the one for which there was no time is written after it."""
    PlanningClock({urn("dataset slow"): 10.0}).start(monkeypatch)
    down = StoreUnavailableError.because(StoreReason.DISK_SPACE)
    callers.store.errors = [down]
    failing, other = callers.call(ADA, asset("dataset slow")), callers.call(ROOT, asset("dataset other"))
    with pytest.raises(StoreUnavailableError) as raised:
        await failing
    assert raised.value is down
    assert names(await other) == ["CREATED"]
    assert callers.store.writes == [data("slow"), data("other")]


async def test_the_end_of_a_plan_is_known_unless_it_is_repeated(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other processes wait for a transaction that a dry run and a refused call do not have, and for a repeated one."""
    plans = list[str]()

    async def begin(_client: object, _planner: str) -> None:
        plans.append("begin")

    async def end(_client: object) -> None:
        assert callers.coordinator.lock.locked()
        plans.append("end")

    monkeypatch.setattr(group_commit, "MAX_BACKOFF_SECONDS", 0)
    monkeypatch.setattr(group_commit, "begin_plan", begin)
    monkeypatch.setattr(group_commit, "end_plan", end)
    await callers.call(ROOT, asset("dataset tried"), dry_run=True)
    assert plans == ["begin", "end"]
    callers.store.bad = {urn("dataset bad"): WriteRefusedError("The store failed.", ("SchemaViolationException",))}
    with pytest.raises(WriteRefusedError):
        await callers.call(ROOT, asset("dataset bad"))
    assert plans[2:] == ["begin", "end"]
    callers.store.errors = [TransientConflictError("another process"), None]
    await callers.call(ROOT, asset("dataset a"))
    assert plans[4:] == ["begin", "begin", "end"]


async def test_after_a_cut_a_batch_has_as_many_items_as_were_written(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read for a batch is so read once while others write, and the items are not fewer with each batch."""
    coordinator, sizes = WriteCoordinator(shipped_stops()), list[int]()
    no_store: Any = None
    writer = Writers(no_store, policy, coordinator).of(person("root", roles="admin"))

    async def written(batch: CallBatch) -> list[WriteOutcome]:
        sizes.append(batch.item_count)
        return [WriteOutcome(Outcome.CREATED)] * min(batch.item_count, 20)

    monkeypatch.setattr(writer, "_group", SimpleNamespace(write=written))
    items = [asset(f"dataset d{number}") for number in range(100)]
    with coordinator.contention.call("another caller"):
        await writer.write(items, dry_run=False, atomic=False)
    assert sizes == [MAX_BATCH_ITEMS // CONTENDED_SHARE, 20, 20, 20, 20]
