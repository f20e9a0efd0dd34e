"""What each caller has of a transaction of several callers."""

import pytest

from app.graph.records.native.write_cost import COST_A_SECOND, ORDINARY_COST
from app.graph.writing.call_batch import CallBatch
from app.graph.writing.caller_shares import ORDINARY_SECONDS, SLOWEST, Charge, charges, large_seconds, writers
from app.graph.writing.group_plan import BatchPlan, GroupPlan
from app.graph.writing.unit.read_set import ReadCoverage
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.ports.outcomes import Outcome, WriteOutcome


class Batch(CallBatch):
    """A batch of which only the caller counts."""

    def __init__(self, caller: str, items: int, references: int) -> None:
        self.tenant, self.caller, self.of_job, self.atomic = "acme", caller, False, False
        self.item_count, self.edge_count = items, references


def state() -> WorkingSet:
    """Return an empty state."""
    return WorkingSet({}, {}, {}, ReadCoverage((), (), (), (), ()))


class Plan(BatchPlan):
    """The plan of a batch, by what it cost and how many items it has."""

    def __init__(self, caller: str, cost: float, seconds: float = 0.0, *, items: int = 1, references: int = 0) -> None:
        self.batch, self.cost, self.seconds = Batch(caller, items, references), int(cost), seconds
        self.outcomes = [WriteOutcome(Outcome.CREATED, "id")] * items


def test_callers_are_the_cause_by_what_they_write_and_plan() -> None:
    """A second of the plan weighs as much as what the store writes in a second; a job is the cause of nothing."""
    root, bo, ada = Plan("root", 0, 1.0), Plan("bo", 3 * COST_A_SECOND), Plan("ada", 0)
    found = charges(GroupPlan(state(), [root, bo, ada]), 2.0)
    assert {caller: each.seconds for (_, caller), each in found.items()} == {"root": 0.5, "bo": 1.5, "ada": 0.0}
    bo.batch.of_job = True
    assert {caller for _, caller in charges(GroupPlan(state(), [root, bo, ada]), 2.0)} == {"root", "ada"}
    assert charges(GroupPlan(state(), []), 2.0) == {}


def test_what_items_cost_beyond_ordinary_ones_counts() -> None:
    """Many ordinary items are no large ones, two batches of a caller count together, and those of a job do not.

    What was planned long counts also if it is not written, as it is refused or dry.
    """
    ordinary = Plan("bo", 200 * ORDINARY_COST, items=200)
    large = [Plan("ada", 0.5 * COST_A_SECOND + ORDINARY_COST), Plan("ada", 0.25 * COST_A_SECOND + ORDINARY_COST)]
    job = Plan("cy", COST_A_SECOND)
    job.batch.of_job = True
    refused = Plan("dan", 0, 0.2 + ORDINARY_SECONDS)
    assert large_seconds(GroupPlan(state(), [ordinary, *large, job, refused])) == {
        ("acme", "bo"): 0.0,
        ("acme", "ada"): pytest.approx(0.75),
        ("acme", "dan"): pytest.approx(0.2),
    }


def test_a_caller_of_ordinary_items_is_the_cause_of_nothing() -> None:
    """Not of what the store reads for another caller, and not of what it does slowly."""
    ordinary, large = Plan("bo", ORDINARY_COST), Plan("ada", COST_A_SECOND + ORDINARY_COST)
    found = charges(GroupPlan(state(), [ordinary, large]), 2.0)
    assert found["acme", "bo"] == Charge()
    assert found["acme", "ada"] == pytest.approx((2.0, 1.0, 0.0), rel=0.01)
    assert charges(GroupPlan(state(), [ordinary]), 2.0) == {("acme", "bo"): Charge()}


def test_who_refers_to_much_is_the_cause_of_what_is_read() -> None:
    """Also if nothing is written. In a transaction with others, that is not known: none is the cause of much."""
    reader, other = Plan("bo", 0, references=230), Plan("ada", ORDINARY_COST, references=1_000)
    assert charges(GroupPlan(state(), [reader], 0.5), 1.0) == {("acme", "bo"): pytest.approx((1.0, 0.5, 0.0), rel=0.02)}
    found = charges(GroupPlan(state(), [reader, other], 5.0), 6.0)
    assert found["acme", "bo"] == pytest.approx((0.0, 0.0462, 0.0), abs=0.003)
    assert found["acme", "ada"][1] == pytest.approx(0.2, abs=0.01)


def test_what_an_atomic_call_takes_beyond_a_share_counts() -> None:
    """200 ordinary items in one transaction took 0.3 seconds of the write lock again and again; few take little."""
    many = Plan("ada", 0.1 * COST_A_SECOND, 0.1, items=200)
    few = Plan("bo", 0.04 * COST_A_SECOND, 0.03, items=50)
    divided = Plan("cy", 0.1 * COST_A_SECOND, 0.1, items=200)
    single = Plan("dan", 0.1 * COST_A_SECOND, 0.002)
    for each in (many, few, single):
        each.batch.atomic = True
    plan = GroupPlan(state(), [many, few, divided, single])
    assert {caller: each.undivided for (_, caller), each in charges(plan, 0.5).items()} == {
        "ada": pytest.approx(0.12),
        "bo": 0.0,
        "cy": 0.0,
        "dan": 0.0,
    }
    for planned in plan.batches:
        planned.writes = True
    assert writers(plan) == {("acme", each): each == "ada" for each in ("ada", "bo", "cy", "dan")}


def test_a_slow_store_counts_little() -> None:
    """A transaction that took ten seconds in place of a half did so because of the store."""
    large = Plan("ada", 0.5 * COST_A_SECOND)
    assert charges(GroupPlan(state(), [large]), 10.0)["acme", "ada"][0] == pytest.approx(SLOWEST * 0.5)


def test_writers_are_those_whose_batches_are_written() -> None:
    """Not who was refused, and no job; others in another process do not wait for callers of large items."""
    small, large, refused, job = Plan("bo", 1), Plan("ada", COST_A_SECOND), Plan("dan", 0), Plan("cy", 1)
    for each in (small, large, refused, job):
        each.writes = each is not refused
    job.batch.of_job = True
    found = writers(GroupPlan(state(), [small, large, refused, job]))
    assert found == {("acme", "bo"): False, ("acme", "ada"): True}
