"""What the sensitivity job keeps between steps, and what it forgets of what was written."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Never

import networkx as nx
import pytest
from support.oracles.ranked_flows import Flows

from app.graph.jobs.sensitivity_work import known_sources
from app.graph.jobs.sensitivity_work.known_sources import KnownSources
from app.graph.jobs.sensitivity_work.read_budget import ReadBudget
from app.graph.propagation.sources import group_of, is_group
from app.graph.propagation.stored_flows import MANY_EDGES
from app.graph.records.edge_record import EdgeKey
from app.graph.records.touched import EVERYTHING, NOTHING, EdgeEnd, Touched


def known(of: Mapping[int, tuple[int, ...]]) -> KnownSources:
    """Return known sources, with the ranks of all of them."""
    vids = {*of, *(source for sources in of.values() for source in sources)}
    found = KnownSources(ranks=dict.fromkeys(vids, 1), declared=dict.fromkeys(vids, 0))
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


VERTICES, PARENTS = range(1, 13), range(1, 6)


@dataclass
class _Written(Flows):
    """A graph in which others write at any time; ``left`` has what they touch until the end of the step.

    While ``is_quiet``, no process writes during a request.
    """

    random: Random = field(default_factory=Random)
    left: list[Touched] = field(default_factory=list)
    is_quiet: bool = False

    def write(self) -> Touched:
        """Let some edges begin or end; return what that touches, now and then without the edges themselves."""
        written = set[EdgeKey]()
        for _ in range(self.random.choice((1, 1, 2, 6))):
            source, target = self.random.sample(VERTICES, 2)
            if self.random.random() < 0.5 and target in PARENTS:
                self.joined ^= {(source, target)}
                self.ended_joined.add((source, target))
                written.add(("VERSION_OF", source, target))
            else:
                change = self.edges.remove_edge if self.edges.has_edge(source, target) else self.edges.add_edge
                change(source, target)
                self.ended.add_edge(source, target)
                written.add(("DERIVES", source, target))
        touched = Touched.of_edges(frozenset(), frozenset(written), None)
        return self.random.choices((touched, Touched(edge_ends=touched.edge_ends), EVERYTHING), (30, 3, 1))[0]

    def sources(self, vid: int) -> set[int]:
        """Return the sources of a vertex or group by definition."""
        parents = {parent for _, parent in self.joined}
        if is_group(vid):
            return {-vid, *(child for child, parent in self.joined if parent == -vid)} if -vid in parents else set()
        if vid in self.closed:
            return set()
        carried = {group_of(source) if source in parents else source for source in self.edges.predecessors(vid)}
        return carried | {parent for child, parent in self.joined if child == vid}

    async def current_edges(self, *args: Any) -> Any:
        """Let another process write before and after the look-up."""
        self._write_meanwhile()
        found = await super().current_edges(*args)
        self._write_meanwhile()
        return found

    async def next_sources(self, *args: Any) -> Any:
        """Let another process write before and after the request."""
        self._write_meanwhile()
        found = await super().next_sources(*args)
        self._write_meanwhile()
        return found

    def _write_meanwhile(self) -> None:
        if not self.is_quiet and self.random.random() < 0.1:
            self.left.append(self.write())


@pytest.mark.parametrize("seed", range(24))
async def test_what_is_known_is_as_stored_whatever_is_written(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random graphs, also with ended edges and closed vertices: what is known after any writes is as by definition.

    Callers write between the steps, other processes also during their requests. Steps end with any part of a reading.
    """
    random = Random(seed)
    monkeypatch.setattr(known_sources, "AT_ONCE", random.choice((1, 2, 250)))
    monkeypatch.setattr(known_sources, "EDGES_AT_ONCE", random.choice((1, 2, 1_000)))
    edges = nx.relabel_nodes(nx.gnp_random_graph(len(VERTICES), 0.12, seed=seed, directed=True), lambda vid: vid + 1)
    flows: Any = _Written(edges, dict.fromkeys(VERTICES, 0), dict.fromkeys(VERTICES, 0), random=random)
    flows.page, flows.stops = random.choice((1, 3, 10**6)), frozenset({"Report"})
    flows.closed = frozenset(vid for vid in VERTICES if random.random() < 0.15)
    found = KnownSources()
    for _ in range(120):
        if random.random() < 0.6:
            flows.left.append(flows.write())
        if random.random() < 0.1:
            found.end_entry(10**9)
        await _learn(found, flows)
        await found.read(flows, random.sample(VERTICES, 3), ReadBudget(requests=random.choice((1, 3, 40))))
        if random.random() < 0.3:
            await _compare(found, flows)


async def _learn(found: KnownSources, flows: _Written) -> None:
    for touched in flows.left:
        found.record(touched)
    flows.left.clear()
    await found.forget_written(())


async def _compare(found: KnownSources, flows: Any) -> None:
    """Compare what is known with the definition, after a step in which no other process writes."""
    await _learn(found, flows)
    flows.is_quiet = True
    assert await found.look_up_written(flows, ReadBudget(requests=10**6))
    flows.is_quiet = False
    assert {vid: {*sources} for vid, sources in found.of.items()} == {vid: flows.sources(vid) for vid in found.of}
    inverse = defaultdict(set)
    for vid, sources in found.of.items():
        assert len(sources) == len({*sources})
        assert all(source in found.of for source in sources if is_group(source))
        for source in sources:
            inverse[source].add(vid)
    assert found.targets == inverse
    assert found.pairs == sum(map(len, found.of.values()))
