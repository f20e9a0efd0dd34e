"""The plan of a group: each batch has the result that it would have alone, after the earlier ones."""

import threading
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, seeded
from support.stores.memory_store import Callers
from support.stores.planned_groups import outcomes, planned
from support.stores.planning_clock import PlanningClock
from support.stores.writers import NOW, asset, link, person, urn

import app.graph.writing.effects.raise_sensitivity as raising
from app.graph.commits.sensitivity_floors import FloorView, SensitivityFloor
from app.graph.commits.writer_contention import CONTENDED_TIME_SHARE
from app.graph.driver.errors import TransientConflictError
from app.graph.records.vertex_id import vertex_id
from app.graph.writing import batch_planner, group_plan
from app.graph.writing.effects import tag_outbox
from app.graph.writing.group_plan import GroupPlan
from app.graph.writing.plan_time import MAX_ATOMIC_SECONDS, PLAN_SECONDS
from app.graph.writing.unit import working_set
from app.graph.writing.unit.read_set import ReadCoverage
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.execution import side_thread
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.ports.commands import DeleteCommand, IdempotencyKey
from policies.errors import LimitError

ADA = person("ada", "team ranking", roles="engineer")
BO = person("bo", "team ads", roles="engineer")
SECRET = asset("dataset secret", {"visibility": "TEAM"}, owners={"team ads": ["TECHNICAL"]})
RESTRICTED = {"sensitivity": "RESTRICTED"}
MISSING = replace(asset("run r"), required=("state",))


def present(plan: GroupPlan, text: str) -> bool:
    """Return whether the transaction leaves an asset."""
    return vertex_id("default", urn(text)) in plan.state.vertices


async def test_a_batch_finds_what_earlier_batches_have_planned(callers: Callers) -> None:
    """The second registration of an id is UNCHANGED, and a stub of another call is no placeholder of this one."""
    first, second = asset("dataset a", derivedFrom=["dataset up"]), asset("dataset b", derivedFrom=["dataset up"])
    plan = await planned(callers, *(callers.batch(ROOT, item) for item in (first, first, second)))
    assert outcomes(plan) == [["CREATED"], ["UNCHANGED"], ["CREATED"]]
    assert [each.outcomes[0].placeholders for each in plan.batches] == [(urn("dataset up"),), (), ()]
    assert [each.writes for each in plan.batches] == [True, False, True]


async def test_what_another_call_hides_is_like_absent(callers: Callers) -> None:
    """A hidden asset that an earlier batch registers gives the caller what an absent one does: DENIED, placeholders."""
    absent = await planned(callers, callers.batch(ROOT), callers.batch(ADA, link("FEEDS", "dataset secret", "model m")))
    hidden = await planned(
        callers, callers.batch(ROOT, SECRET), callers.batch(ADA, link("FEEDS", "dataset secret", "model m"))
    )
    mine, theirs = absent.batches[1].outcomes[0], hidden.batches[1].outcomes[0]
    assert replace(theirs, hidden_ids=()) == mine
    visible = await planned(
        callers, callers.batch(ROOT, SECRET), callers.batch(BO, link("FEEDS", "dataset secret", "model m"))
    )
    assert visible.batches[1].outcomes[0].placeholders == (urn("model m"),)


async def test_each_batch_has_its_own_author(callers: Callers) -> None:
    """Changes are by the caller of their batch, at increasing instants in the order of the batches."""
    plan = await planned(callers, callers.batch(ROOT, asset("dataset a")), callers.batch(ADA, asset("dataset b")))
    changes = [record for record in plan.state.vertices.values() if record["kind"] == "CHANGE"]
    assert {change["subject"]: (change["actor"], change["createdAt"]) for change in changes} == {
        urn("dataset a"): ("root", NOW),
        urn("dataset b"): ("ada", NOW + 1),
    }
    assert plan.now == NOW


async def test_an_atomic_batch_with_a_rejected_item_leaves_nothing(callers: Callers) -> None:
    """Its accepted items are not written, and the next batch finds none of them; one without a rejection is kept."""
    plan = await planned(
        callers,
        callers.batch(ROOT, asset("dataset a", derivedFrom=["dataset up"]), MISSING, atomic=True),
        callers.batch(ROOT, asset("dataset b", derivedFrom=["dataset up"])),
        callers.batch(ROOT, asset("dataset c"), atomic=True),
    )
    assert outcomes(plan) == [["INVALID", "INVALID"], ["CREATED"], ["CREATED"]]
    assert plan.batches[1].outcomes[0].placeholders == (urn("dataset up"),)
    assert [present(plan, f"dataset {name}") for name in "abc"] == [False, True, True]
    assert not plan.batches[0].writes


async def test_a_dry_run_writes_nothing_and_is_not_found(callers: Callers) -> None:
    """A later batch creates what a dry run would have created, and a dry run finds what was planned before it."""
    item = asset("dataset a")
    plan = await planned(callers, *(callers.batch(ROOT, item, dry_run=is_dry) for is_dry in (True, False, True)))
    assert outcomes(plan) == [["CREATED"], ["CREATED"], ["UNCHANGED"]]
    assert [each.writes for each in plan.batches] == [False, True, False]


async def test_an_idempotency_key_of_an_earlier_batch_is_replayed(callers: Callers) -> None:
    """Of two calls under one key the second has the outcome of the first, and only for the same caller."""
    item = replace(asset("dataset a"), key=IdempotencyKey("key", "digest"))
    plan = await planned(callers, *(callers.batch(who, item) for who in (ROOT, ROOT, ADA)))
    assert outcomes(plan) == [["CREATED"], ["CREATED"], ["UNCHANGED"]]


async def test_ids_that_another_call_fails_to_register_stay_known(callers: Callers) -> None:
    """With EXISTING, a reference to an item of the own call is accepted, although another call has failed with it."""
    ids = frozenset({urn("dataset a"), urn("dataset b")})
    own = [replace(asset("dataset b", derivedFrom=["dataset a"]), known_ids=ids), asset("dataset a")]
    plan = await planned(
        callers, callers.batch(ROOT, replace(asset("dataset a"), expected_revision=7)), callers.batch(ROOT, *own)
    )
    assert outcomes(plan) == [["CONFLICT"], ["CREATED", "CREATED"]]


async def test_an_error_of_one_call_is_undone_and_fails_only_that_call(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error in a handler leaves nothing of the batch in the transaction; a conflict is not of a call."""
    monkeypatch.setattr("app.graph.writing.group_plan.plan_item", _failing_for(urn("dataset broken")))
    plan = await planned(
        callers,
        callers.batch(ROOT, asset("dataset a"), asset("dataset broken")),
        callers.batch(ROOT, asset("dataset b")),
    )
    assert [type(each.error) for each in plan.batches] == [ZeroDivisionError, type(None)]
    assert [present(plan, f"dataset {name}") for name in ("a", "broken", "b")] == [False, False, True]
    monkeypatch.setattr("app.graph.writing.group_plan.plan_item", _failing_for("", TransientConflictError("lock")))
    with pytest.raises(TransientConflictError):
        await planned(callers, callers.batch(ROOT, asset("dataset a")))


async def test_very_much_is_taken_back_in_the_side_thread(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused item may have staged 10,000 edges: to take them back takes 50 ms."""
    monkeypatch.setattr(working_set, "LONG_STATE", 3)
    monkeypatch.setattr("app.graph.writing.group_plan.plan_item", _failing_for(urn("dataset broken")))
    undo, aside = WorkingSet.undo, list[bool]()

    def undone(state: WorkingSet) -> None:
        aside.append(threading.current_thread() is not threading.main_thread())
        undo(state)

    monkeypatch.setattr(WorkingSet, "undo", undone)
    many = asset("dataset a", derivedFrom=["dataset b", "dataset c"])
    for first in (asset("dataset a"), many):
        await planned(callers, callers.batch(ROOT, first, asset("dataset broken")))
    failing = replace(many, expected_revision=7)
    await planned(callers, callers.batch(ROOT, many, failing, atomic=True))
    assert aside == [False, True, True]


def _failing_for(broken: str, error: Exception | None = None) -> Any:
    """Return the planner of items, which fails for one id, or for all with the error."""

    def plan(command: Any, *arguments: Any, **options: Any) -> Any:
        if error is not None:
            raise error
        return 1 / 0 if command.urn == broken else batch_planner.plan_item(command, *arguments, **options)

    return plan


async def test_a_raise_of_one_batch_is_the_state_of_the_next(callers: Callers) -> None:
    """Sensitivity propagates before the next batch is planned: an asset that it hides is hidden there."""
    mine, team = {"team ads": ["TECHNICAL"]}, {"team ranking": ["TECHNICAL"]}
    items = [asset("dataset a", owners=team), asset("dataset b", owners=team), asset("model mine", owners=mine)]
    seeded(callers.store.memory, *items)
    before, raised, after = (
        callers.batch(BO, link("FEEDS", "dataset b", "model mine")),
        callers.batch(ROOT, link("DERIVES", "dataset a", "dataset b"), asset("dataset a", RESTRICTED)),
        callers.batch(BO, link("FEEDS", "dataset b", "model mine", confidence=0.5)),
    )
    plan = await planned(callers, before, raised, after)
    assert plan.state.vertices[vertex_id("default", urn("dataset b"))]["sensitivity"] == "RESTRICTED"
    assert [plan.batches[at].outcomes[0].placeholders for at in (0, 2)] == [(), (urn("dataset b"),)]


async def test_a_floor_of_an_earlier_batch_applies_to_the_next(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A raise beyond the limit puts a floor, which decides for the later batches before it is stored."""
    monkeypatch.setattr(raising, "MAX_RAISED", -10_000)
    seeded(callers.store.memory, asset("dataset a"), asset("dataset b"), link("DERIVES", "dataset a", "dataset b"))
    plan = await planned(
        callers,
        callers.batch(ROOT, asset("dataset a", RESTRICTED)),
        callers.batch(ADA, link("DERIVES", "dataset b", "dataset c")),
    )
    floors = [entry.floor for entry in plan.entries if entry.floor is not None]
    assert floors
    assert plan.batches[1].author.floors.any
    assert not plan.batches[0].author.floors.any


async def test_floors_over_many_targets_take_few_turns_in_the_side_thread(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each turn waits for the work of other callers, so a batch over many vertices under a floor takes no more."""
    many = range(40)
    seeded(callers.store.memory, *(asset(f"dataset {name}{number}") for name in "ab" for number in many))
    above, below = ([vertex_id("default", urn(f"dataset {name}{number}")) for number in many] for name in "ab")
    view = FloorView("default", [SensitivityFloor("default", "RESTRICTED", frozenset(above))])
    turns: list[object] = []

    async def counted(function: Any, *arguments: Any) -> Any:
        turns.append(function)
        return await run_aside(function, *arguments)

    monkeypatch.setattr(working_set, "LONG_STATE", 0)
    monkeypatch.setattr(group_plan, "LONG_PART_SECONDS", 60.0)
    monkeypatch.setattr(side_thread, "run_aside", counted)
    needed = []
    for count in (20, len(many)):
        links = [link("DERIVES", f"dataset a{number}", f"dataset b{number}") for number in range(count)]
        batch = callers.batch(ROOT, *links)
        batch.new_author = partial(replace, batch.new_author(), floors=view)
        turns.clear()
        plan = await planned(callers, batch)
        assert [entry.floor.covered for entry in plan.entries if entry.floor] == [frozenset(below[:count])]
        needed.append(len(turns))
    assert needed[1] == needed[0]


async def test_the_effects_of_much_are_found_in_the_side_thread(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan of a deletion and the effects on tags run there over many records, with the results of a small state."""
    owned = {"owners": {"team ranking": ["TECHNICAL"]}}
    monkeypatch.setattr(group_plan, "FEW", 100)
    features = [asset(f"feature f{number}", {}, featureSet=["feature-set s"], **owned) for number in range(3)]
    deletion = DeleteCommand(urn("feature-set s"))
    threads: dict[str, set[int]] = {"plan": set(), "tags": set()}
    aside = await run_aside(threading.get_ident)
    affected: Any = vars(tag_outbox)["_AffectedTags"]
    plan_item, tags = batch_planner.plan_item, vars(affected)["_tags"]

    def planning(*given: Any, **options: Any) -> Any:
        threads["plan"].add(threading.get_ident())
        return plan_item(*given, **options)

    def tagging(*given: Any) -> Any:
        threads["tags"].add(threading.get_ident())
        return tags(*given)

    monkeypatch.setattr(group_plan, "plan_item", planning)
    monkeypatch.setattr(affected, "_tags", tagging)
    small = await planned(callers, callers.batch(ROOT, asset("feature-set s", **owned), *features, deletion))
    assert aside not in threads["plan"] | threads["tags"]
    threads["tags"].clear()
    monkeypatch.setattr(group_plan, "FEW", 0)
    monkeypatch.setattr(working_set, "LONG_STATE", 0)
    large = await planned(callers, callers.batch(ROOT, asset("feature-set s", **owned), *features, deletion))
    assert (threads["tags"], aside in threads["plan"]) == ({aside}, True)
    assert outcomes(large) == outcomes(small)


async def test_reads_that_follow_from_each_other_end(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that needs further reads again and again is refused, instead of holding the write lock for ever."""

    async def nothing(*_: Any, **__: Any) -> WorkingSet:
        return WorkingSet({}, {}, {}, ReadCoverage(*(frozenset[Any]() for _ in range(5))))

    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", nothing)
    monkeypatch.setattr(group_plan, "MAX_ROUNDS", 1)
    with pytest.raises(LimitError, match="make it in several calls"):
        await planned(callers, callers.batch(ROOT, asset("dataset d")))


def data(*texts: str) -> list[str]:
    """Return the URNs of data sets."""
    return [urn(f"dataset {text}") for text in texts]


async def test_a_plan_whose_time_is_over_begins_no_further_item(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the items before, as if no others had been sent, and nothing of the batches after them."""
    clock = PlanningClock(dict.fromkeys(data("b", "c"), PLAN_SECONDS)).start(monkeypatch)
    batches = [callers.batch(ROOT, *(asset(f"dataset {name}") for name in some)) for some in ("a", "bcd", "e")]
    plan = await planned(callers, *batches)
    assert outcomes(plan) == [["CREATED"], ["CREATED", "CREATED"]]
    assert clock.planned == data("a", "b", "c")
    assert [present(plan, f"dataset {name}") for name in "abcde"] == [True, True, True, False, False]


async def test_a_call_of_many_items_has_little_of_a_plan_while_others_write(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch has a share of its time, and what is behind it is planned as well."""
    slow = dict.fromkeys(data(*"abcdefg"), 0.6 * PLAN_SECONDS / CONTENDED_TIME_SHARE)
    clock = PlanningClock(slow).start(monkeypatch)
    with callers.coordinator.contention.call("ada"), callers.coordinator.contention.call("bo"):
        calls = ((ROOT, "abc"), (ADA, "def"), (ROOT, "g"))
        batches = [callers.batch(who, *(asset(f"dataset {name}") for name in some)) for who, some in calls]
        plan = await planned(callers, *batches)
    assert outcomes(plan) == [["CREATED"] * 2, ["CREATED"] * 2, ["CREATED"]]
    assert clock.planned == data("a", "b", "d", "e", "g")


async def test_the_first_item_is_planned_however_long_it_takes(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each transaction so has at least one item, and a batch after it is not begun."""
    clock = PlanningClock(dict.fromkeys(data("a"), 60)).start(monkeypatch)
    plan = await planned(
        callers, callers.batch(ROOT, asset("dataset a"), asset("dataset b")), callers.batch(ADA, asset("dataset c"))
    )
    assert (outcomes(plan), clock.planned) == ([["CREATED"]], data("a"))


async def test_a_long_plan_that_needs_further_reads_is_repeated_in_part(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a read, half of the items are planned again, and not all for which there was no time before."""
    clock = PlanningClock(dict.fromkeys(data("0", "1", "2", "3", "4"), 0.3 * PLAN_SECONDS)).start(monkeypatch)
    incomplete = [True, False]
    prefetch = callers.store.prefetch

    async def lacking(*given: object, **options: bool) -> WorkingSet:
        state = await prefetch(*given, **options)
        if incomplete.pop(0):
            state.missing.records.add(urn("dataset far"))
        return state

    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", lacking)
    plan = await planned(callers, callers.batch(ROOT, *(asset(f"dataset {number}") for number in range(9))))
    assert clock.planned == data("0", "1", "2", "3", "0", "1")
    assert outcomes(plan) == [["CREATED"] * 2]


async def test_no_batch_is_begun_after_effects_that_read_much(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A raise reads the lineage below its asset: the batches after it are left for the next transactions."""
    seeded(callers.store.memory, *(asset(f"dataset {name}") for name in "abc"))
    batches = [callers.batch(ROOT, asset(f"dataset {name}", RESTRICTED)) for name in "abc"]
    monkeypatch.setattr("app.graph.writing.plan_time.READ_SECONDS", 0.6 * PLAN_SECONDS)
    plan = await planned(callers, callers.batch(ROOT, asset("dataset new")), *batches)
    assert outcomes(plan) == [["CREATED"], ["UPDATED"], ["UPDATED"]]
    levels = [plan.state.vertices[vertex_id("default", urn(f"dataset {name}"))]["sensitivity"] for name in "abc"]
    assert levels == ["RESTRICTED", "RESTRICTED", "INTERNAL"]


async def test_reads_of_effects_count_for_the_batch_that_has_them(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller of a raise is the cause of a long transaction, and not those whose batches are before or after it."""
    seeded(callers.store.memory, asset("dataset a"))
    monkeypatch.setattr("app.graph.writing.plan_time.thread_time", lambda: 0.0)
    texts = [asset("dataset b"), asset("dataset a", RESTRICTED), asset("dataset c")]
    plan = await planned(callers, *(callers.batch(ROOT, each) for each in texts))
    assert outcomes(plan) == [["CREATED"], ["UPDATED"], ["CREATED"]]
    before, raising_one, after = (each.seconds for each in plan.batches)
    assert raising_one > before == after == 0


async def test_a_plan_leaves_its_error_to_the_call(callers: Callers) -> None:
    """The frames of the error refer to the plan, so that all that it read would wait for a collection."""
    (plan,) = (await planned(callers, callers.batch(ROOT, asset("dataset a")))).batches
    plan.error = error = LimitError("Too much.")
    plan.complete()
    assert plan.error is None
    assert plan.batch.done.exception() is error


async def test_an_atomic_batch_is_planned_completely_or_refused(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has more time, beyond which nothing of it is written; the batch after it waits for the next transaction."""
    clock = PlanningClock(dict.fromkeys(data("a", "c"), MAX_ATOMIC_SECONDS)).start(monkeypatch)
    items = [asset(f"dataset {name}") for name in "abcd"]
    other = callers.batch(ADA, asset("dataset e"))
    plan = await planned(callers, callers.batch(ROOT, *items[:3], atomic=True), other)
    assert outcomes(plan) == [["CREATED"] * 3]
    plan = await planned(callers, callers.batch(ROOT, *items, atomic=True), other)
    (refused,) = plan.batches
    assert isinstance(refused.error, LimitError)
    assert refused.error.extensions["limit"] == "atomicSeconds"
    assert not any(present(plan, f"dataset {name}") for name in "abcde")
    assert data("e")[0] not in clock.planned


@pytest.mark.parametrize("atomic", [False, True])
async def test_a_call_that_ends_is_planned_no_further(
    callers: Callers, monkeypatch: pytest.MonkeyPatch, *, atomic: bool
) -> None:
    """If its time is over, or its client leaves, nothing of the batch is written, and the next one is planned."""
    over = LimitError("too long")
    ending = callers.batch(ROOT, *(asset(f"dataset {name}") for name in "abc"), atomic=atomic)
    clock = PlanningClock(call=lambda item: ending.budget.end(over) if item == urn("dataset b") else None)
    clock.start(monkeypatch)
    plan = await planned(callers, ending, callers.batch(ADA, asset("dataset d")))
    assert plan.batches[0].error is over
    assert clock.planned == data("a", "b", "d")
    assert [present(plan, f"dataset {name}") for name in "abcd"] == [False, False, False, True]
