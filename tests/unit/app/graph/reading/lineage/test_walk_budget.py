"""Budgets of the lineage queries of one operation."""

import pytest

from app.graph.reading.lineage.walk_budget import Budget, WalkLimits
from policies.errors import LimitError


class Seconds:
    """A clock that a test moves; ``looks`` counts how often it was read."""

    def __init__(self) -> None:
        self.now = 100.0
        self.looks = 0

    def __call__(self) -> float:
        """Return the instant, in seconds."""
        self.looks += 1
        return self.now


@pytest.fixture
def clock() -> Seconds:
    """Return a clock at an arbitrary instant."""
    return Seconds()


def test_time_runs_from_the_first_look(clock: Seconds) -> None:
    """The budget begins with the first walk, not when the operation is opened; its last instant is late."""
    budget = Budget(WalkLimits(seconds=8.0), clock)
    clock.now = 500.0
    assert not budget.late
    clock.now = 507.9
    assert budget.count_edges(0) is None
    clock.now = 508.0
    assert budget.late
    assert budget.count_edges(0) == "TIME"


def test_walks_share_a_number_of_edges(clock: Seconds) -> None:
    """As many edges as the limit may be followed in one operation; one more ends it."""
    budget = Budget(WalkLimits(edges=10), clock)
    assert [budget.count_edges(edges) for edges in (4, 6, 0, 1)] == [None, None, None, "EDGES"]


def test_walks_share_a_number_of_group_members(clock: Seconds) -> None:
    """As many members of asset groups, or findings on them, as the limit may count; one more ends the walk."""
    budget = Budget(WalkLimits(members=10), clock)
    assert [budget.count_members(members) for members in (4, 6, 0, 1)] == [None, None, None, "EDGES"]


def test_an_operation_has_a_limited_number_of_walks(clock: Seconds) -> None:
    """A walk beyond the limit is refused, because each asset of a list may request one."""
    budget = Budget(WalkLimits(walks=2), clock)
    budget.begin()
    budget.begin()
    with pytest.raises(LimitError) as refused:
        budget.begin()
    assert refused.value.extensions == {"limit": 2}


def test_searches_share_a_number_of_steps(clock: Seconds) -> None:
    """As many steps as the limit may be tried; one more ends the search."""
    budget = Budget(WalkLimits(steps=3), clock)
    assert [budget.count_step() for _ in range(4)] == [None, None, None, "STEPS"]


def test_comparisons_share_a_number_of_ids(clock: Seconds) -> None:
    """As many ids as the limit may be compared; then the walks have too many edges."""
    budget = Budget(WalkLimits(ids=10), clock)
    assert [budget.count_ids(ids) for ids in (4, 6, 0, 1)] == [None, None, None, "EDGES"]


def test_evaluations_that_change_no_status_have_a_quarter_of_the_limit(clock: Seconds) -> None:
    """Anybody may record those for a version; each evaluation counts once, for whatever number of versions."""
    budget = Budget(WalkLimits(evaluations=8), clock)
    given = [(1, False), (2, False), (3, False), (1, True), *((vid, True) for vid in range(4, 11)), (2, False)]
    counted = [budget.count_evaluation(vid, counts=counts) for vid, counts in given]
    assert counted == [None, None, "EDGES", None, *[None] * 6, "EDGES", None]


def test_a_search_reads_the_clock_once_in_2000_steps(clock: Seconds) -> None:
    """Reading the clock at each step would take longer than the step."""
    budget = Budget(WalkLimits(seconds=8.0), clock)
    assert {budget.count_step() for _ in range(3_999)} == {None}
    assert clock.looks == 1
    clock.now += 8.0
    assert budget.count_step() == "TIME"


def test_the_limits_are_those_of_the_documentation() -> None:
    """docs/lineage.md names them, with what a client can do when one is met."""
    limits = WalkLimits()
    assert (limits.nodes, limits.seconds, limits.walks, limits.edges, limits.steps, limits.ids) == (
        10_000,
        8.0,
        1_000,
        300_000,
        200_000,
        4_000_000,
    )


@pytest.mark.usefixtures("lowest_limits")
def test_limits_for_which_hidden_edges_count_are_lower_by_chance(clock: Seconds) -> None:
    """No caller counts hidden edges by the number of own ones at which a walk ends; steps and walks have no hidden."""
    limits = WalkLimits(nodes=160, walks=160, edges=160, steps=160, ids=160, members=160, evaluations=160)
    drawn = Budget(limits, clock).limits
    assert (drawn.edges, drawn.ids, drawn.members) == (124,) * 3
    assert (drawn.nodes, drawn.walks, drawn.steps, drawn.evaluations) == (160,) * 4
