"""Vertices whose targets are read over several steps."""

from collections.abc import Iterable
from typing import Any

import pytest

from app.graph.driver.edge_pages import EdgePages, VisitBudget
from app.graph.propagation import target_queue
from app.graph.propagation.target_queue import TargetQueue


class Flows:
    """Each vertex has two targets, each of which is a page."""

    def target_pages(self, vids: Iterable[int]) -> EdgePages:
        """Return the reading of the targets of vertices."""
        return EdgePages([{"d": "out", "ls": ["A"], "p": -1, "xs": [*vids]}])

    async def next_far_ends(self, pages: EdgePages, budget: VisitBudget) -> set[int]:
        """Return the next target."""
        (hop,) = pages.within(budget).bindings()
        left = [*hop["more"], *((vid, "A", 0) for vid in hop["xs"])]
        vid, label, place = left[0]
        pages.add([[]], [([], [*([] if place else [(vid, label, 1)]), *left[1:]])], 1)
        return {10 * vid + place}


async def test_all_targets_are_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few vertices are read together, each once, and those that are added meanwhile as well."""
    monkeypatch.setattr(target_queue, "AT_ONCE", 2)
    queue, flows, found = TargetQueue(), Flows(), list[int]()
    any_flows: Any = flows
    assert not queue
    queue.add([1, 2, 3])
    while queue:
        found += await queue.next_targets(any_flows, VisitBudget())
        if found == [10]:
            queue.add([3, 4])
    assert found == [10, 11, 20, 21, 30, 31, 40, 41]
