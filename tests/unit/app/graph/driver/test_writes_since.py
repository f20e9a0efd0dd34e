"""What was written since a moment: each transaction at its begin and its end, until it is taken."""

from typing import Any

import pytest

from app.graph.driver.writes_since import WritesSince
from app.graph.records import touched
from app.graph.records.touched import EVERYTHING, Touched


class Client:
    """Has the watches of the writes of a client."""

    def __init__(self) -> None:
        self.write_watches: list[object] = []


ONE, OTHER = Touched(vertices=frozenset({1})), Touched(vertices=frozenset({2}))


def test_transactions_are_recorded_until_they_are_taken() -> None:
    """One that had begun before counts at its end, and one in flight counts again after it was taken."""
    client: Any = Client()
    written = WritesSince()
    assert not written.has_begun
    written.begin(client)
    written.begin(client)
    assert (written.has_begun, client.write_watches) == (True, [written])
    written.ended(ONE, certain=True)
    written.begun(OTHER)
    assert written.take() == [ONE, OTHER]
    assert written.take() == []
    written.ended(OTHER, certain=False)
    assert written.take() == [OTHER]


def test_a_transaction_of_which_nothing_is_known_is_everything() -> None:
    """None is returned once, because what was read before is then of no use."""
    client: Any = Client()
    written = WritesSince()
    written.begin(client)
    written.begun(ONE)
    written.begun(EVERYTHING)
    assert written.take() is None
    assert written.take() == []


def test_a_large_transaction_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is recorded with its first part, also if it is taken before the last one, and again at its end."""
    monkeypatch.setattr(touched, "PART_SIZE", 1)
    client: Any = Client()
    written = WritesSince()
    written.begin(client)
    ends = frozenset({("out", "DERIVES", 1), ("in", "DERIVES", 2)})
    large = Touched(edge_ends=ends)
    first, last = large.parts()
    written.begun(first)
    assert written.take() == [large]
    written.begun(last)
    written.ended(first, certain=True)
    written.ended(last, certain=True)
    assert written.take() == [large]
    assert written.take() == []


def test_after_the_end_nothing_is_known() -> None:
    """The client has no watch left, and others may write anything unseen; a further end changes nothing."""
    client: Any = Client()
    written = WritesSince()
    assert written.take() is None
    written.begin(client)
    written.begun(ONE)
    written.end()
    written.end()
    assert (written.take(), client.write_watches, written.has_begun) == (None, [], False)
