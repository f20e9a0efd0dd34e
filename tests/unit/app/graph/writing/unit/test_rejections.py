"""The messages of rejections."""

import pytest

from app.graph.writing.unit.rejections import MAX_NAMED, some_of


@pytest.mark.parametrize(("number", "end"), [(1, "n0"), (MAX_NAMED, "n4"), (MAX_NAMED + 1, " and 1 more")])
def test_some_are_named_and_the_others_are_counted(number: int, end: str) -> None:
    """A message names at most MAX_NAMED things, so that its length does not depend on their number."""
    text = some_of([f"n{each}" for each in range(number)], ", ")
    assert text.endswith(end)
    assert text.count("n") == min(number, MAX_NAMED) + text.count("and")
