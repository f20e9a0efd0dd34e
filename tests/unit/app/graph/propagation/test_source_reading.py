"""The sources in several pages are those that one page would have."""

import pytest

from app.graph.driver.edge_pages import EdgePages
from app.graph.propagation.flow_statement import CHILD_STEPS, PARENT_STEPS
from app.graph.propagation.source_reading import SourceReading
from app.graph.propagation.sources import group_of

TARGET, OTHER, PARENT, CHILD, SOURCE, OWN = 1, 2, 10, 11, 20, 30
CARRIED = [(TARGET, PARENT), (TARGET, SOURCE), (OTHER, PARENT)]


def page(hop: int, *edges: tuple[int, int]) -> list[list[int | str]]:
    """Return the rows of a page that has edges of one hop."""
    rows: list[list[int | str]] = [[] for _ in range(1 + len(CHILD_STEPS) + len(PARENT_STEPS))]
    rows[hop] = [value for start, far in edges for value in (start, far, "DATASET")]
    return rows


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_group_is_a_source_whenever_its_children_are_read(order: tuple[int, ...]) -> None:
    """The children of a source may come in a later page than the edges from it; an own parent is no group."""
    pages = [page(0, *CARRIED), page(1, (PARENT, CHILD)), page(1 + len(CHILD_STEPS), (TARGET, OWN))]
    reading = SourceReading([TARGET, OTHER], EdgePages([]))
    for number in order:
        reading.add(pages[number])
    group = group_of(PARENT)
    assert reading.sources() == {TARGET: {group, SOURCE, OWN}, OTHER: {group}, group: {PARENT, CHILD}}
    assert reading.size == 5


def test_writes_elsewhere_do_not_change_what_is_read() -> None:
    """New edges to the vertices do, and edges between a source that was reached and its children."""
    hops = [{"d": "in", "ls": ["A"], "p": -1, "xs": [TARGET]}, {"d": "in", "ls": ["B"], "p": 0, "ns": [], "xs": []}]
    reading = SourceReading([TARGET], EdgePages(hops))
    reading.pages.add([[(PARENT, 1)], []], [([], [(TARGET, "A", 1)]), ([], [])], 2)
    assert not reading.is_changed(carried={PARENT, SOURCE}, joined={SOURCE})
    assert reading.is_changed(carried={TARGET}, joined=())
    assert reading.is_changed(carried=(), joined={PARENT})
    assert reading.is_changed(carried=(), joined={TARGET})
