"""What becomes of calls that are refused together: who is charged for it, and who is next."""

import asyncio
from dataclasses import replace

import pytest
from support.stores.in_memory_writer import ROOT
from support.stores.memory_store import Callers, data, holding
from support.stores.writers import asset, person, urn

from app.graph.commits.turns.long_writers import LARGE_SECONDS, LongWriters
from app.graph.driver.errors import WriteRefusedError, WriteTooLargeError
from app.graph.writing.group_plan import GroupPlanner
from policies.principal import Principal

ADA = person("ada", "team ranking", roles="engineer")
REFUSED = WriteRefusedError("The store failed.", ("SchemaViolationException",))


async def test_a_refused_transaction_does_not_go_before_others(callers: Callers) -> None:
    """Of three calls that are refused together, the second half waits for a call of another tenant that waited, too."""
    first = await holding(callers)
    callers.store.bad[urn("dataset bad")] = REFUSED
    calls = [callers.call(ADA, asset(f"dataset {text}")) for text in ("a", "bad", "b")]
    other = callers.call(replace(ROOT, tenant="other"), asset("dataset other"))
    callers.store.open.set()
    await asyncio.gather(first, *calls, other, return_exceptions=True)
    assert callers.store.writes[1:] == [
        data("a", "bad", "b"), data("a"), data("other"), data("bad", "b"), data("bad"), data("b"),
    ]  # fmt: skip


async def test_a_refused_transaction_of_many_callers_takes_few_further_ones(callers: Callers) -> None:
    """The calls of sixteen callers share transactions again; only those of the cause are divided down to one."""
    first = await holding(callers)
    callers.store.bad[urn("dataset bad1")] = REFUSED
    people = [person(f"p{number:02}", roles="admin") for number in range(16)]
    calls = [callers.call(each, asset(f"dataset {each.subject}")) for each in people]
    calls += [callers.call(person("q", roles="admin"), asset(f"dataset bad{number}")) for number in range(2)]
    callers.store.open.set()
    found = await asyncio.gather(first, *calls, return_exceptions=True)
    assert found.count(REFUSED) == 1
    assert len(callers.store.writes[1:]) <= 2 * 5 + 1


async def test_a_caller_of_large_items_is_apart(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its batches share no transaction for a while, because others would wait for what they read."""
    monkeypatch.setattr(LongWriters, "is_apart", lambda _, caller: caller == (ADA.tenant, ADA.subject))
    first = await holding(callers)
    calls = [callers.call(who, asset(f"dataset {who.subject}{number}")) for number in range(2) for who in (ROOT, ADA)]
    for _ in range(50):
        await asyncio.sleep(0)
    callers.store.open.set()
    await asyncio.gather(first, *calls)
    assert sorted(callers.store.writes[1:], key=len) == [data("ada0"), data("ada1"), data("root0", "root1")]


async def test_a_caller_whose_items_read_much_is_apart_without_a_wait(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty items may read two thousand elements, for which a caller does not wait; shared, they would be refused."""
    monkeypatch.setattr(GroupPlanner, "read_seconds", 0.09)
    items = [asset(f"dataset a{number}") for number in range(50)]
    await callers.call(ADA, *items, dry_run=True)
    writers, caller = callers.coordinator.long_writers, (ADA.tenant, ADA.subject)
    with callers.coordinator.contention.call("root"):
        assert (writers.is_apart(caller), writers.must_wait(caller)) == (False, False)
        monkeypatch.setattr(GroupPlanner, "read_seconds", 0.2)
        await callers.call(ADA, *items, dry_run=True)
        assert (writers.is_apart(caller), writers.must_wait(caller)) == (True, False)


@pytest.mark.parametrize(("who", "charged"), [((ADA, ADA), ["ada"] * 3), ((ADA, ROOT), ["ada", "root"])])
async def test_a_plan_that_fails_counts_for_its_only_caller(
    callers: Callers, monkeypatch: pytest.MonkeyPatch, who: tuple[Principal, ...], charged: list[str]
) -> None:
    """What reads too much was read under the write lock: two calls of one caller together, and each by itself."""
    found = list[str]()

    def wrote(_: LongWriters, caller: tuple[str, str], _seconds: float, large: float, _undivided: float) -> None:
        found.extend([caller[1]] * (large > LARGE_SECONDS))

    async def refused(*_: object) -> None:
        raise WriteTooLargeError("The transaction reads too much.")

    first = await holding(callers)
    monkeypatch.setattr(LongWriters, "wrote", wrote)
    monkeypatch.setattr(GroupPlanner, "read_seconds", 0.5)
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", refused)
    calls = [callers.call(each, asset(f"dataset a{number}")) for number, each in enumerate(who)]
    callers.store.open.set()
    await asyncio.gather(first, *calls, return_exceptions=True)
    assert found == charged


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(("atomic", "waits"), [(False, False), (True, True)])
async def test_an_atomic_call_that_writes_nothing_counts(
    callers: Callers, monkeypatch: pytest.MonkeyPatch, *, atomic: bool, waits: bool, fails: bool
) -> None:
    """A dry one, or one whose plan fails, was read under the write lock like others; a divided one has its share."""

    async def refused(*_: object) -> None:
        raise WriteTooLargeError("The transaction reads too much.")

    monkeypatch.setattr(GroupPlanner, "read_seconds", 0.2)
    if fails:
        monkeypatch.setattr("app.graph.writing.group_plan.prefetch", refused)
    call = callers.call(ADA, *(asset(f"dataset a{number}") for number in range(200)), dry_run=True, atomic=atomic)
    await asyncio.gather(call, return_exceptions=True)
    with callers.coordinator.contention.call("root"):
        assert callers.coordinator.long_writers.must_wait((ADA.tenant, ADA.subject)) == waits
