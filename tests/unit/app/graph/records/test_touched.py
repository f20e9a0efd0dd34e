"""What a transaction touches, divided: the parts are small, and leave nothing out."""

import pytest

from app.graph.records.touched import EVERYTHING, NOTHING, PART_SIZE, Touched


@pytest.mark.parametrize(("vertices", "ends", "count"), [(2 * PART_SIZE + 1, 1, 3), (1, 2 * PART_SIZE, 2), (0, 0, 1)])
def test_parts_are_small_and_leave_nothing_out(vertices: int, ends: int, count: int) -> None:
    """No vertex, end or tenant is left out, and none is in two parts but the tenants."""
    vids = frozenset(range(vertices))
    ended = frozenset(("in", "DERIVES", vid) for vid in range(ends))
    parts = [*Touched(vids, ended, frozenset({"a"})).parts()]
    assert len(parts) == count
    assert max(max(len(part.vertices), len(part.edge_ends)) for part in parts) <= PART_SIZE
    assert sorted(vid for part in parts for vid in part.vertices) == sorted(vids)
    assert sorted(end for part in parts for end in part.edge_ends) == sorted(ended)
    assert {part.tenants for part in parts} == {frozenset({"a"})}


def test_what_lists_nothing_is_one_part() -> None:
    """Everything stays everything, and nothing stays one write that touches nothing."""
    assert ([*EVERYTHING.parts()], [*NOTHING.parts()]) == ([EVERYTHING], [NOTHING])
    much = Touched(frozenset(range(2 * PART_SIZE)), everything=True)
    assert [*much.parts()] == [much]


def test_ends_are_found_by_direction_and_label() -> None:
    """Neither direction nor label is mixed with another one, and what is absent has no ends."""
    ends = {("in", "DERIVES", 1), ("in", "DERIVES", 2), ("out", "DERIVES", 3), ("in", "FEEDS", 4)}
    found = Touched(edge_ends=frozenset(ends)).ends_by_label()
    assert found == {("in", "DERIVES"): {1, 2}, ("out", "DERIVES"): {3}, ("in", "FEEDS"): {4}}
    assert found["out", "FEEDS"] == set()
