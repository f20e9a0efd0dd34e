"""What the graph cache keeps, for how long, and what it may not keep; the store is proven with a real one."""

from dataclasses import replace
from itertools import pairwise

import pytest
from support.stores.two_processes import Host

from app.graph.cache import graph_cache
from app.graph.cache.fill import Barrier, has_vertex
from app.graph.cache.generation import shape_size
from app.graph.cache.graph_cache import ABSENT, GraphCache
from app.graph.cache.known_edges import KnownEdges, Shape
from app.graph.cache.uncertain_writes import MAX_UNCERTAIN
from app.graph.commits.late_writes import LATE_SECONDS
from app.graph.records.touched import EVERYTHING, Touched

FEEDS = Shape("out", ("FEEDS",), (), "far")
LISTING = {"x": [1], "s": [], "n": 1}
KEY = ("here", b"[]")
WRITTEN = Touched(frozenset({1}), frozenset({("out", "FEEDS", 1)}), frozenset({"here"}))


def keep(cache: GraphCache) -> None:
    """Keep a record, edges and a listing that one read has brought."""
    with cache.fill() as fill:
        cache.keep_record(fill, 1, {"id": "a"}, 10)
        cache.keep_edges(fill, FEEDS, 1, KnownEdges([], 0, 10))
        cache.keep_listing(fill, KEY, LISTING)


def known(cache: GraphCache) -> list[bool]:
    """Return whether record, edges and listing of `keep` are known."""
    return [
        cache.records([1]) != [None],
        cache.edges(FEEDS, [1]) != [None],
        cache.listing(KEY) is not None,
    ]


def test_what_was_kept_is_known() -> None:
    """Also that there is no vertex; everything else is not known."""
    cache = GraphCache(100_000)
    keep(cache)
    assert known(cache) == [True] * 3
    with cache.fill() as fill:
        cache.keep_record(fill, 2, ABSENT, 10)
    assert cache.records([2, 1, 3]) == [ABSENT, {"id": "a"}, None]
    assert cache.edges(FEEDS, [2]) == cache.edges(FEEDS._replace(order="time"), [1]) == [None]
    assert cache.listing(("there", b"[]")) is None


def test_a_write_is_forgotten_from_its_begin_to_its_end() -> None:
    """Nothing of it can be kept meanwhile; afterwards it can."""
    cache = GraphCache(100_000)
    keep(cache)
    cache.begun(WRITTEN)
    assert known(cache) == [False] * 3
    keep(cache)
    assert known(cache) == [False] * 3
    cache.ended(WRITTEN, certain=True)
    keep(cache)
    assert known(cache) == [True] * 3


def test_hundreds_of_writes_in_flight_are_one_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes of other processes are in flight for seconds; to keep a record takes no longer for many of them."""
    tests: list[object] = []

    def counted(barrier: Barrier, vid: int) -> bool:
        tests.append(barrier)
        return has_vertex(barrier, vid)

    monkeypatch.setattr(graph_cache, "has_vertex", counted)
    numbers = []
    for writes in (1, 500):
        cache = GraphCache(100_000)
        for vid in range(2, 2 + writes):
            cache.begun(Touched(frozenset({vid}), tenants=frozenset({"there"})))
        keep(cache)
        assert known(cache) == [True] * 3
        numbers.append(len(tests))
        tests.clear()
    assert numbers[0] == numbers[1]


def test_a_read_from_before_the_end_of_a_write_is_not_kept() -> None:
    """It may have read the state before the write, also if it began before the write did."""
    cache = GraphCache(100_000)
    with cache.fill() as early:
        cache.begun(WRITTEN)
        with cache.fill() as late:
            cache.ended(WRITTEN, certain=True)
            for fill in (early, late):
                cache.keep_record(fill, 1, {"id": "a"}, 10)
                cache.keep_edges(fill, FEEDS, 1, KnownEdges([], 0, 10))
                cache.keep_listing(fill, KEY, LISTING)
                cache.keep_record(fill, 2, {"id": "b"}, 10)
    assert (known(cache), cache.records([2])) == ([False] * 3, [{"id": "b"}])


def test_a_write_without_a_response_is_not_kept_until_a_restart() -> None:
    """The store may still commit it; the new process of the store cannot."""
    host = Host()
    cache = GraphCache(100_000, host)
    cache.begun(WRITTEN)
    cache.ended(WRITTEN, certain=False)
    keep(cache)
    assert known(cache) == [False] * 3
    host.starts += 1
    keep(cache)
    assert known(cache) == [True] * 3


def test_a_restart_before_a_write_does_not_confirm_it() -> None:
    """A write that was sent to the new process may still be committed, also if the restart is noticed after it."""
    host = Host()
    cache = GraphCache(100_000, host)
    host.starts += 1
    cache.begun(WRITTEN)
    cache.ended(WRITTEN, certain=False)
    keep(cache)
    assert known(cache) == [False] * 3


def test_a_restart_of_the_store_forgets_everything() -> None:
    """A read that began before is not kept either."""
    host = Host()
    cache = GraphCache(100_000, host)
    with cache.fill() as before:
        keep(cache)
        host.starts += 1
        cache.notice_restart()
        assert known(cache) == [False] * 3
        cache.keep_record(before, 1, {"id": "a"}, 10)
    assert known(cache) == [False] * 3


def test_a_write_about_which_nothing_is_known_forgets_everything() -> None:
    """What was known is freed when more is kept, so that the size is that of the new entries then."""
    cache = GraphCache(100_000)
    keep(cache)
    size = cache.size
    cache.begun(EVERYTHING)
    assert known(cache) == [False] * 3
    cache.ended(EVERYTHING, certain=True)
    keep(cache)
    assert (known(cache), cache.size) == ([True] * 3, size)


def test_listings_that_a_write_drops_are_freed_a_few_at_a_time() -> None:
    """A caller may have thousands in the cache, which would hold the event loop with the next write of anyone."""
    cache = GraphCache(1_000_000)
    with cache.fill() as fill:
        for number in range(100):
            cache.keep_listing(fill, ("here", str(number).encode()), LISTING)
    size = cache.size
    cache.begun(WRITTEN)
    assert cache.size == size
    assert cache.listing(("here", b"1")) is None
    cache.ended(WRITTEN, certain=True)
    with cache.fill() as fill:
        for number in range(50):
            cache.keep_record(fill, number, ABSENT, 1)
    assert cache.size == 50


def test_many_writes_without_a_response_switch_the_cache_off() -> None:
    """What must not be kept is bounded too; the cache is on again when these writes count as ended."""
    now = 0.0
    cache = GraphCache(100_000, clock=lambda: now)
    for start, count in ((10, 2), (20, MAX_UNCERTAIN - 1)):
        many = Touched(frozenset(range(start, start + count)))
        cache.begun(many)
        cache.ended(many, certain=False)
    keep(cache)
    assert known(cache) == [False] * 3
    now += LATE_SECONDS
    keep(cache)
    assert known(cache) == [True] * 3


@pytest.mark.parametrize("tenants", [frozenset({"here"}), None])
def test_a_write_without_a_response_counts_as_ended_after_some_time(tenants: frozenset[str] | None) -> None:
    """One lost response must not switch the cache of listings off for good; another one may follow meanwhile.

    A read that began before the end may have missed a late commit, so it is not kept.
    """
    now = 0.0
    cache = GraphCache(100_000, clock=lambda: now)
    for seconds in (0.0, 10.0):
        now = seconds
        written = replace(WRITTEN, tenants=tenants)
        cache.begun(written)
        cache.ended(written, certain=False)
    now = LATE_SECONDS + 9.0
    keep(cache)
    assert known(cache) == [False] * 3
    with cache.fill() as early:
        now += 1.0
        with cache.fill():
            pass
        cache.keep_record(early, 1, {"id": "a"}, 10)
        cache.keep_listing(early, KEY, LISTING)
    assert known(cache) == [False] * 3
    keep(cache)
    assert known(cache) == [True] * 3


def test_the_least_used_is_dropped() -> None:
    """What is used from time to time stays, the size stays below the limit, and the drops are counted."""
    cache = GraphCache(1_000)
    for vid in range(100):
        with cache.fill() as fill:
            cache.keep_record(fill, vid, {"id": str(vid)}, 50)
        assert cache.records([0]) == [{"id": "0"}]
        assert cache.size <= 1_000 + 50
    assert cache.records([1]) == [None]
    assert cache.counters.evictions > 50


def test_what_is_dropped_is_freed_a_few_at_a_time() -> None:
    """No single call frees a generation; its last entry is freed before the next one is dropped."""
    cache = GraphCache(100_000)
    sizes = []
    for vid in range(3_000):
        with cache.fill() as fill:
            cache.keep_record(fill, vid, {"id": str(vid)}, 50)
        sizes.append(cache.size)
    assert cache.counters.evictions > 1_000
    assert min(after - before for before, after in pairwise(sizes)) == 50 * (1 - graph_cache.RELEASED)
    assert max(sizes) <= 100_000 + 2 * 50


def test_large_entries_after_small_ones_free_more_of_them() -> None:
    """What is dropped is freed as fast as the cache is filled, so that its size stays bounded."""
    cache, sizes = GraphCache(100_000), []
    for vid, size in [*((vid, 50) for vid in range(4_000)), *((vid, 5_000) for vid in range(4_000, 4_200))]:
        with cache.fill() as fill:
            cache.keep_record(fill, vid, {"id": str(vid)}, size)
        sizes.append(cache.size)
    assert max(sizes) <= 150_000 + 5_000


@pytest.mark.parametrize("size", [1_000, 4_000, 16_000])
def test_entries_that_are_larger_than_what_is_freed_at_once_do_not_let_the_cache_grow(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A cache full of small records gives way to hubs, also if each of them takes more than is freed for others."""
    monkeypatch.setattr(graph_cache, "MAX_FREED", 500)
    cache, sizes = GraphCache(100_000), []
    for vid, each in [*((vid, 50) for vid in range(4_000)), *((vid, size) for vid in range(4_000, 4_200))]:
        with cache.fill() as fill:
            cache.keep_record(fill, vid, {"id": str(vid)}, each)
        sizes.append(cache.size)
    assert max(sizes) <= 100_000 + 3 * size


@pytest.mark.parametrize(("limit", "largest"), [(32_000, 1_000), (3_200, 500)])
def test_large_edges_of_one_vertex_are_not_kept(monkeypatch: pytest.MonkeyPatch, limit: int, largest: int) -> None:
    """Those of 100 MB were freed in one callback, and three such entries took more than the limit of the cache.

    A small cache keeps ordinary ones nevertheless.
    """
    monkeypatch.setattr(graph_cache, "MAX_FREED", 500)
    cache = GraphCache(limit)
    for size in (largest, largest + 1):
        with cache.fill() as fill:
            cache.keep_edges(fill, FEEDS, size, KnownEdges([], 0, size))
    assert [each is not None for each in cache.edges(FEEDS, [largest, largest + 1])] == [True, False]
    assert cache.size == largest + shape_size(FEEDS)


def test_edges_and_listings_move_to_the_young_generation_when_they_are_used() -> None:
    """They stay as long as they are used, while others come and go."""
    cache = GraphCache(4_000)
    keep(cache)
    for vid in range(10, 100):
        with cache.fill() as fill:
            cache.keep_edges(fill, FEEDS, vid, KnownEdges([], 0, 200))
        assert known(cache)[1:] == [True, True]
    assert cache.edges(FEEDS, [10]) == [None]


def test_a_new_result_replaces_the_old_one() -> None:
    """Also one in the old generation, so that the size is right."""
    cache = GraphCache(200)
    with cache.fill() as fill:
        cache.keep_record(fill, 1, {"id": "old"}, 60)
        cache.keep_record(fill, 2, {"id": "b"}, 60)
        assert cache.size == 120
        cache.keep_record(fill, 1, {"id": "new"}, 60)
        cache.keep_record(fill, 3, {"id": "c"}, 20)
    assert (cache.records([1]), cache.size) == ([{"id": "new"}], 140)


@pytest.mark.parametrize("count", [1_000, 2_000, 20_000])
def test_a_caller_with_many_shapes_drops_no_more_than_these_take(count: int) -> None:
    """A caller chooses the relations of a walk, so each set of them is a shape; those of others are known beside them.

    Some were read before, and some are read for the first time meanwhile and again at the end.
    """
    cache = GraphCache(1 << 26)
    ordinary = [Shape("in", (str(number),), (), "far") for number in range(40)]
    with cache.fill() as fill:
        cache.keep_record(fill, 1, {"id": "a"}, 60)
        for shape in ordinary[:20]:
            for vid in range(50):
                cache.keep_edges(fill, shape, vid, KnownEdges([], 0, 100))
        for number in range(count):
            cache.keep_edges(fill, FEEDS._replace(labels=(str(number),)), 1 + number % 500, KnownEdges([], 0, 100))
            if number % 25 == 0 and number < 20 * 25:
                for vid in range(50):
                    cache.keep_edges(fill, ordinary[20 + number // 25], vid, KnownEdges([], 0, 100))
    assert (cache.records([1]), cache.counters.evictions) == ([{"id": "a"}], 0)
    assert all(None not in cache.edges(shape, range(50)) for shape in ordinary)


def test_shapes_of_edges_are_part_of_the_size() -> None:
    """Hundreds of shapes with few edges after small records do not make the cache larger than these would."""
    cache, sizes = GraphCache(100_000), []
    for vid in range(4_000):
        with cache.fill() as fill:
            cache.keep_record(fill, vid, {"id": str(vid)}, 50)
    for number in range(500):
        shape = FEEDS._replace(labels=tuple(map(str, range(number, number + 200))))
        with cache.fill() as fill:
            cache.keep_edges(fill, shape, number, KnownEdges([], 0, 10))
        sizes.append(cache.size)
    assert 100_000 < max(sizes) <= 150_000 + 10 + shape_size(shape)
    known = [FEEDS._replace(labels=tuple(map(str, range(number, number + 200)))) for number in range(500)]
    assert sum(cache.edges(shape, [number]) != [None] for number, shape in enumerate(known)) < 100
