"""Shortest paths in a known graph, compared with networkx (docs/lineage.md, design 3.6)."""

import tracemalloc
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import networkx as nx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.estates.plain_rows import PlainAccess, plain_row

from app.graph.reading.lineage.shortest_paths import KnownGraph, SearchMemory, State, shortest
from graphql_schema.ports.lineage_query import FoundPath
from graphql_schema.ports.row import MaskedRecord, Row

SIZE = 7
ROWS = [plain_row("DATASET", name, vid=vid) for vid, name in enumerate("abcdefg")]
Steps = Sequence[tuple[int, int]]

PAIRS = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=16)


def edge(relation: str = "DERIVES") -> MaskedRecord:
    """Return an edge of a relation as its caller sees it."""
    return MaskedRecord("LineageEdge", "", {"relation": relation}, PlainAccess())


def known(edges: Steps, free: Steps = ()) -> KnownGraph:
    """Return a graph with these edges and these free steps between a parent and a child."""
    graph = KnownGraph()
    for source, target in edges:
        graph.join(ROWS[source], ROWS[target], edge())
    for one, other in free:
        graph.join_free(ROWS[one], ROWS[other])
    return graph


def searched(*given: Any, **bounds: Any) -> tuple[list[FoundPath], str | None]:
    """Return the result of a search without its pauses."""
    steps = shortest(*given, **bounds)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: tuple[list[FoundPath], str | None] = end.value
            return result


def found(graph: KnownGraph, source: int, target: int, **bounds: Any) -> list[FoundPath]:
    """Return the paths of a search that no budget ends; both ends are known, as the search reads them first."""
    graph.rows |= {vid: ROWS[vid] for vid in (source, target)}
    paths, ended = searched(
        graph, source, target, **{"max_paths": 50, "max_length": 50, "count_step": lambda: None, **bounds}
    )
    assert ended is None
    return paths


def names(rows: Sequence[Row]) -> str:
    """Return the names of the assets of a path."""
    return "".join(row.record["name"] for row in rows)


def expected(edges: Steps, free: Steps, source: int, target: int) -> list[tuple[int, str]]:
    """Return every simple path of networkx that has no two free steps in a row, with its length, shortest first.

    Between two assets that both an edge and a free step join, the shorter step counts.
    """
    both = {*free, *((b, a) for a, b in free)}
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(SIZE))
    graph.add_edges_from([*edges, *both])
    paths: dict[str, int] = {}
    for path in [[source]] if source == target else nx.all_simple_paths(graph, source, target):
        for length in lengths([*pairwise(path)], {*edges}, both):
            name = "".join("abcdefg"[vid] for vid in path)
            paths[name] = min(length, paths.get(name, length))
    return sorted((length, name) for name, length in paths.items())


def lengths(steps: Steps, edges: Collection[tuple[int, int]], free: Collection[tuple[int, int]]) -> list[int]:
    """Return the lengths that the steps can have, each taken over an edge or for free."""
    taken = [(0, False)]
    for step in steps:
        over = [(length + 1, False) for length, _ in taken if step in edges]
        taken = over + [(length, True) for length, was_free in taken if step in free and not was_free]
    return [length for length, _ in taken]


@given(PAIRS, PAIRS, st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
def test_all_paths_are_those_of_networkx(
    edges: list[tuple[int, int]], free: list[tuple[int, int]], source: int, target: int
) -> None:
    """In any graph the same paths are found, in the same order and with the same lengths."""
    free = [(a, b) for a, b in free if a != b][:4]
    paths = found(known(edges, free), source, target)
    assert [(len(path.edges), names(path.rows)) for path in paths] == expected(edges, free, source, target)[:50]


@example([(0, 1), (0, 2), (2, 1), (0, 3), (3, 4), (4, 1)], 4, 2)
@example([(0, 1), (0, 2), (2, 1), (0, 3), (3, 4), (4, 1)], 2, 4)
@given(PAIRS, st.integers(1, 4), st.integers(0, 4))
def test_bounds_cut_the_list_of_paths(edges: list[tuple[int, int]], most: int, longest: int) -> None:
    """``max_length`` leaves out longer paths, and ``max_paths`` keeps the first of the others."""
    paths = found(known(edges), 0, 1, max_paths=most, max_length=longest)
    fitting = [name for length, name in expected(edges, [], 0, 1) if length <= longest]
    assert [names(path.rows) for path in paths] == fitting[:most]


def test_paths_of_equal_length_are_ordered_by_id() -> None:
    """Of a diamond both sides are found, the one over the smaller id first."""
    paths = found(known([(0, 2), (2, 3), (0, 1), (1, 3)]), 0, 3)
    assert [names(path.rows) for path in paths] == ["abd", "acd"]


def test_a_step_between_parent_and_child_has_no_edge() -> None:
    """A parent and its own child are a path of length 0, and two free steps do not follow each other."""
    graph = known([(1, 2)], free=[(0, 1), (1, 3)])
    assert [(names(path.rows), len(path.edges)) for path in found(graph, 0, 1)] == [("ab", 0)]
    assert [(names(path.rows), len(path.edges)) for path in found(graph, 0, 2)] == [("abc", 1)]
    assert found(graph, 0, 3) == []


def test_an_asset_is_connected_with_itself_without_an_edge() -> None:
    """A cycle back to the begin is no path, since no asset is on a path twice."""
    assert [(names(path.rows), len(path.edges)) for path in found(known([(0, 1), (1, 0)]), 0, 0)] == [("a", 0)]


def test_of_several_relations_between_two_assets_the_first_by_name_is_shown() -> None:
    """The result does not depend on the order in which edges are read."""
    for relations in (("FEEDS", "DERIVES"), ("DERIVES", "FEEDS")):
        graph = KnownGraph()
        for relation in relations:
            graph.join(ROWS[0], ROWS[1], edge(relation))
        ((path),) = found(graph, 0, 1)
        assert [each.record["relation"] for each in path.edges] == ["DERIVES"]


def test_a_search_is_not_made_where_no_path_fits() -> None:
    """The distance to the target is known before the first step, so nothing is tried in vain."""
    steps: list[int] = []
    graph = known([(0, 1), (1, 2), (0, 3), (3, 4)])
    assert searched(graph, 0, 6, max_paths=5, max_length=9, count_step=lambda: steps.append(1)) == ([], None)
    assert searched(graph, 0, 2, max_paths=5, max_length=1, count_step=lambda: steps.append(1)) == ([], None)
    assert steps == []
    assert len(searched(graph, 0, 2, max_paths=5, max_length=9, count_step=lambda: steps.append(1))[0]) == 1
    assert len(steps) == 2


@pytest.mark.parametrize(("budget", "count"), [(1, 0), (3, 0), (4, 1)])
def test_a_budget_ends_a_search_with_the_paths_found_so_far(budget: int, count: int) -> None:
    """The name of the budget is returned beside the paths; the fourth step is tried after the first path was found."""
    graph = known([(0, 1), (1, 6), (0, 2), (2, 3), (3, 6)])
    left = iter([*[None] * (budget - 1), "STEPS"])
    paths, ended = searched(graph, 0, 6, max_paths=5, max_length=9, count_step=lambda: next(left))
    assert (len(paths), ended) == (count, "STEPS")


class CountingGraph(KnownGraph):
    """A graph that counts the steps that are looked at from its states."""

    visited = 0

    def steps(self, state: State) -> Iterator[tuple[State, int]]:
        """See KnownGraph."""
        for each in super().steps(state):
            CountingGraph.visited += 1
            yield each


def test_each_edge_of_a_hub_on_many_paths_is_visited_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty paths lead over a hub with a thousand edges that lead nowhere, or to the target over too long a way.

    The paths are those of networkx. Each edge is visited to find the distances, and once more to extend paths.
    """
    before, far, astray = range(2, 42), range(100, 600), range(600, 1_100)
    hub, source, target = 50, 0, 1
    edges = [(source, each) for each in before] + [(each, hub) for each in before] + [(hub, 60), (60, target)]
    edges += [(hub, each) for each in astray] + [(hub, each) for each in far] + [(each, 61) for each in far]
    edges += [(61, 62), (62, target)]
    monkeypatch.setattr(CountingGraph, "visited", 0)
    graph = CountingGraph()
    rows = {vid: plain_row("DATASET", f"{vid:04}", vid=vid) for pair in edges for vid in pair}
    for near, end in edges:
        graph.join(rows[near], rows[end], edge())
    steps: list[None] = []
    paths, ended = searched(graph, source, target, max_paths=50, max_length=4, count_step=lambda: steps.append(None))
    oracle = nx.all_simple_paths(nx.DiGraph(edges), source, target, cutoff=4)
    assert ([[row.vid for row in path.rows] for path in paths], ended) == (sorted(oracle), None)
    assert len(steps) == sum(len(path.edges) for path in paths)
    assert CountingGraph.visited <= 2 * len(edges)


class ComparedText(str):
    """A text that counts how often it is compared with another one."""

    __slots__ = ()
    compared = 0

    def __lt__(self, other: str) -> bool:
        """Count the comparison."""
        ComparedText.compared += 1
        return str(self) < str(other)


def test_others_have_turns_while_the_steps_of_a_hub_are_put_in_order() -> None:
    """Of two thousand paths over a hub, each step of the search compares the ids of a few: there is no long sort."""
    hub, target, between = 0, 1, range(2, 2_002)
    graph = KnownGraph()
    rows = {vid: plain_row("DATASET", f"{(vid * 733) % 2_003:04}", vid=vid) for vid in (hub, target, *between)}
    for row in rows.values():
        row.urn = ComparedText(row.urn)
    for each in between:
        graph.join(rows[hub], rows[each], edge())
        graph.join(rows[each], rows[target], edge())
    steps = shortest(graph, hub, target, max_paths=5, max_length=2, count_step=lambda: None)
    longest = 0
    while True:
        ComparedText.compared = 0
        try:
            next(steps)
        except StopIteration as end:
            paths, _ = end.value
            break
        longest = max(longest, ComparedText.compared)
    first = sorted(str(rows[each].urn) for each in between)[:5]
    assert [str(path.rows[1].urn) for path in paths] == first
    assert longest <= 500


def test_paths_in_the_queue_take_little_memory() -> None:
    """A path of 40 vertices is extended in thousands of ways, which wait in the queue, because all lengths differ.

    The memory is bounded by the estimate, and that by 220 bytes for each step, however long the paths are.
    """
    random, limit = Random(1), 20_000
    chain, others = [*range(40)], range(42, 442)
    edges = [*pairwise(chain), (39, 40), *((39, far) for far in others[::8])]
    edges += [(near, far) for near in others for far in random.sample(others, 6)]
    edges += [(near, 39) for near in others if random.random() < 0.3]
    rows = {vid: plain_row("DATASET", f"{vid:04}", vid=vid) for vid in (*chain, 40, *others)}
    graph, memory = KnownGraph(), SearchMemory()
    for near, far in edges:
        graph.join(rows[near], rows[far], edge())
    left = iter([None] * limit)
    tracemalloc.start()
    try:
        paths, ended = searched(
            graph, 0, 40, max_paths=5, max_length=50, count_step=lambda: next(left, "STEPS"), memory=memory
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ([len(path.edges) for path in paths], ended) == ([40], "STEPS")
    assert memory.paths > limit / 4
    assert peak <= memory.size <= 220 * limit
