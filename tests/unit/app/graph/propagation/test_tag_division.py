"""The tags of a division that one transaction stores: not more than the store accepts, and at least one."""

import pytest

from app.graph.propagation import tag_division
from app.graph.propagation.tag_division import TagDivision


def test_a_transaction_stores_the_first_tags_and_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vertices count for each tag, and one tag alone may have more than others together."""
    monkeypatch.setattr(tag_division, "MAX_IDS", 3)
    division = TagDivision.around(0, [])
    division.by_tag |= {1: {10: None}, 2: {10: None, 11: None}, 3: {10: None}, 4: dict.fromkeys(range(5))}
    found = []
    while division.by_tag:
        found.append(division.next_tags())
        for tag in found[-1]:
            del division.by_tag[tag]
    assert found == [[1, 2], [3], [4]]
    assert division.next_tags() == []
