"""A generation of the cache: what is put into it is counted, and what is touched is dropped."""

from collections.abc import Iterator
from typing import ClassVar

from app.graph.cache.generation import MAX_SHAPES, Generation, listing_key, listing_size, shape_size
from app.graph.cache.known_edges import KnownEdges, Shape
from app.graph.records.touched import Touched

OUT = Shape("out", ("FEEDS", "DERIVES"), (), "store")
FEEDS = Shape("out", ("FEEDS",), (), "far")
INTO = Shape("in", ("FEEDS",), (), "far")
LISTING = {"x": [1, 2], "s": [], "n": -1}
NO_MORE = 2**62
"""Bytes that no test releases."""


def filled() -> Generation:
    """Return a generation with some of everything, of a size of 100 without the shapes."""
    there = Generation()
    there.put_record(1, {"id": "a"}, 10)
    there.put_record(2, {"id": "b"}, 20)
    for shape, size in ((OUT, 5), (FEEDS, 6), (INTO, 7)):
        there.put_edges(shape, 1, KnownEdges([], 0, size))
    there.put_edges(FEEDS, 2, KnownEdges([], 0, 12))
    there.put_listing(("here", b"[]"), LISTING, 30)
    there.put_listing(("there", b"[]"), LISTING, 10)
    return there


def size_of(there: Generation) -> int:
    """Return the size of the entries, without the shapes."""
    return there.size - sum(map(shape_size, there.edges))


def test_the_size_is_that_of_the_entries() -> None:
    """An entry that replaces another one takes its place in the size."""
    there = filled()
    assert (size_of(there), len(there)) == (100, 8)
    there.put_record(1, {"id": "c"}, 11)
    there.put_edges(OUT, 1, KnownEdges([], 0, 4))
    there.put_listing(("here", b"[]"), LISTING, 31)
    assert (size_of(there), len(there)) == (101, 8)


def test_entries_are_released_a_few_at_a_time() -> None:
    """The size follows, and true is returned once nothing is left; a shape counts as an entry."""
    there = filled()
    left = []
    while not there.release(3, 0, NO_MORE):
        left.append((len(there), len(there.edges), there.size))
    assert [counts for *counts, _ in left] == [[5, 3], [3, 2], [2, 0], [0, 0]]
    assert sorted((size for *_, size in left), reverse=True) == [size for *_, size in left]
    assert (len(there), there.size) == (0, 0)


def test_a_touched_vertex_is_dropped() -> None:
    """Its edges stay, because they are written by themselves."""
    there = filled()
    there.forget(Touched(frozenset({1, 9})))
    assert (size_of(there), [*there.records]) == (90, [2])


def test_all_edges_of_a_touched_end_are_dropped() -> None:
    """Those of each shape with the label and the direction, of this vertex alone."""
    there = filled()
    there.forget(Touched(edge_ends=frozenset({("out", "FEEDS", 1), ("in", "DERIVES", 1)})))
    assert (size_of(there), [*there.edges[OUT]], [*there.edges[FEEDS]], [*there.edges[INTO]]) == (89, [], [2], [1])


def test_listings_of_a_touched_tenant_are_dropped() -> None:
    """All listings if the tenant is not known."""
    there = filled()
    there.forget(Touched(tenants=frozenset({"here", "nowhere"})))
    assert (size_of(there), [*there.listings]) == (70, ["there"])
    there.forget(Touched(tenants=None))
    assert (size_of(there), [*there.listings]) == (60, [])


def test_the_size_of_a_listing_grows_with_its_ids_and_not_with_its_form() -> None:
    """Callers choose filters with many values, so the key is a digest: equal for equal listings of a tenant alone."""
    assert listing_size({**LISTING, "x": [*range(100)]}) > listing_size(LISTING)
    form = {"f": [[(("in", "urn", ("a" * 1_000,)),)]], "n": 21}
    others = [("there", form), ("here", {**form, "n": 22}), ("here", {**form, "f": []})]
    keys = {listing_key(*each) for each in [("here", form), ("here", {**form}), *others]}
    assert len(keys) == 4
    assert {len(digest) for _, digest in keys} == {32}


class Labels(tuple[str, ...]):
    """Labels that count how often one is looked for."""

    __slots__ = ()
    looked: ClassVar = 0

    def __iter__(self) -> Iterator[str]:
        Labels.looked += 1
        return super().__iter__()


def test_a_touched_end_visits_the_shapes_of_its_vertex_alone() -> None:
    """Otherwise a caller who reads edges of one vertex over many sets of labels delays every write."""
    there = Generation()
    for number in range(40):
        there.put_edges(Shape("out", Labels(("FEEDS", str(number))), (), "store"), 1, KnownEdges([], 0, 1))
    there.put_edges(FEEDS, 2, KnownEdges([], 0, 7))
    Labels.looked = 0
    there.forget(Touched(edge_ends=frozenset({("out", "FEEDS", 2), ("in", "FEEDS", 3)})))
    assert (Labels.looked, size_of(there)) == (0, 40)
    there.forget(Touched(edge_ends=frozenset({("out", "FEEDS", 1)})))
    assert (Labels.looked, size_of(there)) == (40, 0)


def test_edges_that_are_read_again_are_dropped_again() -> None:
    """The shapes of a vertex are those of its present edges, however often these were dropped."""
    there = Generation()
    for _ in range(3):
        there.put_edges(FEEDS, 1, KnownEdges([], 0, 7))
        there.put_edges(OUT, 1, KnownEdges([], 0, 1))
        there.forget(Touched(edge_ends=frozenset({("out", "DERIVES", 1)})))
        assert size_of(there) == 7
        there.forget(Touched(edge_ends=frozenset({("out", "FEEDS", 1)})))
        assert size_of(there) == 0
    assert there.release(len(there.edges) + 1, 0, NO_MORE)


def test_a_vertex_has_few_shapes() -> None:
    """A write to it looks at no more, and a further one drops the first of this vertex alone."""
    there = Generation()
    shapes = [Shape("out", Labels(("FEEDS", str(number))), (), "store") for number in range(MAX_SHAPES + 50)]
    for vid in (1, 2):
        there.put_edges(shapes[0], vid, KnownEdges([], 0, 7))
    for shape in shapes:
        there.put_edges(shape, 1, KnownEdges([], 0, 1))
    assert [shape for shape in shapes if 1 not in there.edges[shape]] == shapes[:50]
    assert (2 in there.edges[shapes[0]], size_of(there)) == (True, 7 + MAX_SHAPES)
    Labels.looked = 0
    there.forget(Touched(edge_ends=frozenset({("out", "FEEDS", 1)})))
    assert (Labels.looked, size_of(there)) == (MAX_SHAPES, 7)


def test_a_touched_vertex_is_visited_once_whatever_its_labels() -> None:
    """A write of a run with many relations to one asset looks at the shapes of the asset once."""
    there = Generation()
    for number in range(40):
        there.put_edges(Shape("out", Labels(("FEEDS", str(number))), (), "store"), 1, KnownEdges([], 0, 1))
    Labels.looked = 0
    there.forget(
        Touched(edge_ends=frozenset((direction, label, 1) for direction in ("out", "in") for label in ("A", "B", "C")))
    )
    assert (Labels.looked, size_of(there)) == (40, 40)


def test_what_a_write_drops_is_freed_later() -> None:
    """To free the edges of thousands of vertices holds the event loop; their bytes stay known until then."""
    there = Generation()
    for vid in range(9):
        there.put_edges(FEEDS, vid, KnownEdges([], 0, 7))
        there.put_record(vid, {}, 5)
    before = there.size
    ends = frozenset(("out", "FEEDS", vid) for vid in range(8))
    dropped = there.forget(Touched(vertices=frozenset(range(8)), edge_ends=ends))
    assert (len(dropped), len(there), before - there.size) == (16, 2, 8 * 12)
    assert dropped.size == 8 * 12 + shape_size(FEEDS)
    assert not dropped.release(16, 0, NO_MORE)
    assert dropped.release(10, 0, NO_MORE)
    assert dropped.size == 0


def test_few_large_entries_are_released_at_once() -> None:
    """Eight hubs with megabytes each would take 50 ms in one callback; at least one is released."""
    there = Generation()
    for vid in range(20):
        there.put_record(vid, {"id": str(vid)}, 400)
    for left, maximum in ((18, 500), (17, 1), (9, 1_000_000)):
        assert not there.release(8, 0, maximum)
        assert len(there.records) == left
