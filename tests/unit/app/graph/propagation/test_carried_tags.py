"""The tags of vertices and of their targets, which are read over several steps."""

from collections.abc import Iterable
from typing import Any

from support.stores.paged_edges import page_of

from app.graph.driver.edge_pages import EdgePages, VisitBudget
from app.graph.propagation.carried_tags import CarriedTags

TARGETS, TAGS = {1: [11, 12, 13]}, {2: [90], 11: [90, 91], 12: [91], 13: [90, 91, 92]}


class Flows:
    """Edges from vertices to their targets and to their tags; ``visited`` are the numbers of edges of the pages."""

    def __init__(self) -> None:
        self.visited: list[int] = []

    def target_pages(self, vids: Iterable[int]) -> EdgePages:
        """Return the reading of the targets of vertices."""
        return EdgePages([{"d": "out", "ls": ["TARGET"], "p": -1, "xs": [*vids]}])

    def tag_pages(self, vids: Iterable[int]) -> EdgePages:
        """Return the reading of the tags of vertices."""
        return EdgePages([{"d": "out", "ls": ["TAG"], "p": -1, "xs": [*vids]}])

    async def next_far_ends(self, pages: EdgePages, budget: VisitBudget) -> set[int]:
        """Return the next targets."""
        return {far for _, far in await self.next_edges(pages, budget)}

    async def next_edges(self, pages: EdgePages, budget: VisitBudget) -> list[Any]:
        """Return the next edges, at most as many as the budget has left."""
        (hop,) = pages.within(budget).bindings()
        ends = TARGETS if hop["ls"] == ["TARGET"] else TAGS
        rows, rest = page_of([hop], lambda _, vid: [(vid, far) for far in ends.get(vid, ())], pages.page)
        self.visited.append(len(rows[0]))
        pages.add([()], rest, len(rows[0]))
        return rows[0]


async def test_the_tags_of_vertices_and_targets_are_read_in_small_steps() -> None:
    """Each edge to a tag is read once, and no step visits more edges than its budget has."""
    flows: Any = Flows()
    for most in (1, 2, 100):
        carried, found, steps = CarriedTags(), dict[int, list[int]](), 0
        carried.add([2])
        carried.targets.add([1])
        while carried:
            flows.visited = []
            for tag, vids in (await carried.advance(flows, VisitBudget(most))).items():
                found.setdefault(tag, []).extend(vids)
            assert sum(flows.visited) <= most
            steps += 1
        assert {tag: sorted(vids) for tag, vids in found.items()} == {90: [2, 11, 13], 91: [11, 12, 13], 92: [13]}
        assert steps >= (3 + 7) / most
