"""Several requests of a level as one: the hops and listings of each keep their parents."""

from app.graph.reading.level.level_parts import LevelParts


def hop(parent: int) -> dict[str, object]:
    """Return a hop with a parent."""
    return {"d": "out", "p": parent}


def test_parents_move_with_their_requests() -> None:
    """A parent hop is counted from the first hop, a parent listing from the first listing; given sources stay."""
    parts = LevelParts()
    parts.add([2, 1], [hop(-1), hop(0), hop(-2)], [{"n": 1}], fresh=False)
    parts.add([1, 3], [hop(-2), hop(0), hop(-1)], [{"n": 2}], fresh=False)
    assert [each["p"] for each in parts.hops] == [-1, 0, -2, -3, 3, -1]
    assert (parts.vertices, parts.listings) == ({1, 2, 3}, [{"n": 1}, {"n": 2}])
    assert (parts.fresh, parts.fresh_vertices, parts.fresh_hops, parts.fresh_listings) == (False, set(), set(), set())


def test_the_parts_of_a_fresh_request_are_named() -> None:
    """Also a fresh request without any part makes the level one that is requested from the store."""
    parts = LevelParts()
    parts.add([1], [hop(-1)], [{"n": 1}], fresh=False)
    parts.add([2], [hop(-1), hop(0)], [{"n": 2}], fresh=True)
    assert (parts.fresh_vertices, parts.fresh_hops, parts.fresh_listings) == ({2}, {1, 2}, {1})
    empty = LevelParts()
    empty.add([], [], [], fresh=True)
    assert empty.fresh
