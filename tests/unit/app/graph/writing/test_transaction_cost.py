"""How much one transaction writes: what its items take the store is counted while it is planned."""

from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, seeded
from support.stores.memory_store import Callers
from support.stores.planned_groups import outcomes, planned
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.commits.write_set import WriteSet
from app.graph.commits.writer_contention import CONTENDED_TIME_SHARE
from app.graph.driver.errors import CostlyWriteError, WriteTooLargeError
from app.graph.records.native import write_cost
from app.graph.writing import call_batch, group_commit, group_plan, plan_time
from app.graph.writing.group_commit import _encoded
from app.graph.writing.group_plan import GroupPlan, GroupPlanner
from app.graph.writing.unit import placeholders, working_set
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.ports.commands import DeleteCommand, RecordUsageCommand, RestoreCommand

ADA = person("ada", "team ranking", roles="engineer")
BO = person("bo", "team ads", roles="engineer")
MISSING = replace(asset("run r"), required=("state",))


async def test_a_transaction_has_few_texts_for_the_index(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that are new, and stored ones of assets that are changed or marked, count; the next one has the others."""
    monkeypatch.setattr(group_plan, "MAX_COST", 2_000)
    for name in ("MEMBER_COST", "RECORD_COST"):
        monkeypatch.setattr(write_cost, name, 0)
    monkeypatch.setattr(write_cost, "COST_OF_BYTES", 1_000_000)
    monkeypatch.setattr(write_cost, "EDGE_COST", 0)
    long = {"description": "x" * 900}
    ids = [f"dataset d{number}" for number in range(5)]
    new = [asset(each, long) for each in ids]
    assert [len(each) for each in outcomes(await planned(callers, callers.batch(ROOT, *new)))] == [3]
    seeded(callers.store.memory, *new)
    changed = [asset(each, {"stage": "DEPRECATED"}) for each in ids]
    day = datetime.fromtimestamp(NOW / 1_000, UTC).date().isoformat()
    used = [RecordUsageCommand(urn(each), urn("team ads"), day, {"reads": 1.0}) for each in ids]
    named = [asset(f"dataset n{number}", {"displayName": "x" * 900}) for number in range(5)]
    for items in (changed, used, named):
        assert [len(each) for each in outcomes(await planned(callers, callers.batch(ROOT, *items)))] == [3]
    again = [*changed[:1], asset(ids[0], {"stage": "ACTIVE"}), *changed[:1], *changed[1:]]
    assert [len(each) for each in outcomes(await planned(callers, callers.batch(ROOT, *again)))] == [5]


async def test_a_job_writes_less_at_once(callers: Callers) -> None:
    """No caller is charged for it, and others have a transaction between two of its steps; theirs may have more."""
    items = [asset(f"dataset d{number}", {"description": "word " * 10_000}) for number in range(20)]
    batch, of_job = callers.batch(ROOT, *items), callers.batch(ROOT, *items)
    of_job.of_job = True
    (own,), (of_job_,) = outcomes(await planned(callers, batch)), outcomes(await planned(callers, of_job))
    assert 1 < len(of_job_) < len(own) <= 20
    assert len(of_job_) * write_cost.RECORD_COST < write_cost.JOB_COST


async def test_calls_of_many_items_have_little_of_a_transaction_while_others_write(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each bulk continues later, and those of few items, of one or several, are written together as always."""
    monkeypatch.setattr(write_cost, "COST_OF_BYTES", 1_000_000)
    of_asset = 2 * write_cost.RECORD_COST + write_cost.EDGE_COST
    monkeypatch.setattr(group_plan, "MAX_COST", 10 * CONTENDED_TIME_SHARE * of_asset)

    async def lengths(*counts: int) -> list[int]:
        numbers = iter(range(100))
        batches = [callers.batch(ADA, *(asset(f"dataset d{next(numbers)}") for _ in range(count))) for count in counts]
        return [len(each) for each in outcomes(await planned(callers, *batches))]

    assert await lengths(20, 5, 1, 20, 5, 1) == [20, 5, 1, 20, 5, 1]
    with callers.coordinator.contention.call("ada"), callers.coordinator.contention.call("bo"):
        first, *few, second, five, one = await lengths(20, 5, 1, 20, 5, 1)
    assert 5 <= first == second <= 10
    assert [*few, five, one] == [5, 1, 5, 1]


async def test_a_transaction_writes_few_records(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each asset, with the record of its change and their edge, counts; and so does each placeholder of an item."""
    monkeypatch.setattr(write_cost, "COST_OF_BYTES", 1_000_000)
    monkeypatch.setattr(group_plan, "MAX_COST", 10 * (2 * write_cost.RECORD_COST + write_cost.EDGE_COST))
    items = [asset(f"dataset d{number}") for number in range(20)]
    (alone,) = outcomes(await planned(callers, callers.batch(ROOT, *items)))
    assert 5 <= len(alone) <= 10
    wide = [
        asset(f"dataset w{number}", derivedFrom=[f"dataset up{number}x{n}" for n in range(5)]) for number in range(20)
    ]
    (derived,) = outcomes(await planned(callers, callers.batch(ROOT, *wide)))
    assert len(derived) == 2


async def test_a_transaction_changes_few_words_of_names(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each word that a name gets or loses is a change of the index; names that stay do not count."""
    monkeypatch.setattr(write_cost, "RECORD_COST", 0)
    monkeypatch.setattr(group_plan, "MAX_COST", 20 * write_cost.MEMBER_COST * 40)
    name = "一二三四五六七八九十" * 2
    items = [asset(f"dataset d{number}", {"displayName": f"{name} {number}"}) for number in range(60)]
    (first,) = outcomes(await planned(callers, callers.batch(ROOT, *items)))
    assert 10 < len(first) < 40
    seeded(callers.store.memory, *items)
    same = [asset(f"dataset d{number}", {"stage": "DEPRECATED"}) for number in range(60)]
    assert [len(each) for each in outcomes(await planned(callers, callers.batch(ROOT, *same)))] == [60]


async def test_batches_that_follow_long_texts_are_in_the_next_transaction(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch whose texts are full is the last one; an atomic one is complete, and one that is undone has none."""
    monkeypatch.setattr(group_plan, "MAX_COST", 2_000)
    for name in ("MEMBER_COST", "RECORD_COST"):
        monkeypatch.setattr(write_cost, name, 0)
    monkeypatch.setattr(write_cost, "COST_OF_BYTES", 1_000_000)
    monkeypatch.setattr(write_cost, "EDGE_COST", 0)
    long = [asset(f"dataset d{number}", {"description": "x" * 900}) for number in range(5)]
    undone = callers.batch(ROOT, *long, MISSING, atomic=True)
    plan = await planned(callers, undone, callers.batch(ROOT, *long, atomic=True), callers.batch(BO, asset("model m")))
    assert [len(each) for each in outcomes(plan)] == [6, 5]


async def test_a_batch_that_costs_too_much_ends_before_its_effects(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused in any case: to find the effects of 10,000 placeholders would hold the event loop in vain."""
    monkeypatch.setattr(call_batch, "MAX_WRITE_COST", 5_000)
    effects = list[int]()
    monkeypatch.setattr(group_plan, "batch_effects", lambda *_: effects.append(1))
    items = [asset(f"dataset d{number}") for number in range(5)]
    (plan,) = (await planned(callers, callers.batch(ROOT, *items))).batches
    assert isinstance(plan.error, CostlyWriteError)
    assert effects == []


@pytest.mark.usefixtures("by_chance")
async def test_no_limit_of_a_transaction_is_known(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stored records take counts, hidden values included: by exact limits, a caller would measure these.

    So equal calls are refused or not by chance, and divided anywhere. A batch that is planned again has the same limit,
    and an error has the maximum.
    """
    items = [asset(f"dataset d{number}") for number in range(40)]
    cost = (await planned(callers, callers.batch(ROOT, *items))).own.cost
    monkeypatch.setattr(call_batch, "MAX_WRITE_COST", maximum := cost * 8 // 7)
    refusals = list[str | None]()
    for _ in range(60):
        batch = callers.batch(ROOT, *items, atomic=True)
        errors = [(await planned(callers, batch)).batches[0].error for _ in range(2)]
        first, again = (None if error is None else str(error) for error in errors)
        assert first == again
        assert first is None or f"at most {maximum} characters" in first
        refusals.append(first)
    assert len({*refusals}) == 2
    monkeypatch.setattr(group_plan, "MAX_COST", cost // 2)
    divided = {len(outcomes(await planned(callers, callers.batch(ROOT, *items)))[0]) for _ in range(60)}
    assert len(divided) > 2
    monkeypatch.setattr(call_batch, "MAX_WRITE_COST", 2 * cost)
    plan = await planned(callers, callers.batch(ROOT, *items, atomic=True))
    monkeypatch.setattr(group_commit, "MAX_TRANSACTION_BYTES", plan.own.size * 8 // 7)
    assert len({_is_refused(plan) for _ in range(60)}) == 2


def _is_refused(plan: GroupPlan) -> bool:
    try:
        return not [*_encoded(plan, WriteSet())]
    except WriteTooLargeError:
        return True


async def test_a_restoration_may_cost_more_than_a_deletion(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier release deleted more at once, which could not be restored; two items have no such right."""
    versions = [f"model-version m@{number}" for number in range(5)]
    seeded(callers.store.memory, asset("model m"), *map(asset, versions))
    callers.store.memory.run(DeleteCommand(urn("model m")), who=ROOT)
    monkeypatch.setattr(call_batch, "MAX_WRITE_COST", 5_000)
    restore = RestoreCommand(urn("model m"))
    for items, is_refused in (([restore], False), ([restore, asset("dataset a")], True)):
        plan = await planned(callers, callers.batch(ROOT, *items))
        assert isinstance(plan.batches[0].error, CostlyWriteError) is is_refused
        assert is_refused or 5_000 < plan.own.cost <= plan.batches[0].batch.max_cost
    monkeypatch.setattr(group_commit, "MAX_TRANSACTION_BYTES", 1)
    assert [*_encoded(await planned(callers, callers.batch(ROOT, restore)), WriteSet())]
    with pytest.raises(WriteTooLargeError):
        next(_encoded(await planned(callers, callers.batch(ROOT, asset("dataset a"))), WriteSet()))


async def test_a_batch_that_is_refused_costs_the_others_nothing(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is written, so it is no part of what the transaction may cost."""
    monkeypatch.setattr(call_batch, "MAX_WRITE_COST", 5_000)
    costly = callers.batch(ROOT, *(asset(f"dataset d{number}") for number in range(5)))
    plan = await planned(callers, callers.batch(BO, asset("model m")), costly)
    good, refused = plan.batches
    assert isinstance(refused.error, CostlyWriteError)
    assert plan.own == good.own != refused.own


async def test_an_item_of_too_many_placeholders_is_planned_no_further(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes as long to plan as to write."""
    monkeypatch.setattr(placeholders, "MAX_WRITE_COST", 5 * write_cost.RECORD_COST)
    stubs, ensure_stub = set[str](), placeholders.ensure_stub

    def ensured(unit: ItemUnit, given: str) -> int:
        stubs.add(given)
        return ensure_stub(unit, given)

    monkeypatch.setattr(placeholders, "ensure_stub", ensured)
    item = asset("dataset a", derivedFrom=[f"dataset d{number}" for number in range(50)])
    (plan,) = (await planned(callers, callers.batch(ROOT, item))).batches
    assert isinstance(plan.error, CostlyWriteError)
    assert 0 < len(stubs) < 10


@pytest.mark.parametrize(("hidden", "absent"), [(0, 5), (3, 2), (5, 0), (0, 6), (3, 3), (6, 0)])
async def test_hidden_assets_count_as_placeholders(
    callers: Callers, monkeypatch: pytest.MonkeyPatch, hidden: int, absent: int
) -> None:
    """Whether a dry item has too many of them would otherwise disclose which ids exist."""
    shut = {"owners": {"team ranking": ["TECHNICAL"]}}
    seeded(callers.store.memory, *(asset(f"dataset shut{n}", {"visibility": "TEAM"}, **shut) for n in range(hidden)))
    monkeypatch.setattr(placeholders, "MAX_WRITE_COST", 5 * write_cost.RECORD_COST)
    guesses = [*(f"dataset shut{n}" for n in range(hidden)), *(f"dataset none{n}" for n in range(absent))]
    (plan,) = (await planned(callers, callers.batch(BO, asset("dataset a", derivedFrom=guesses), dry_run=True))).batches
    assert isinstance(plan.error, CostlyWriteError) is (hidden + absent > 5)


async def test_items_over_a_long_state_are_planned_in_few_calls_of_the_side_thread(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each call, one of others may run there, while all writers wait: 250 items waited for 250 of them."""
    monkeypatch.setattr(working_set, "LONG_STATE", 0)
    monkeypatch.setattr(plan_time, "PLAN_SECONDS", inf)  # a slow machine divides no transaction
    monkeypatch.setattr(group_plan, "LONG_PART_SECONDS", 1_000.0)
    calls, planned_ = list[int](), GroupPlanner._planned  # noqa: SLF001 - each call is one of the side thread

    def counted(planner: GroupPlanner, *given: Any) -> Any:
        outcomes = planned_(planner, *given)
        calls.append(len(outcomes))
        return outcomes

    monkeypatch.setattr(GroupPlanner, "_planned", counted)
    items = [asset(f"dataset d{number}") for number in range(50)]
    plan = await planned(callers, callers.batch(ROOT, *items))
    assert outcomes(plan) == [["CREATED"] * 50]
    assert max(calls) == 49
    monkeypatch.setattr(group_plan, "LONG_PART_SECONDS", 0.0)
    calls.clear()
    assert outcomes(await planned(callers, callers.batch(ROOT, *items))) == [["CREATED"] * 50]
    assert max(calls) == 1


async def test_what_awaits_planned_ends_counts(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two outbox entries await each end: a call of 200 links wrote 400 of them, and cost as much as without ends."""
    names = [f"dataset d{number}" for number in range(20)]
    seeded(callers.store.memory, asset("dataset up"), *map(asset, names))
    ended = [link("DERIVES", "dataset up", name, validTo=NOW + 50) for name in names]
    endless = [link("DERIVES", "dataset up", name) for name in names]
    (of_ended,), (of_endless,) = [
        (await planned(callers, callers.batch(ROOT, *links, atomic=True))).batches for links in (ended, endless)
    ]
    assert of_ended.cost - of_endless.cost >= (2 * len(names) - len(of_endless.entries)) * write_cost.ENTRY_COST > 0
    monkeypatch.setattr(call_batch, "MAX_WRITE_COST", of_ended.own.cost + 20 * write_cost.ENTRY_COST)
    for items, is_refused in ((ended, True), (ended[:5], False), (endless, False)):
        for atomic in (True, False):
            plan = await planned(callers, callers.batch(ROOT, *items, atomic=atomic))
            (batch,) = plan.batches
            assert isinstance(batch.error, CostlyWriteError) is is_refused
            assert not is_refused or (plan.state.written.cost, batch.cost, batch.entries) == (0, 0, [])


async def test_a_single_item_is_not_refused_for_its_ends(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single item cannot be divided, so its planned ends have no limit."""
    seeded(callers.store.memory, asset("dataset up"), asset("dataset d"))
    ended = link("DERIVES", "dataset up", "dataset d", validTo=NOW + 50)
    (before,) = (await planned(callers, callers.batch(ROOT, ended))).batches
    monkeypatch.setattr(call_batch, "MAX_WRITE_COST", before.own.cost)
    (after,) = (await planned(callers, callers.batch(ROOT, ended))).batches
    assert (after.error, after.cost) == (None, before.cost)
