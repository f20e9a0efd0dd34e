"""What the sensitivity job keeps between steps, and what it forgets of what was written."""

from collections.abc import Mapping
from typing import Any, Never

import networkx as nx
import pytest
from support.oracles.ranked_flows import Flows

from app.graph.jobs.sensitivity_work import known_sources
from app.graph.jobs.sensitivity_work.known_sources import KnownSources, ReadBudget
from app.graph.propagation.sources import group_of
from app.graph.propagation.stored_flows import MANY_EDGES
from app.graph.records.touched import EVERYTHING, NOTHING, EdgeEnd, Touched


def known(of: Mapping[int, tuple[int, ...]]) -> KnownSources:
    """Return known sources, with the ranks of all of them."""
    vids = {*of, *(source for sources in of.values() for source in sources)}
    found = KnownSources(dict.fromkeys(vids, 1), dict.fromkeys(vids, 0))
    for vid, sources in of.items():
        found.set_sources(vid, sources)
    return found


def edge(label: str, source: int, target: int) -> Touched:
    """Return what a transaction touches that writes an edge."""
    ends: set[EdgeEnd] = {("out", label, source), ("in", label, target)}
    return Touched(edge_ends=frozenset(ends))


@pytest.mark.parametrize(
    ("touched", "unknown_ranks", "unknown_sources"),
    [
        (NOTHING, set(), set()),
        (edge("OWNED_BY", 1, 9), set(), set()),
        (Touched(frozenset({2, 8})), {2}, set()),
        (edge("DERIVES", 2, 1), set(), {1}),
        (edge("VERSION_OF", 9, 3), set(), {2, 3}),
        (edge("VERSION_OF", 8, 6), set(), {5}),
        (EVERYTHING, {1, 2, 3, 4, 5, 6, 7}, {1, 2, 3, 5}),
    ],
)
async def test_what_was_written_is_forgotten(
    touched: Touched, unknown_ranks: set[int], unknown_sources: set[int]
) -> None:
    """A written vertex loses its rank, the target of a written edge its sources.

    A new child of a parent also propagates to the targets of the parent, also if these list the group.
    """
    sources = known({1: (2,), 2: (3,), 3: (4,), 5: (-6,), -6: (6, 7)})
    sources.record(touched)
    assert await sources.forget_written(()) == touched.everything
    assert {1, 2, 3, 4, 5, 6, 7} - sources.ranks.keys() == unknown_ranks
    assert {1, 2, 3, 5} - sources.of.keys() == unknown_sources
    assert {vid for targets in sources.targets.values() for vid in targets} == sources.of.keys()
    assert not await sources.forget_written(())


class _Large(dict[int, Any]):
    """Very many vertices: nothing goes through all of them."""

    def _refuse(self, *_: object) -> Never:
        raise AssertionError

    items = keys = values = __iter__ = _refuse


async def test_a_join_goes_through_no_others() -> None:
    """Any caller registers a version at any time: only what depends on its dataset is looked up, however much is known.

    Targets list the group of a dataset with versions, and the dataset itself before its first version.
    """
    sources = known({1: (-2,), -2: (2, 3), 4: (5,), 6: (7,)})
    sources.of, sources.ranks = _Large(sources.of), _Large(sources.ranks)
    sources.targets = _Large(sources.targets)
    for child, parent in ((8, 2), (9, 5), (10, 11)):
        sources.record(edge("VERSION_OF", child, parent))
    await sources.forget_written(())
    assert [vid for vid in (1, -2, 4, 6) if vid in sources.of] == [6]


async def test_a_vertex_to_which_nothing_propagates_has_no_sources() -> None:
    """The kind of a vertex stops sensitivity, also if its record comes after its edges, or only the edges again."""
    star: nx.DiGraph[int] = nx.DiGraph([(1, 9), (2, 9)])
    flows: Any = Flows(star, {1: 3, 2: 3, 9: 3}, {1: 3, 2: 3, 9: 0}, stops=frozenset({"Dataset"}))
    for most in (1, 100):
        sources = KnownSources()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(known_sources, "MAX_VERTICES", most)
            for touched in (Touched(), Touched(edge_ends=frozenset({("in", "DERIVES", 9)}))):
                sources.record(touched)
                await sources.forget_written(())
                while not await sources.read(flows, [9], ReadBudget()):
                    pass
                assert sources.of[9] == ()
                assert sources.ranks[9] == 3


@pytest.mark.parametrize("is_group", [False, True], ids=["the source", "its group"])
async def test_what_a_request_shows_before_it_is_learned_is_compared(is_group: bool) -> None:  # noqa: FBT001 - a case
    """Another process raises a source of 2, or adds a source to its group, and a request for 3 shows that.

    A decision about 2 has used what was known before. It notices the change when the write is learned.
    """
    joined = {(4, 1)} if is_group else set[tuple[int, int]]()
    edges: nx.DiGraph[int] = nx.DiGraph([(1, 2), (1, 3)])
    flows: Any = Flows(edges, dict.fromkeys(range(1, 6), 0), dict.fromkeys(range(1, 6), 0), joined)
    sources = KnownSources()
    assert await sources.read(flows, [2], ReadBudget())
    used = {2, *sources.of[2], *sources.ranks}
    if is_group:
        joined.add((5, 1))
    else:
        flows.ranks[1] = 1
    assert await sources.read(flows, [3], ReadBudget())
    sources.record(edge("VERSION_OF", 5, 1) if is_group else Touched(frozenset({1})))
    assert not await sources.forget_written(used)
    assert await sources.read_used(flows, ReadBudget())
    assert await sources.compare_used() == (True, True)


async def test_after_too_many_writes_everything_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded of writes is bounded, also while the work waits for its turn."""
    monkeypatch.setattr(known_sources, "MAX_WRITTEN", 3)
    sources = known({1: (2,)})
    for vid in range(100, 105):
        sources.record(Touched(frozenset({vid})))
    assert await sources.forget_written(())
    assert (sources.ranks, sources.of) == ({}, {})


def test_members_of_groups_count_as_sources() -> None:
    """Their ranks are looked up on the way: 60 sets of 5,000 features held the event loop for 150 ms."""
    known, groups = KnownSources(), [group_of(number) for number in range(1, 4)]
    known.of |= {vid: tuple(groups) for vid in (10, 11)}
    known.of |= {group: tuple(range(100, 90 + MANY_EDGES // 3)) for group in groups}
    assert not known.are_many([10, 11])
    known.of |= {groups[0]: tuple(range(100, 130 + MANY_EDGES // 3))}
    assert known.are_many([10])
    known.of |= {12: tuple(range(MANY_EDGES))}
    assert known.are_many([12])


@pytest.mark.parametrize(("part", "read"), [(100, 301 + 1 + 1), (10**6, 3 * 301)])
async def test_large_records_whose_ranks_are_known_are_not_read_again(part: int, read: int) -> None:
    """Three assets have the same 300 sources: of 60 KB each they are read once, and small ones in one request each.

    What has few sources needs no further request in any case.
    """
    sources, targets = range(10, 310), (1, 2, 3)
    edges: nx.DiGraph[int] = nx.DiGraph([(source, target) for target in targets for source in sources] + [(10, 4)])
    flows: Any = Flows(edges, dict.fromkeys(edges, 1), dict.fromkeys(edges, 0), part=part)
    found = KnownSources()
    for vid in targets:
        assert await found.read(flows, [vid], ReadBudget())
    assert flows.records_read == read
    flows.reads.clear()
    assert await found.read(flows, [4], ReadBudget())
    assert flows.reads == [2]
    assert found.ranks == dict.fromkeys(edges, 1)
