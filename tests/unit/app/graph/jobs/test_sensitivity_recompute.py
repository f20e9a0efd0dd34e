"""The recomputation of sensitivity over many steps: its requests in each, and its result among writes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import networkx as nx
import pytest

from app.graph.jobs import known_sources, sensitivity_recompute
from app.graph.jobs.known_sources import MAX_REQUESTS, MAX_VERTICES, ReadBudget
from app.graph.jobs.sensitivity_recompute import Recomputation
from app.graph.propagation.stored_flows import Sources
from app.graph.records.touched import EVERYTHING, Touched
from policies.sensitivity import SENSITIVITIES

TOP = len(SENSITIVITIES) - 1

SIZE = 20
"""Number of vertices of a random graph."""


@dataclass
class Flows:
    """Stored ranks, declared ranks and edges; ``reads`` are the numbers of vertices that each request returned."""

    edges: "nx.DiGraph[int]"
    ranks: dict[int, int]
    declared: dict[int, int]
    reads: list[int] = field(default_factory=list)

    async def sources(self, vids: Iterable[int], _keys: Sequence[str]) -> Sources:
        """Return the sources of the vertices, with the records of both."""
        found = Sources()
        for vid in vids:
            found.of[vid] = set(self.edges.predecessors(vid))
            for each in (vid, *found.of[vid]):
                found.records[each] = {
                    "sensitivity": SENSITIVITIES[self.ranks[each]],
                    "declaredSensitivity": SENSITIVITIES[self.declared[each]],
                }
        self.reads.append(len(found.records))
        return found

    def effective(self) -> dict[int, int]:
        """Return the effective ranks by definition."""
        return {vid: max(self.declared[each] for each in {vid, *nx.ancestors(self.edges, vid)}) for vid in self.edges}

    def raise_all(self) -> dict[int, int]:
        """Raise what is too low, as a writer does at once; return the ranks before."""
        before = dict(self.ranks)
        self.ranks = {vid: max(rank, self.ranks[vid]) for vid, rank in self.effective().items()}
        return before


async def test_a_long_chain_is_read_in_many_steps() -> None:
    """2,000 datasets in a row below a RESTRICTED one: no step reads more than its budget, and nothing is lowered."""
    length = 2_000
    chain = nx.path_graph(length, create_using=nx.DiGraph)
    flows: Any = Flows(chain, dict.fromkeys(chain, TOP), {**dict.fromkeys(chain, 0), 0: TOP})
    recomputation = Recomputation()
    recomputation.begin_batch([length - 1])
    steps, done = 0, False
    while not done:
        flows.reads = []
        recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget())
        assert len(flows.reads) <= MAX_REQUESTS
        steps += 1
    assert recomputation.changed() == {}
    assert length / MAX_REQUESTS <= steps <= length / MAX_REQUESTS + 1


async def test_a_step_ends_after_many_vertices() -> None:
    """A wide lineage ends a step by the number of vertices that it has read, long before that of its requests."""
    wide: nx.DiGraph[int] = nx.DiGraph()
    wide.add_edges_from((source, 0) for source in range(1, 3 * MAX_VERTICES))
    wide.add_edges_from((-source, source) for source in range(1, 3 * MAX_VERTICES))
    flows: Any = Flows(wide, dict.fromkeys(wide, TOP), dict.fromkeys(wide, 0))
    recomputation = Recomputation()
    recomputation.begin_batch([0])
    assert not await recomputation.decide(flows, ReadBudget())
    assert flows.reads == [3 * MAX_VERTICES]


@pytest.mark.parametrize("seed", range(20))
async def test_the_result_is_that_of_the_definition_whatever_is_written_between_the_steps(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random graphs with cycles, of small steps, with writes between them: no rank is ever too low, and all end exact.

    The writers raise at once, and leave the targets of what they ended or declared lower for the recomputation.
    """
    for module in (known_sources, sensitivity_recompute):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    random = Random(seed)
    edges = nx.gnp_random_graph(SIZE, random.choice((0.06, 0.1)), seed=seed, directed=True)
    declared = {vid: random.choice((0, 0, 0, 0, 1, TOP)) for vid in edges}
    flows = Flows(edges, dict.fromkeys(edges, 0), declared)
    flows.raise_all()
    frontier = dict[int, None]()
    recomputation = Recomputation()
    for turn in range(2_000):
        if turn < 300 and random.random() < 0.2:
            recomputation.known.record(_write(flows, frontier, random))
        recomputation.begin_step()
        if not recomputation.batch:
            recomputation.begin_batch([*frontier][:2])
        any_flows: Any = flows
        if await recomputation.decide(any_flows, ReadBudget(requests=1)):
            _store(flows, recomputation, frontier)
        if frontier == {} and turn >= 300:
            break
        assert [vid for vid, rank in flows.effective().items() if flows.ranks[vid] < rank] == []
    assert frontier == {}
    assert flows.ranks == flows.effective()


def _write(flows: Flows, frontier: dict[int, None], random: Random) -> Touched:
    """Change an edge or a declaration at random; return what that touches."""
    source, target = random.sample(range(SIZE), 2)
    ends, vertices = frozenset[tuple[str, str, int]](), set[int]()
    if random.random() < 0.3:
        flows.declared[target] = random.choice((0, 0, 0, 0, 0, 1, TOP))
        frontier[target], vertices = None, {target}
    elif flows.edges.has_edge(source, target):
        flows.edges.remove_edge(source, target)
        frontier[target] = None
        ends = frozenset({("in", "DERIVES", target), ("out", "DERIVES", source)})
    else:
        flows.edges.add_edge(source, target)
        ends = frozenset({("in", "DERIVES", target), ("out", "DERIVES", source)})
    before = flows.raise_all()
    vertices |= {vid for vid, rank in flows.ranks.items() if rank != before[vid]}
    if random.random() < 0.05:
        return EVERYTHING
    return Touched(frozenset(vertices), ends)


def _store(flows: Flows, recomputation: Recomputation, frontier: dict[int, None]) -> None:
    """Store the last two changes, as the job does."""
    changed, batch = recomputation.changed(), recomputation.batch
    some = [*changed][-2:]
    flows.ranks |= {vid: changed[vid] for vid in some}
    recomputation.known.record(Touched(frozenset(some)))
    further = {target for vid in some for target in flows.edges.successors(vid)}
    further |= {vid for vid in some if vid not in frontier}
    is_done = len(changed) <= 2
    for vid in batch if is_done else ():
        frontier.pop(vid, None)
    recomputation.begin_batch(() if is_done else batch)
    frontier |= dict.fromkeys(further)
