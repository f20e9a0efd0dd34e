"""The turns of callers with many keys each: none has more turns than another."""

import pytest

from app.graph.commits.outbox_entry import Caller
from app.graph.commits.turns.caller_turns import CallerTurns
from app.graph.driver.errors import LostTurnError

ADA: Caller = ("acme", "ada")
BO: Caller = ("acme", "bo")


def turn(turns: CallerTurns[str], keys: dict[Caller, str], error: Exception | None = None) -> tuple[Caller, str]:
    """Return the caller and the key that have the next turn, in which an error may be raised."""
    with turns.turn(keys) as found:
        if error is not None:
            raise error
    return found


def test_callers_take_turns_and_then_their_keys() -> None:
    """A caller with one key has every second turn beside one with many, whose keys are in order."""
    turns, keys = CallerTurns[str](), {ADA: "abcd", BO: "x"}
    found = [turn(turns, keys) for _ in range(6)]
    assert found == [(ADA, "a"), (BO, "x"), (ADA, "b"), (BO, "x"), (ADA, "c"), (BO, "x")]


def test_a_turn_that_was_lost_to_another_process_is_repeated() -> None:
    """It has the same caller and the same key, and then the order continues."""
    turns, keys = CallerTurns[str](), {ADA: "ab", BO: "x"}
    with pytest.raises(LostTurnError):
        turn(turns, keys, LostTurnError("another process wrote first"))
    assert [turn(turns, keys) for _ in range(3)] == [(ADA, "a"), (BO, "x"), (ADA, "b")]
