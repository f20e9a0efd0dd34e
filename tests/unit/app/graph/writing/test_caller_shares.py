"""What each caller has of a transaction of several callers."""

import pytest

from app.graph.records.native.write_cost import COST_A_SECOND, ORDINARY_COST
from app.graph.writing.call_batch import CallBatch
from app.graph.writing.caller_shares import large_seconds, shares
from app.graph.writing.group_plan import BatchPlan
from graphql_schema.ports.outcomes import Outcome, WriteOutcome


class Batch(CallBatch):
    """A batch of which only the caller counts."""

    def __init__(self, caller: str) -> None:
        self.tenant, self.caller, self.of_job = "acme", caller, False


class Plan(BatchPlan):
    """The plan of a batch, by what it cost and how many items it has."""

    def __init__(self, caller: str, cost: float, seconds: float = 0.0, items: int = 1) -> None:
        self.batch, self.cost, self.seconds = Batch(caller), int(cost), seconds
        self.outcomes = [WriteOutcome(Outcome.CREATED, "id")] * items


def test_callers_are_the_cause_by_what_they_write_and_plan() -> None:
    """A second of the plan weighs as much as what the store writes in a second; a job is the cause of nothing."""
    root, bo, ada = Plan("root", 0, 1.0), Plan("bo", 3 * COST_A_SECOND), Plan("ada", 0)
    found = shares([root, bo, ada])
    assert {caller: part for (_, caller), part in found.items()} == {"root": 0.25, "bo": 0.75, "ada": 0.0}
    bo.batch.of_job = True
    assert {caller for _, caller in shares([root, bo, ada])} == {"root", "ada"}
    assert shares([]) == {}


def test_what_items_cost_beyond_ordinary_ones_counts() -> None:
    """Many ordinary items are no large ones, two batches of a caller count together, and those of a job do not."""
    ordinary = Plan("bo", 200 * ORDINARY_COST, items=200)
    large = [Plan("ada", 0.5 * COST_A_SECOND + ORDINARY_COST), Plan("ada", 0.25 * COST_A_SECOND + ORDINARY_COST)]
    job = Plan("cy", COST_A_SECOND)
    job.batch.of_job = True
    assert large_seconds([ordinary, *large, job]) == {("acme", "bo"): 0.0, ("acme", "ada"): pytest.approx(0.75)}
