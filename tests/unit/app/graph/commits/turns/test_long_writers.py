"""Callers of long transactions: when they wait for other writers, and for how long."""

import asyncio
import time
from dataclasses import replace
from itertools import count

import pytest
from support.stores.in_memory_writer import ROOT, Memory
from support.stores.memory_store import Callers, MemoryStore
from support.stores.writers import asset, person, shipped_policy, urn
from support.waiting import until

from app.graph.commits.turns.long_writers import APART_SECONDS, LARGE_SECONDS, MAX_WAITING, LongWriters
from app.graph.commits.writer_contention import CONTENDED_SECONDS, WriterContention
from app.graph.driver.errors import StoreUnavailableError
from graphql_schema.ports.commands import RegisterCommand
from graphql_schema.ports.operation_budget import OperationBudget
from policies.errors import LimitError

ADA, BO = (person(name, f"team {team}", roles="engineer") for name, team in (("ada", "ranking"), ("bo", "ads")))


def large(name: str) -> RegisterCommand:
    """Return the registration of an asset with a description that takes the store longer than ordinary ones."""
    return asset(name, {"description": "long " * 2_000})


class Clock:
    """Monotonic seconds that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the present instant."""
        return self.now

    async def passed(self, pause: float) -> None:
        """Let a pause be over at once."""
        self.now += pause


@pytest.mark.parametrize(
    ("seconds", "large", "undivided", "wait"),
    [
        (0.4, 0, 0, 0),
        (1.5, 0, 0, 10),
        (2, 0, 0, 15),
        (0.4, 0.15, 0, 0),
        (0.4, 0.75, 0, 7.5),
        (2, 0.75, 0, 15),
        (0.4, 60, 0, 20),
        (0.4, 0, 0.1, 2),
        (0.4, 0.75, 0.3, 7.5),
        (0.4, 0.75, 0.4, 8),
    ],
)
async def test_a_caller_waits_for_ten_times_what_was_too_long(
    seconds: float, large: float, undivided: float, wait: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait grows with the transaction, or with what large items or an atomic call take; others have none."""
    clock = Clock()
    contention = WriterContention(clock)
    writers = LongWriters(contention, clock)
    monkeypatch.setattr(asyncio, "sleep", clock.passed)
    writers.wrote("ada", seconds, large, undivided)
    with contention.call("ada"), contention.call("bo"):
        await writers.wait("bo", OperationBudget().check)
        assert clock.now == 0
        await writers.wait("ada", OperationBudget().check)
    assert clock.now == pytest.approx(wait)


@pytest.mark.parametrize("large_seconds", [0.0, 4.8, 60.0])
@pytest.mark.parametrize("seconds", [2.1, 4.8, 9.0, 60.0])
def test_the_longest_transactions_have_less_than_a_tenth_of_the_time(seconds: float, large_seconds: float) -> None:
    """A caller of transactions over two seconds waits for ten times as long, without a maximum."""
    clock = Clock()
    contention = WriterContention(clock)
    writers = LongWriters(contention, clock)
    writers.wrote("ada", seconds, large_seconds)
    with contention.call("bo"):
        clock.now = 9.9 * seconds
        assert writers.must_wait("ada")
        clock.now = 10.1 * seconds
        assert not writers.must_wait("ada")


async def test_a_call_waits_for_a_part_of_a_long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """It then ends with the rest of the time, and its place among the mutations is free, before its deadline."""
    clock = Clock()
    contention = WriterContention(clock)
    writers = LongWriters(contention, clock)
    monkeypatch.setattr(asyncio, "sleep", clock.passed)
    writers.wrote("ada", 4.8)
    with contention.call("bo"):
        for rest in (28, 8):
            with pytest.raises(StoreUnavailableError, match="this call has waited for 20 seconds") as caught:
                await writers.wait("ada", OperationBudget().check)
            assert caught.value.retry_after == rest
        await writers.wait("ada", OperationBudget().check)
        assert clock.now == pytest.approx(48)


def test_a_caller_of_large_items_is_apart_while_others_write() -> None:
    """Its next batches share no transaction for ten seconds; ordinary items change nothing."""
    clock = Clock()
    contention = WriterContention(clock)
    writers = LongWriters(contention, clock)
    writers.wrote("ada", 0, LARGE_SECONDS)
    with contention.call("bo"):
        assert not writers.is_apart("ada")
        writers.wrote("ada", 0, 1.1 * LARGE_SECONDS)
        assert (writers.is_apart("ada"), writers.is_apart("bo")) == (True, False)
        clock.now = APART_SECONDS
        assert not writers.is_apart("ada")
        writers.wrote("ada", 0, 1.1 * LARGE_SECONDS)
    assert not writers.is_apart("ada")


async def test_no_caller_waits_without_other_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller who writes alone goes on at once, and so does one that waits once the others are gone."""
    clock = Clock()
    contention = WriterContention(clock)
    writers = LongWriters(contention, clock)

    async def passed(pause: float) -> None:
        clock.now += 100 * pause

    monkeypatch.setattr(asyncio, "sleep", passed)
    writers.wrote("ada", 60)
    await writers.wait("ada", OperationBudget().check)
    assert clock.now == 0
    contention.wrote(["bo"])
    await writers.wait("ada", OperationBudget().check)
    assert 0 < clock.now < 20


def test_callers_after_long_transactions_wait_only_for_those_without() -> None:
    """Two of them do not wait for each other, and both wait for a third one, also between two short calls of it."""
    clock = Clock()
    contention = WriterContention(clock)
    writers = LongWriters(contention, clock)
    writers.wrote("ada", 60)
    writers.wrote("bo", 60)

    def waiting() -> list[str]:
        return [each for each in ("ada", "bo", "cy") if writers.must_wait(each)]

    with contention.call("ada"), contention.call("bo"):
        assert waiting() == []
        with contention.call("cy"):
            assert waiting() == ["ada", "bo"]
        contention.wrote(["cy"])
        assert waiting() == ["ada", "bo"]
        clock.now += CONTENDED_SECONDS
        assert waiting() == []


async def test_a_caller_waits_after_a_long_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next write waits while others write, whose own do not, and goes on when they have ended."""
    store = MemoryStore(Memory(shipped_policy()))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr("app.graph.commits.turns.long_writers.LARGE_SECONDS", 0.0)
    callers = Callers(store)
    contention, now = callers.coordinator.contention, time.monotonic()
    contention.clock = lambda: now
    await callers.call(ROOT, large("dataset a"))
    contention.wrote(["other"])
    waiting = callers.call(ROOT, asset("dataset b"))
    await callers.call(ADA, asset("dataset c"))
    assert not waiting.done()
    now += CONTENDED_SECONDS
    await waiting
    assert store.writes == [{urn(f"dataset {each}")} for each in "acb"]


async def test_what_a_caller_sent_during_a_long_transaction_waits_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a caller with several calls at once would have a long transaction after each one of others."""
    store = MemoryStore(Memory(shipped_policy()))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr("app.graph.commits.turns.long_writers.LARGE_SECONDS", 0.0)
    callers = Callers(store)
    contention, now = callers.coordinator.contention, time.monotonic()
    contention.clock = lambda: now
    store.open.clear()
    first = callers.call(ROOT, large("dataset a"))
    await until(lambda: callers.coordinator.lock.locked() and not callers.coordinator.queue)
    second, third = callers.call(ROOT, asset("dataset b")), callers.call(ADA, asset("dataset c"))
    await until(lambda: len(callers.coordinator.queue) == 2)
    contention.wrote(["other"])
    store.open.set()
    await first
    await third
    assert not second.done()
    now += CONTENDED_SECONDS
    await second
    assert store.writes == [{urn(f"dataset {each}")} for each in "acb"]


async def test_a_long_transaction_counts_for_the_caller_who_is_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a short call of another caller that joins it would take the wait away, or wait for it as well."""
    store = MemoryStore(Memory(shipped_policy()))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr("app.graph.commits.turns.long_writers.LARGE_SECONDS", 0.0)
    ticks = count()
    monkeypatch.setattr("app.graph.writing.group_commit.perf_counter", lambda: next(ticks))
    monkeypatch.setattr("app.graph.writing.plan_time.thread_time", lambda: 0.0)
    callers = Callers(store)
    store.open.clear()
    first = callers.call(ROOT, asset("dataset a"))
    await until(lambda: callers.coordinator.lock.locked() and not callers.coordinator.queue)
    long = callers.call(ADA, *(large(f"dataset l{number}") for number in range(9)))
    short = callers.call(BO, asset("dataset s"))
    await until(lambda: len(callers.coordinator.queue) == 2)
    store.open.set()
    await asyncio.gather(first, long, short)
    assert len(store.writes) == 2  # the second one has both calls
    writers, contention = callers.coordinator.long_writers, callers.coordinator.contention
    with contention.call("other"):
        waiting = [who.subject for who in (ADA, BO) if writers.must_wait((who.tenant, who.subject))]
    assert waiting == ["ada"]


async def test_an_ordinary_transaction_lets_no_caller_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """If it took long, the store was slow: its caller is not the cause."""
    store = MemoryStore(Memory(shipped_policy()))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr("app.graph.writing.group_commit.perf_counter", count(step=60).__next__)
    callers = Callers(store)
    await callers.call(ADA, *(asset(f"dataset a{number}") for number in range(50)))
    with callers.coordinator.contention.call("other"):
        assert not callers.coordinator.long_writers.must_wait((ADA.tenant, ADA.subject))


async def test_a_refused_call_lets_no_other_caller_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it shares the transaction of another one: anybody could send some to let others wait."""
    store = MemoryStore(Memory(shipped_policy()))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    callers = Callers(store)
    store.open.clear()
    first = callers.call(ROOT, asset("dataset a"))
    await until(lambda: callers.coordinator.lock.locked() and not callers.coordinator.queue)
    calls = callers.call(ADA, asset("dataset b")), callers.call(BO, replace(asset("run r"), required=("state",)))
    await until(lambda: len(callers.coordinator.queue) == 2)
    store.open.set()
    await asyncio.gather(first, *calls)
    assert len(store.writes) == 2  # the second one has both calls
    assert callers.coordinator.contention.others("cy") == {(who.tenant, who.subject) for who in (ROOT, ADA)}


async def test_a_caller_waits_after_a_large_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next write waits while others write, however fast the store was; after many ordinary items none waits."""
    store = MemoryStore(Memory(shipped_policy()))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr("app.graph.commits.turns.long_writers.LONG_SECONDS", 1e9)
    monkeypatch.setattr("app.graph.commits.turns.long_writers.LARGE_SECONDS", 0.0)
    callers = Callers(store)
    writers, contention = callers.coordinator.long_writers, callers.coordinator.contention
    await callers.call(ADA, *(asset(f"dataset a{number}") for number in range(50)))
    await callers.call(BO, asset("dataset b", {"description": "long " * 1_000}))
    with contention.call("other"):
        waiting = [who.subject for who in (ADA, BO) if writers.must_wait((who.tenant, who.subject))]
    assert waiting == ["bo"]


async def test_few_calls_of_a_caller_wait() -> None:
    """Each has a place among the mutations of all callers; further ones are refused until the wait is over."""
    clock = Clock()
    contention = WriterContention(clock)
    writers = LongWriters(contention, clock)
    writers.wrote("ada", 0, 2)

    def no_check() -> None:
        """Let the operation go on."""

    with contention.call("bo"):
        waiting = [asyncio.create_task(writers.wait("ada", no_check)) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailableError, match="Send it again later") as caught:
            await writers.wait("ada", no_check)
        assert caught.value.retry_after == 20
        await writers.wait("bo", no_check)
        clock.now += 20
        await asyncio.gather(*waiting)
        writers.wrote("ada", 0, 2)
        again = asyncio.create_task(writers.wait("ada", no_check))
        await asyncio.sleep(0)
        assert not again.done()
        clock.now += 20
        await again


async def test_an_operation_that_has_ended_waits_no_longer() -> None:
    """Its error arrives at the next look, and it no longer has one of the places of mutations."""
    clock, budget = Clock(), OperationBudget()
    contention = WriterContention(clock)
    writers = LongWriters(contention, clock)
    writers.wrote("ada", 60)
    with contention.call("ada"), contention.call("bo"):
        waiting = asyncio.create_task(writers.wait("ada", budget.check))
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.end(LimitError("Too much."))
        with pytest.raises(LimitError):
            await waiting
