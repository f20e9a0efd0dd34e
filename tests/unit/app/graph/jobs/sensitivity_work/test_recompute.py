"""The recomputation of sensitivity over many steps: its requests in each, and its result among writes."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

import networkx as nx
import pytest
from support.oracles.ranked_flows import Flows

from app.graph.jobs.sensitivity_work import known_sources, recompute
from app.graph.jobs.sensitivity_work.read_budget import ReadBudget
from app.graph.jobs.sensitivity_work.recompute import Recomputation
from app.graph.records.touched import EVERYTHING, NOTHING, Touched
from policies.sensitivity import SENSITIVITIES

TOP = len(SENSITIVITIES) - 1

SIZE, PARENTS = 20, 4
"""Number of vertices of a random graph, the first of which may be parents of the others."""


class _Counted(dict[int, tuple[int, ...]]):
    """The sources of vertices; ``count`` is how often those of one were looked up."""

    count = 0

    def __getitem__(self, vid: int) -> tuple[int, ...]:
        self.count += 1
        return super().__getitem__(vid)

    def get(self, vid: int, default: Any = None) -> Any:
        """Return the sources of a vertex."""
        self.count += 1
        return super().get(vid, default)


async def test_a_long_known_chain_is_examined_once_and_lowered_over_many_steps() -> None:
    """The first and the last of 20,000 lose a source: no step goes through all, also not for each 250 that it stores.

    Between all steps a caller writes one of them without a change of its sensitivity.
    """
    length = 20_000
    chain = nx.path_graph(range(1, length + 1), create_using=nx.DiGraph)
    flows: Any = Flows(chain, dict.fromkeys(chain, TOP), dict.fromkeys(chain, 0))
    recomputation = Recomputation()
    known = recomputation.known
    known.ranks, known.declared = dict.fromkeys(chain, TOP), dict.fromkeys(chain, 0)
    for vid in chain:
        known.set_sources(vid, (vid - 1,) if vid > 1 else ())
    known.of = counted = _Counted(known.of)
    recomputation.begin_batch([1, length])
    steps, lowered = 0, list[int]()
    while len(lowered) < length:
        before = counted.count
        await recomputation.begin_step()
        if await recomputation.decide(flows, ReadBudget()):
            some = recomputation.next_part()
            assert {*some.values()} == {0}
            lowered += some
            flows.ranks |= some
            recomputation.stored(some, {vid + 1 for vid in some})
            known.record(Touched(frozenset(some)))
        known.record(Touched(frozenset({length // 2})))
        assert counted.count - before <= 4 * recompute.MAX_EXAMINED
        steps += 1
    assert lowered == [*range(1, length + 1)]
    assert counted.count <= 20 * length
    assert steps <= length / known_sources.AT_ONCE + 20 * length / recompute.MAX_EXAMINED
    assert recomputation.is_stored
    assert recomputation.again == {length}


async def test_a_decision_ends_whatever_is_raised_between_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer raises the end of a chain of 300 between steps of 10: these get longer, until one goes through all."""
    monkeypatch.setattr(recompute, "PART", 1)
    monkeypatch.setattr(recompute, "MAX_EXAMINED", 10)
    length = 300
    chain = nx.path_graph(range(1, length + 1), create_using=nx.DiGraph)
    flows: Any = Flows(chain, {**dict.fromkeys(chain, 2), length: 2}, dict.fromkeys(chain, 0))
    recomputation, done, steps = Recomputation(), False, 0
    recomputation.begin_batch([length])
    while not done and steps < length:
        flows.declared[length] = 1 - flows.declared[length]
        recomputation.known.record(Touched(frozenset({length})))
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget(requests=length))
        steps += 1
    assert done
    assert steps < 30


async def test_nothing_is_raised_by_a_source_that_was_lowered_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vertex is to be raised, and before the step that stores it, another entry lowers its source.

    That entry has nothing to lower at the target, and does not come back to it.
    """
    monkeypatch.setattr(recompute, "PART", 1)
    monkeypatch.setattr(recompute, "MAX_EXAMINED", 1)
    flows: Any = Flows(nx.DiGraph([(1, 2)]), {1: TOP, 2: 0}, {1: TOP, 2: 0})
    recomputation = Recomputation()
    recomputation.begin_batch([2])
    for _ in range(3):
        assert not await recomputation.decide(flows, ReadBudget())
    flows.ranks[1] = flows.declared[1] = 0
    recomputation.known.record(Touched(frozenset({1})))
    await recomputation.begin_step()
    while not await recomputation.decide(flows, ReadBudget()):
        pass
    assert recomputation.next_part() == {}


async def test_what_another_entry_has_lowered_further_is_not_raised() -> None:
    """A vertex and its source are to become INTERNAL, and are PUBLIC before the step that stores them."""
    flows: Any = Flows(nx.DiGraph([(1, 2)]), {1: TOP, 2: TOP}, {1: 1, 2: 0})
    recomputation = Recomputation()
    recomputation.begin_batch([2])
    assert await recomputation.decide(flows, ReadBudget())
    flows.ranks, flows.declared = {1: 0, 2: 0}, {1: 0, 2: 0}
    recomputation.known.record(Touched(frozenset({1, 2})))
    await recomputation.begin_step()
    assert await recomputation.decide(flows, ReadBudget())
    assert recomputation.next_part() == {}


@dataclass
class Entry:
    """An outbox entry of a test: its frontier, what its floor covers, and what the job keeps between its steps."""

    frontier: dict[int, None]
    covered: set[int] = field(default_factory=set)
    recomputation: Recomputation = field(default_factory=lambda: Recomputation(size=2))


@pytest.mark.parametrize("seed", range(24))
async def test_the_result_is_that_of_the_definition_whatever_is_written_between_the_steps(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random graphs with cycles and groups, in small steps with writes between them: no rank is too low, all end exact.

    The writers raise at once, or leave an entry with a floor over all that is downstream. They leave another one for
    the targets of what they ended or declared lower. The entries take turns in any order, so that each lowers what
    others have decided about. Some changes are divided. All begin again if the process dies. If another process writes
    during a step, this is learned before the next one, and nothing is stored.
    """
    for module in (known_sources, recompute):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(recompute, "PART", 1)
    monkeypatch.setattr(recompute, "MAX_EXAMINED", seed % 4 * 20 + 4)
    random = Random(seed)
    edges = nx.gnp_random_graph(SIZE, random.choice((0.04, 0.08)), seed=seed, directed=True)
    edges = nx.relabel_nodes(edges, {vid: vid + 1 for vid in edges})
    declared = {vid: random.choice((0, 0, 0, 0, 1, TOP)) for vid in edges}
    joined = {(random.randrange(PARENTS + 1, SIZE + 1), random.randrange(1, PARENTS + 1)) for _ in range(SIZE)}
    flows = Flows(edges, dict.fromkeys(edges, 0), declared, joined, page=random.choice((1, 3, 10**6)))
    flows.raise_all()
    entries = list[Entry]()
    any_flows: Any = flows
    for turn in range(40_000):
        if turn < 300 and random.random() < 0.1:
            _learn(entries, _entries(flows, random, has_floors=seed % 3 > 0))
        if turn < 300 and random.random() < 0.02:
            entries = [Entry(entry.frontier, entry.covered) for entry in entries]
        if entries:
            entry = random.choice(entries)
            recomputation = entry.recomputation
            await recomputation.begin_step()
            if not recomputation.batch:
                recomputation.begin_batch([*entry.frontier][:2])
            written = [_entries(flows, random, has_floors=seed % 3 > 0)] if turn < 300 and random.random() < 0.1 else []
            if await recomputation.decide(any_flows, ReadBudget(requests=1)):
                lost = bool(written) or random.random() < 0.3
                _learn(entries, (_store(flows, recomputation, entry.frontier, lost=lost), []))
            for each in written:
                _learn(entries, each)
        entries = [entry for entry in entries if entry.frontier]
        if not entries and turn >= 300:
            break
        low = {vid for vid, rank in flows.effective().items() if flows.ranks[vid] < rank}
        assert low <= set().union(*(entry.covered for entry in entries))
    assert entries == []
    assert flows.ranks == flows.effective()


def _entries(flows: Flows, random: Random, *, has_floors: bool) -> tuple[Touched, list[Entry]]:
    """Write at random; return what that touches, and the entries that the writer leaves."""
    touched, affected, covered = _write(flows, random, with_floor=has_floors and random.random() < 0.5)
    lowering = [Entry(affected)] if affected else []
    return touched, [*lowering, *([Entry(dict.fromkeys(covered), covered)] if covered else [])]


def _learn(entries: list[Entry], written: tuple[Touched, list[Entry]]) -> None:
    touched, new = written
    for entry in entries:
        entry.recomputation.known.record(touched)
    entries += new


@pytest.mark.parametrize("seed", range(20))
async def test_what_is_lowered_has_no_stricter_source(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random graphs without cycles, two changes at once: what a writer raises is raised along all that is downstream.

    A writer stops at a vertex that is as strict as what it raises. So a vertex is never less strict than a source.
    """
    monkeypatch.setattr(known_sources, "AT_ONCE", 3)
    random = Random(seed)
    edges: nx.DiGraph[int] = nx.DiGraph()
    edges.add_nodes_from(range(1, SIZE + 1))
    pairs = [random.sample(range(1, SIZE + 1), 2) for _ in range(2 * SIZE)]
    edges.add_edges_from((min(pair), max(pair)) for pair in pairs)
    joined = {(child, parent) for parent in range(1, SIZE) for child in (parent + 1,) if random.random() < 0.2}
    flows: Any = Flows(edges, {}, {vid: random.choice((0, 0, 1, TOP)) for vid in edges}, joined)
    flows.ranks = flows.effective()
    flows.declared = {vid: rank * random.choice((0, 0, 1)) for vid, rank in flows.declared.items()}
    below = flows.flows().edges
    frontier = dict.fromkeys(random.sample(range(1, SIZE + 1), SIZE))
    recomputation, stores = Recomputation(size=2), 0
    while frontier:
        await recomputation.begin_step()
        if not recomputation.batch:
            recomputation.begin_batch([*frontier][: SIZE // 2])
        if await recomputation.decide(flows, ReadBudget()):
            recomputation.known.record(_store(flows, recomputation, frontier))
            stores += 1
        assert [(source, target) for source, target in below if flows.ranks[target] < flows.ranks[source]] == []
    assert stores > 2
    assert flows.ranks == flows.effective()


def _write(flows: Flows, random: Random, *, with_floor: bool) -> tuple[Touched, dict[int, None], set[int]]:
    """Change an edge or a declaration at random; return what that touches, what may be lowered, and what is not raised.

    That is all downstream of what is too low.
    """
    source, target = random.sample(range(1, SIZE + 1), 2)
    vertices, frontier = set[int](), dict[int, None]()
    edges = {("DERIVES", source, target)}
    if random.random() < 0.3:
        child, parent = random.randrange(PARENTS + 1, SIZE + 1), random.randrange(1, PARENTS + 1)
        flows.joined ^= {(child, parent)}
        flows.ended_joined.add((child, parent))
        frontier |= dict.fromkeys([child, *flows.edges.successors(parent)])
        edges = {("VERSION_OF", child, parent)}
    elif random.random() < 0.3:
        flows.declared[target] = random.choice((0, 0, 0, 0, 0, 1, TOP))
        frontier[target], vertices, edges = None, {target}, set()
    elif not flows.edges.has_edge(source, target):
        flows.edges.add_edge(source, target)
    else:
        flows.edges.remove_edge(source, target)
        flows.ended.add_edge(source, target)
        frontier[target] = None
    before, covered = flows.raise_all(), set[int]()
    if with_floor:
        after = before | {vid: max(before[vid], flows.declared[vid]) for vid in vertices}
        for vid in [vid for vid, rank in flows.ranks.items() if rank != after[vid]]:
            covered |= {vid, *nx.descendants(flows.flows(), vid)}
        flows.ranks = after
    vertices |= {vid for vid, rank in flows.ranks.items() if rank != before[vid]}
    touched = Touched.of_edges(frozenset(vertices), frozenset(edges), None)
    of_ends = Touched(touched.vertices, touched.edge_ends)
    return random.choices((EVERYTHING, of_ends, touched), (1, 4, 15))[0], frontier, covered


def _store(flows: Flows, recomputation: Recomputation, frontier: dict[int, None], *, lost: bool = False) -> Touched:
    """Store two changes unless their turn is lost, or the sum of their ids is odd; return what that touches."""
    some = recomputation.next_part()
    if len(some) > 1 and sum(some) % 2:
        recomputation.divide(1)
        return NOTHING
    if some and not lost:
        flows.ranks |= some
        further = {target for vid in some for target in flows.flows().successors(vid)}
        further |= {vid for vid in some if vid not in frontier}
        recomputation.stored(some, further)
        frontier |= dict.fromkeys(further)
    if recomputation.is_stored:
        for vid in set(recomputation.batch) - recomputation.again:
            del frontier[vid]
        recomputation.begin_batch(())
    return Touched(frozenset(some))
