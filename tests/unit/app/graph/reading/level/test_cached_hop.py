"""What a hop takes from the cache, and in which form the rest of it is read."""

from collections.abc import Mapping
from typing import Any

from app.graph.cache.graph_cache import GraphCache
from app.graph.cache.known_edges import KnownEdges, Shape
from app.graph.reading.level.cached_hop import CachedHop, through
from app.graph.reading.level.hop_plan import SOURCES_GIVEN, HopSpec
from app.graph.records.inferred_edge import CHAINS, LABEL
from app.graph.records.read_time import NO_UPPER_BOUND, ReadTime
from graphql_schema.ports.record import Record

NOW = 100
FEEDS = ("FEEDS",)
BOTH = ("FEEDS", "DERIVES")


def cached(labels: tuple[str, ...] = FEEDS, instant: ReadTime | None = None, **window: Any) -> CachedHop:
    """Return the state of a hop to `1` and `2`."""
    bounds = (instant or ReadTime(NOW)).window
    hop = HopSpec("in", labels, ("DATASET",), SOURCES_GIVEN).wire([1, 2], **bounds, **window)
    return CachedHop.of(hop, fresh=False)


def edge(begin: int = 0, more: Mapping[str, Any] | None = None) -> Record:
    """Return the record of an edge."""
    return {"relation": "FEEDS", "validFrom": begin, **(more or {})}


def test_the_order_depends_on_the_page_and_the_number_of_labels() -> None:
    """The store has the edges of one label in the order of far ids, and those of several in its own."""
    assert cached().shape == Shape("in", FEEDS, ("DATASET",), "far")
    assert cached(n=5).shape == Shape("in", FEEDS, ("DATASET",), "far")
    assert cached(BOTH).shape == Shape("in", BOTH, ("DATASET",), "store")
    assert cached(BOTH, n=5).shape == Shape("in", BOTH, ("DATASET",), "far")
    assert cached(n=5, t=True).shape == Shape("in", FEEDS, (), "time")


def test_what_is_no_beginning_of_the_edges_is_not_kept() -> None:
    """A page behind a far id or an instant may still be taken from the cache; the past and given far ends may not."""
    for hop, known, keeps in (
        (cached(), True, True),
        (cached(n=5), True, True),
        (cached(n=5, a=7), True, False),
        (cached(a=7), True, True),  # without a page, the far id is ignored
        (cached(n=5, t=True), True, True),
        (cached(n=5, t=True, at=9), True, False),
        (cached(instant=ReadTime(NOW, NOW, past=True)), False, False),
        (cached(f=[7]), False, False),
    ):
        assert (hop.known, hop.keeps) == (known, keeps)


def test_a_fresh_hop_takes_nothing_from_the_cache() -> None:
    """All of its sources are missing, also known ones."""
    cache, hop = GraphCache(100_000), cached()
    with cache.fill() as fill:
        cache.keep_edges(fill, hop.shape, 1, KnownEdges([(7, edge())], 0, 1))
    hop.look_up(cache, [1, 2])
    fresh = CachedHop.of(hop.hop, fresh=True)
    fresh.look_up(cache, [1, 2])
    assert (hop.found, hop.missing) == ({1: [(7, edge())]}, [2])
    assert (fresh.found, fresh.missing) == ({}, [1, 2])


def test_missing_edges_are_read_without_a_bound_of_the_begin() -> None:
    """So the cache has edges that begin later; a hop that is not kept, or an exact one, is read as it is."""
    assert cached().wire([2], -1)["vf"] == NO_UPPER_BOUND
    assert cached().wire([2], -1)["vt"] == NOW
    assert cached().wire([2], -1, exact=True)["vf"] == NOW
    assert cached(n=5, a=7).wire([2], -1)["vf"] == NOW
    assert (cached().wire([2], 4)["xs"], cached().wire([2], 4)["p"]) == ([2], 4)


def test_an_entry_is_complete_if_there_are_fewer_edges_than_the_page() -> None:
    """In the order of time, it reaches down to its earliest bound, or to the last edge of a full page."""
    found: list[tuple[int, Record]] = [(7, edge(0, {"at": 5})), (8, edge(0, {"at": 4}))]
    assert cached().entry(found, 10).complete
    assert cached(n=3).entry(found, 10).complete
    assert not cached(n=2).entry(found, 10).complete
    complete, page, since = (cached(n=n, t=True, since=at).entry(found, 10) for n, at in ((3, 0), (2, 0), (3, 4)))
    assert (complete.complete, page.complete, since.complete) == (True, False, False)
    assert (page.floor, since.floor) == (4, 4)


def test_edges_that_begin_later_make_a_beginning_too_short() -> None:
    """Those sources are read exactly, because another read would bring the same."""
    cache, hop = GraphCache(100_000), cached(n=2)
    short = hop.entry([(7, edge()), (8, edge(NOW + 9))], 10)
    assert hop.taken(short) is None
    short.short = True
    with cache.fill() as fill:
        cache.keep_edges(fill, hop.shape, 1, short)
    hop.look_up(cache, [1, 2])
    assert (hop.exact, hop.missing) == ([1], [2])


def test_vertices_on_chains_count_as_edges_do() -> None:
    """Each once for an edge, as the store counts them; other hops have none."""
    chain = {"through": [3, 4]}
    inferred = edge(0, {CHAINS: [chain, {"through": [4]}]})
    hop = cached((LABEL["FEEDS"], "FEEDS"))
    hop.found = {1: [(7, inferred), (8, edge())]}
    assert (through(inferred), through(edge())) == ({3, 4}, set())
    assert (hop.between(), hop.weight(), [*hop.far_ends()]) == ({3, 4}, 4, [7, 8])
    plain = cached()
    plain.found = hop.found
    assert (plain.between(), plain.weight()) == (set(), 2)
