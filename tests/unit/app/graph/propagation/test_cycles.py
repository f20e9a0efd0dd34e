"""Vertices along their sources, compared with networkx on random graphs."""

from collections.abc import Iterator
from random import Random

import networkx as nx
import pytest

from app.graph.propagation.cycles import upstream_first


@pytest.mark.parametrize("seed", range(50))
def test_cycles_are_found_and_come_after_their_sources(seed: int) -> None:
    """The lists are the cycles of networkx, each after its sources; in a list, a vertex comes after a target of it."""
    random = Random(seed)
    graph = nx.gnp_random_graph(12, random.choice((0.05, 0.1, 0.2)), seed=seed, directed=True)  # source to target
    starts = random.sample(sorted(graph), 5)
    found = list(filter(None, upstream_first(starts, graph.predecessors)))
    upstream = graph.subgraph(set(starts).union(*(nx.ancestors(graph, vid) for vid in starts)))
    assert sorted(map(sorted, found)) == sorted(map(sorted, nx.strongly_connected_components(upstream)))
    before = set[int]()
    for each in found:
        assert before.union(each).issuperset(source for vid in each for source in graph.predecessors(vid))
        assert all(set(each[:place]) & set(graph.successors(vid)) for place, vid in enumerate(each) if place)
        before |= {*each}


def test_a_long_chain_needs_no_recursion() -> None:
    """100,000 vertices in a row are returned from the first source on."""
    found = filter(None, upstream_first([100_000], lambda vid: [vid - 1] if vid > 1 else []))
    assert next(found) == [1]
    assert sum(map(len, found)) == 99_999


@pytest.mark.parametrize("reverse", [False, True], ids=["cycles", "no cycle"])
def test_few_sources_are_passed_between_two_pauses(*, reverse: bool) -> None:
    """Of 300 vertices with all others as sources, or all before, the caller may pause after the sources of two."""
    size, passed, most = 300, 0, 0

    def sources_of(vid: int) -> Iterator[int]:
        nonlocal passed
        for source in range(vid) if reverse else range(size):
            passed += 1
            yield source

    for _ in upstream_first(range(size), sources_of):
        most, passed = max(most, passed), 0
    assert 0 < most <= 2 * size
