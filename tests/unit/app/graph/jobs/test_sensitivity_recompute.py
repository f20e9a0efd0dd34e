"""The recomputation of sensitivity over many steps: its requests in each, and its result among writes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from types import SimpleNamespace
from typing import Any

import networkx as nx
import pytest
from support.stores.paged_edges import Row, page_of

from app.graph.jobs import known_sources, sensitivity_recompute
from app.graph.jobs.known_sources import MAX_PARTS, MAX_REQUESTS, MAX_VERTICES, MIN_REQUESTS, ReadBudget
from app.graph.jobs.sensitivity_recompute import Recomputation
from app.graph.propagation.flow_statement import CHILD_STEPS
from app.graph.propagation.source_reading import SourceReading
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.touched import EVERYTHING, Touched
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.record import Record
from policies.sensitivity import SENSITIVITIES

TOP = len(SENSITIVITIES) - 1

SIZE, PARENTS = 20, 4
"""Number of vertices of a random graph, the first of which may be parents of the others."""


@dataclass
class Flows:
    """Stored ranks, declared ranks and edges; ``reads`` are the numbers of vertices that each request found.

    ``joined`` has pairs of a child and its parent, whose edges the child uses. A request returns ``part`` records.
    ``parts`` counts the requests that left out others. ``edges_read`` are the numbers of edges that each request found,
    at most ``page`` of them.
    """

    edges: "nx.DiGraph[int]"
    ranks: dict[int, int]
    declared: dict[int, int]
    joined: set[tuple[int, int]] = field(default_factory=set)
    reads: list[int] = field(default_factory=list)
    part: int = 10**6
    parts: int = 0
    stops: frozenset[str] = frozenset()
    page: int = 10**6
    edges_read: list[int] = field(default_factory=list)

    def source_reading(self, vids: Sequence[int]) -> SourceReading:
        """Return the reading of the sources of vertices."""
        return StoredFlows(SimpleNamespace(), frozenset(), 0).source_reading(vids)  # type: ignore[arg-type]

    async def next_sources(
        self, reading: SourceReading, keys: Sequence[str], max_records: int
    ) -> tuple[dict[int, Record], list[int]]:
        """Return the records of a page of sources, unless there are too many vertices."""
        around = dict.fromkeys(() if reading.pages.has_begun else reading.vids)
        found, rest = page_of(reading.pages.bindings(), self._edges, self.page)
        rows = [[*chain.from_iterable(each)] for each in found]
        reading.pages.add([each[1::3] for each in rows], rest)
        reading.add(rows)
        self.edges_read.append(reading.page_size)
        around |= dict.fromkeys(far for each in rows for far in each[1::3])
        if len(around) > max_records:
            self.reads.append(len(around))
            return {}, []
        return await self.first_records([*around], keys)

    def _edges(self, hop: int, vid: int) -> list[Row]:
        """Return the rows of the first hop, which is carried, of the next one, and of the last one, at a vertex.

        The others are of relations that the graph does not have.
        """
        found: list[int] = []
        if hop == 0:
            found = sorted(self.edges.predecessors(vid))
        elif hop == 1:
            found = sorted(child for child, parent in self.joined if parent == vid)
        elif hop == 1 + len(CHILD_STEPS):
            found = sorted(parent for child, parent in self.joined if child == vid)
        return [(vid, far, "DATASET") for far in found]

    async def first_records(self, vids: Sequence[int], _keys: Sequence[str]) -> tuple[dict[int, Record], list[int]]:
        """Return the records of the first of the vertices, and the ids of the others."""
        self.reads.append(len(vids))
        self.parts += len(vids) > self.part
        return {
            vid: {
                "kind": KINDS["Dataset"].code,
                "sensitivity": SENSITIVITIES[self.ranks[vid]],
                "declaredSensitivity": SENSITIVITIES[self.declared[vid]],
            }
            for vid in vids[: self.part]
        }, [*vids[self.part :]]

    def flows(self) -> "nx.DiGraph[int]":
        """Return an edge from each source to each of its targets: the number is a product."""
        found = self.edges.copy()
        for child, parent in self.joined:
            found.add_edge(parent, child)
            found.add_edges_from((child, target) for target in self.edges.successors(parent))
        return found

    def effective(self) -> dict[int, int]:
        """Return the effective ranks by definition."""
        flows = self.flows()
        return {vid: max(self.declared[each] for each in {vid, *nx.ancestors(flows, vid)}) for vid in flows}

    def raise_all(self) -> dict[int, int]:
        """Raise what is too low, as a writer does at once; return the ranks before."""
        before = dict(self.ranks)
        self.ranks = {vid: max(rank, self.ranks[vid]) for vid, rank in self.effective().items()}
        return before


async def test_a_long_chain_is_read_in_many_steps() -> None:
    """2,000 datasets in a row below a RESTRICTED one: no step reads more than its budget, and nothing is lowered."""
    length = 2_000
    row = nx.path_graph(range(1, length + 1), create_using=nx.DiGraph)
    flows: Any = Flows(row, dict.fromkeys(row, TOP), {**dict.fromkeys(row, 0), 1: TOP})
    recomputation = Recomputation()
    recomputation.begin_batch([length])
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
    size = 3 * MAX_VERTICES
    wide.add_edges_from((source, size) for source in range(1, size))
    wide.add_edges_from((size + source, source) for source in range(1, size))
    flows: Any = Flows(wide, dict.fromkeys(wide, TOP), dict.fromkeys(wide, 0))
    recomputation = Recomputation()
    recomputation.begin_batch([size])
    assert not await recomputation.decide(flows, ReadBudget())
    assert flows.reads[0] == size
    assert len(flows.reads) <= MIN_REQUESTS
    assert max(flows.reads[1:]) <= known_sources.AT_ONCE


@pytest.mark.parametrize(("part", "steps"), [(10**6, 1 + 3), (64, 47)])
async def test_one_vertex_with_many_large_sources_takes_many_steps(part: int, steps: int) -> None:
    """15,000 sources of one vertex: no request reads the records of more than a few, and no step more than its budget.

    If these are so large that a request has only 64 of them, a step ends after a few such requests.
    """
    size = 3 * MAX_VERTICES
    star: nx.DiGraph[int] = nx.DiGraph((source, size) for source in range(1, size))
    flows: Any = Flows(star, {**dict.fromkeys(star, 0), size: TOP}, dict.fromkeys(star, 0), part=part)
    recomputation, done, taken = Recomputation(), False, 0
    recomputation.begin_batch([size])
    while not done:
        flows.reads, flows.parts = [], 0
        recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget())
        assert len(flows.reads) <= MAX_REQUESTS
        assert flows.parts <= MAX_PARTS
        assert max(flows.reads[taken == 0 :]) <= known_sources.AT_ONCE
        taken += 1
    assert taken == steps
    assert recomputation.changed() == {size: 0}


async def test_many_sources_are_read_beside_a_writer_of_their_edges() -> None:
    """A writer changes an edge between all steps, so that each reads the edges anew: it reads further ranks as well."""
    size = 3 * MAX_VERTICES
    star: nx.DiGraph[int] = nx.DiGraph((source, size) for source in range(1, size))
    flows: Any = Flows(star, {**dict.fromkeys(star, 0), size: TOP}, dict.fromkeys(star, 0))
    recomputation, done, steps = Recomputation(), False, 0
    recomputation.begin_batch([size])
    while not done and steps < size:
        recomputation.known.record(Touched(edge_ends=frozenset({("in", "DERIVES", size)})))
        recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget())
        steps += 1
    assert done
    assert recomputation.changed() == {size: 0}


@pytest.mark.parametrize("changed", [7, 15_000], ids=["elsewhere", "of its edges"])
async def test_the_edges_of_one_vertex_are_read_over_several_steps(changed: int) -> None:
    """15,000 sources in pages of 2,000 edges: a step reads one page, and the next one continues beside the writers.

    A writer of edges to the vertex lets the reading begin again; after some times, a step reads all, so the work ends.
    """
    size = 3 * MAX_VERTICES
    star: nx.DiGraph[int] = nx.DiGraph((source, size) for source in range(1, size))
    flows: Any = Flows(star, {**dict.fromkeys(star, 0), size: TOP}, dict.fromkeys(star, 0), page=2_000)
    recomputation, done, pages = Recomputation(), False, list[int]()
    recomputation.begin_batch([size])
    while not done and len(pages) < 100:
        flows.edges_read = []
        recomputation.known.record(Touched(edge_ends=frozenset({("in", "DERIVES", changed)})))
        recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget(vertices=2_000))
        pages.append(len(flows.edges_read))
    assert done
    assert recomputation.changed() == {size: 0}
    assert pages[:8] == ([1] * 8 if changed == 7 else [1, 1, 9])


async def test_a_vertex_to_which_nothing_propagates_has_no_sources() -> None:
    """The kind of a vertex stops sensitivity, also if its record comes after its edges, or only the edges again."""
    star: nx.DiGraph[int] = nx.DiGraph([(1, 9), (2, 9)])
    flows: Any = Flows(star, {1: TOP, 2: TOP, 9: TOP}, {1: TOP, 2: TOP, 9: 0}, stops=frozenset({"Dataset"}))
    for most in (1, 100):
        known = known_sources.KnownSources()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(known_sources, "MAX_VERTICES", most)
            for touched in (Touched(), Touched(edge_ends=frozenset({("in", "DERIVES", 9)}))):
                known.record(touched)
                known.forget_written()
                while not await known.read(flows, [9], ReadBudget()):
                    pass
                assert known.of[9] == ()
                assert known.ranks[9] == TOP


@pytest.mark.parametrize("seed", range(20))
async def test_the_result_is_that_of_the_definition_whatever_is_written_between_the_steps(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random graphs with cycles and groups, in small steps with writes between them: no rank is too low, all end exact.

    The writers raise at once, and leave the targets of what they ended or declared lower for the recomputation.
    """
    for module in (known_sources, sensitivity_recompute):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    random = Random(seed)
    edges = nx.gnp_random_graph(SIZE, random.choice((0.04, 0.08)), seed=seed, directed=True)
    edges = nx.relabel_nodes(edges, {vid: vid + 1 for vid in edges})
    declared = {vid: random.choice((0, 0, 0, 0, 1, TOP)) for vid in edges}
    joined = {(random.randrange(PARENTS + 1, SIZE + 1), random.randrange(1, PARENTS + 1)) for _ in range(SIZE)}
    flows = Flows(edges, dict.fromkeys(edges, 0), declared, joined, page=random.choice((1, 3, 10**6)))
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
    recomputation, stores = Recomputation(), 0
    while frontier:
        recomputation.begin_step()
        if not recomputation.batch:
            recomputation.begin_batch([*frontier][: SIZE // 2])
        if await recomputation.decide(flows, ReadBudget()):
            _store(flows, recomputation, frontier)
            stores += 1
        assert [(source, target) for source, target in below if flows.ranks[target] < flows.ranks[source]] == []
    assert stores > 2
    assert flows.ranks == flows.effective()


def _write(flows: Flows, frontier: dict[int, None], random: Random) -> Touched:
    """Change an edge or a declaration at random; return what that touches."""
    source, target = random.sample(range(1, SIZE + 1), 2)
    ends, vertices = frozenset[tuple[str, str, int]](), set[int]()
    if random.random() < 0.3:
        child, parent = random.randrange(PARENTS + 1, SIZE + 1), random.randrange(1, PARENTS + 1)
        flows.joined ^= {(child, parent)}
        frontier |= dict.fromkeys([child, *flows.edges.successors(parent)])
        ends = frozenset({("in", "VERSION_OF", parent), ("out", "VERSION_OF", child)})
    elif random.random() < 0.3:
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
    """Store two changes, as the job does."""
    changed, batch = recomputation.changed(), recomputation.batch
    some = recomputation.first_of(changed, 2)
    flows.ranks |= {vid: changed[vid] for vid in some}
    recomputation.known.record(Touched(frozenset(some)))
    further = {target for vid in some for target in flows.flows().successors(vid)}
    further |= {vid for vid in some if vid not in frontier}
    is_done = len(changed) <= 2
    for vid in batch if is_done else ():
        frontier.pop(vid, None)
    recomputation.begin_batch(() if is_done else batch)
    frontier |= dict.fromkeys(further)
