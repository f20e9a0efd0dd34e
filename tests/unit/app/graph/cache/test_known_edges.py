"""What follows from the known edges of a vertex at another instant, and when nothing follows."""

from typing import Any

import pytest

from app.graph.cache.known_edges import FarEdge, KnownEdges
from app.graph.records.edge_record import UNCONFIRMED

SINCE = 100


def edge(far: int, begin: int = 0, end: int | None = None, **more: Any) -> FarEdge:
    """Return an edge to a far end."""
    return far, {"relation": "FEEDS", "validFrom": begin, **({} if end is None else {"validTo": end}), **more}


def known(*edges: FarEdge, **more: Any) -> KnownEdges:
    """Return edges that were read at the instant SINCE."""
    return KnownEdges(list(edges), SINCE, 1, **more)


def fars(found: list[FarEdge] | None) -> list[int] | None:
    """Return the far ends of edges, None for None."""
    return None if found is None else [far for far, _ in found]


@pytest.mark.parametrize(
    ("now", "expected"),
    [(99, None), (100, [1, 3]), (149, [1, 3]), (150, [1, 2, 3]), (159, [1, 2, 3]), (160, [1, 2]), (999, [1, 2])],
)
def test_edges_begin_and_end_while_time_passes(now: int, expected: list[int] | None) -> None:
    """An edge counts from its begin until before its end; before the instant of the read nothing is known."""
    there = known(edge(1), edge(2, 150), edge(3, 0, 160))
    assert fars(there.all_at(now)) == expected


def test_an_unconfirmed_edge_never_counts() -> None:
    """Its native interval is empty, whatever its record says."""
    assert known(edge(1, 0, None, **{UNCONFIRMED: True})).all_at(500) == []


def test_the_same_list_is_returned_while_all_edges_are_valid() -> None:
    """A hit makes no copy."""
    there = known(edge(1), edge(2))
    assert there.all_at(200) is there.all_at(300)


def test_a_beginning_has_the_first_edges_only() -> None:
    """As many as are known can be taken, from a far id on; all edges are not known."""
    there = known(edge(1), edge(2), edge(3), complete=False)
    assert fars(there.first_at(SINCE, 2)) == [1, 2]
    assert fars(there.first_at(SINCE, 3)) == [1, 2, 3]
    assert fars(there.first_at(SINCE, 2, after=1)) == [2, 3]
    assert there.first_at(SINCE, 3, after=1) is None
    assert there.first_at(SINCE, 4) is None
    assert there.first_at(SINCE - 1, 1) is None
    assert there.all_at(SINCE) is None


def test_a_beginning_with_edges_of_the_future_may_be_too_short() -> None:
    """Until they begin, fewer edges are known than were read."""
    there = known(edge(1), edge(2, 200), complete=False)
    assert there.first_at(SINCE, 2) is None
    assert fars(there.first_at(200, 2)) == [1, 2]


def test_every_page_follows_from_complete_edges() -> None:
    """A page behind a far id, and one that is longer than the edges."""
    there = known(edge(1), edge(2), edge(3))
    assert fars(there.first_at(SINCE, 9)) == [1, 2, 3]
    assert fars(there.first_at(SINCE, 1, after=2)) == [3]
    assert fars(there.first_at(SINCE, 5, after=3)) == []


def test_the_newest_include_all_of_the_last_instant() -> None:
    """Edges of one ``at`` are not ordered, so none of them is cut off."""
    there = known(edge(1, at=9), edge(2, at=8), edge(3, at=8), edge(4, at=7))
    assert fars(there.newest_at(SINCE, 1, 99, 0)) == [1]
    assert fars(there.newest_at(SINCE, 2, 99, 0)) == [1, 2, 3]
    assert fars(there.newest_at(SINCE, 1, 8, 0)) == [2, 3]
    assert fars(there.newest_at(SINCE, 9, 99, 8)) == [1, 2, 3]
    assert there.newest_at(SINCE - 1, 1, 99, 0) is None


def test_the_newest_are_known_down_to_a_floor() -> None:
    """What is older than the floor is not known, and a page that may need it is not answered."""
    there = known(edge(1, at=9), edge(2, at=8), complete=False, floor=8)
    assert fars(there.newest_at(SINCE, 2, 99, 0)) == [1, 2]
    assert fars(there.newest_at(SINCE, 9, 99, 8)) == [1, 2]
    assert there.newest_at(SINCE, 3, 99, 0) is None
    assert there.newest_at(SINCE, 3, 99, 7) is None
