"""The order of turns: whatever is added, none waits for more than one turn of each other that had an effect."""

import pytest

from app.graph.commits.turns.turn_order import TurnOrder
from app.graph.driver.errors import LostTurnError


def turn(turns: TurnOrder[str], keys: str, error: Exception | None = None) -> str:
    """Return the key that has the next turn, in which an error may be raised."""
    with turns.turn(keys) as key:
        if error is not None:
            raise error
    return key


def test_each_has_its_turn_before_any_has_two() -> None:
    """The one that waits longest comes first, and new ones in the order given behind those that wait already."""
    turns = TurnOrder[str]()
    assert [turn(turns, "ab") for _ in range(3)] == ["a", "b", "a"]
    assert [turn(turns, "cabd") for _ in range(5)] == ["b", "c", "d", "a", "b"]
    assert [turn(turns, "d"), turn(turns, "dab")] == ["d", "a"]


def test_those_that_come_and_go_starve_none_that_stays() -> None:
    """Two callers with a small entry for every second step delay the long work of a third by one turn each."""
    turns = TurnOrder[str]()
    found = [turn(turns, ("ab", "ac")[number % 2]) for number in range(30)]
    assert found.count("a") >= 15


def test_a_turn_that_was_lost_to_another_process_is_repeated() -> None:
    """It comes before all others, also new ones, however often it is lost, and then the order continues."""
    turns = TurnOrder[str]()
    assert turn(turns, "ab") == "a"
    for _ in range(2):
        with pytest.raises(LostTurnError):
            turn(turns, "cab", LostTurnError("another process wrote first"))
    assert [turn(turns, "dcab") for _ in range(4)] == ["b", "c", "a", "d"]


def test_a_lost_turn_of_what_is_gone_is_not_repeated() -> None:
    """The work may be done by another process meanwhile."""
    turns = TurnOrder[str]()
    with pytest.raises(LostTurnError):
        turn(turns, "ab", LostTurnError("another process wrote first"))
    assert [turn(turns, "b"), turn(turns, "ab")] == ["b", "a"]


def test_what_fails_does_not_stop_the_others() -> None:
    """After another error it is the turn of the next one."""
    turns = TurnOrder[str]()
    with pytest.raises(ValueError, match="failed"):
        turn(turns, "ab", ValueError("failed"))
    assert [turn(turns, "ab"), turn(turns, "ab")] == ["b", "a"]
