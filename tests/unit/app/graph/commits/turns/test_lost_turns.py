"""The turns that a planner has lost: when others wait for it, and for how long."""

import pytest

from app.graph.commits.turns.lost_turns import LostTurns


@pytest.mark.parametrize(
    ("plans", "wait"),
    [
        ([], 0),
        ([5_000, 5_000], 0),
        ([100, 400, 200], 1_200),
        ([10, 10, 10], 1_000),
        ([100, 100, 60_000, 100], 10_000),
    ],
)
def test_others_wait_after_three_lost_turns(plans: list[int], wait: int) -> None:
    """They wait for three times the longest plan, at least a second and at most ten."""
    lost = LostTurns()
    for milliseconds in plans:
        lost.lose(milliseconds)
    assert lost.wait == wait


def test_a_turn_that_is_won_ends_the_wait() -> None:
    """Only turns in a row count, with their plans."""
    lost = LostTurns()
    for milliseconds in (5_000, 5_000, 5_000):
        lost.lose(milliseconds)
    lost.win()
    assert lost.wait == 0
    for _ in range(3):
        lost.lose(400)
    assert lost.wait == 1_200
