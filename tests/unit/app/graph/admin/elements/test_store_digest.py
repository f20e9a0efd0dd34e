"""The digest of a store: the same for the same elements in any order and pages, another for any other elements."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graph.admin.elements.element_pages import EdgeElement, ElementPage, VertexElement
from app.graph.admin.elements.store_digest import StoreDigest

VALUES = st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.text(), st.integers(0, 2**60), st.booleans())))
VERTICES = st.lists(
    st.builds(VertexElement, st.integers(1, 2**62), st.sampled_from(["Model", "Team"]), VALUES.map(tuple))
)
EDGES = st.lists(
    st.builds(
        EdgeElement,
        st.sampled_from(["FEEDS", "DERIVES"]),
        st.integers(1, 2**62),
        st.integers(1, 2**62),
        VALUES.map(tuple),
    )
)
SMALL = (VertexElement(1, "Model", (("a", 1), ("b", "x"))), VertexElement(2, "Team", (("s", "p"), ("s", "q"))))
LINK = EdgeElement("FEEDS", 1, 2, (("at", 5),))


def digest(vertices: list[VertexElement], edges: list[EdgeElement]) -> StoreDigest:
    """Return the digest of elements in one page."""
    found = StoreDigest()
    found.add(ElementPage(tuple(vertices), tuple(edges), None))
    return found


@given(VERTICES, EDGES, st.integers())
def test_order_and_pages_do_not_count(vertices: list[VertexElement], edges: list[EdgeElement], seed: int) -> None:
    """Shuffled elements with shuffled values, one to a page, have the same digest, also after it was stored."""
    chance, other = Random(seed), StoreDigest()
    shuffled: list[VertexElement | EdgeElement] = [*vertices, *edges]
    chance.shuffle(shuffled)
    for one in shuffled:
        values = tuple(chance.sample(one.values, len(one.values)))
        if isinstance(one, VertexElement):
            other.add(ElementPage((VertexElement(one.vid, one.label, values),), (), None))
        else:
            other.add(ElementPage((), (EdgeElement(one.label, one.source, one.target, values),), None))
    given_order = digest(vertices, edges)
    assert other.text == given_order.text
    assert StoreDigest.of(given_order.stored()).text == given_order.text
    assert given_order.differences(other) == []


@pytest.mark.parametrize(
    ("vertices", "edges", "differences"),
    [
        ([SMALL[0]], [LINK], ["Team: 1 and 0"]),
        ([*SMALL, SMALL[1]], [LINK], ["Team: 1 and 2"]),
        ([*SMALL], [], ["-FEEDS->: 1 and 0"]),
        ([SMALL[0], VertexElement(3, "Team", SMALL[1].values)], [LINK], ["Team: 1 and 1, with other values"]),
        ([VertexElement(1, "Team", SMALL[0].values), SMALL[1]], [LINK], ["Model: 1 and 0", "Team: 1 and 2"]),
        ([SMALL[0], VertexElement(2, "Team", (("s", "p"),))], [LINK], ["Team: 1 and 1, with other values"]),
        ([*SMALL], [EdgeElement("FEEDS", 2, 1, LINK.values)], ["-FEEDS->: 1 and 1, with other values"]),
        ([*SMALL], [EdgeElement("FEEDS", 1, 2, (("at", 6),))], ["-FEEDS->: 1 and 1, with other values"]),
    ],
)
def test_every_other_element_counts(
    vertices: list[VertexElement], edges: list[EdgeElement], differences: list[str]
) -> None:
    """An element that is absent, twice, or has another id, label, value or direction is found and named."""
    before, after = digest([*SMALL], [LINK]), digest(vertices, edges)
    assert before.text != after.text
    assert before.differences(after) == differences
