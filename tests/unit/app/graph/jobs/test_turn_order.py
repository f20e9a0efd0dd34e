"""The order of turns: whatever is added, none waits for more than one turn of each other."""

from app.graph.jobs.turn_order import TurnOrder


def test_each_has_its_turn_before_any_has_two() -> None:
    """New ones come first, in the order given, then those whose last turn is the longest ago; absent ones are new."""
    turns = TurnOrder[str]()
    assert [turns.next("ab") for _ in range(3)] == ["a", "b", "a"]
    assert [turns.next("cabd") for _ in range(5)] == ["c", "d", "b", "a", "c"]
    assert [turns.next("d"), turns.next("dab")] == ["d", "a"]
