"""The requests of a recomputation in each of its steps stay within a budget, whatever is written between them."""

from collections.abc import Iterable
from typing import Any

import networkx as nx
import pytest
from support.oracles.ranked_flows import Flows

from app.graph.driver.edge_pages import PAGE, VisitBudget
from app.graph.jobs.sensitivity_work import known_sources
from app.graph.jobs.sensitivity_work.known_sources import KnownSources
from app.graph.jobs.sensitivity_work.read_budget import (
    MAX_PARTS,
    MAX_REQUESTS,
    VISITS_OF_LOOKUP,
    ReadBudget,
)
from app.graph.jobs.sensitivity_work.recompute import Recomputation
from app.graph.propagation.sources import group_of
from app.graph.records.touched import Touched
from policies.sensitivity import SENSITIVITIES

TOP = len(SENSITIVITIES) - 1
MANY = 15_000
"""Number of sources of a vertex: several times what one step reads."""


async def test_a_long_chain_is_read_in_many_steps() -> None:
    """2,000 datasets in a row below a RESTRICTED one: no step reads more than its budget, and nothing is lowered."""
    length = 2_000
    row = nx.path_graph(range(1, length + 1), create_using=nx.DiGraph)
    flows: Any = Flows(row, dict.fromkeys(row, TOP), {**dict.fromkeys(row, 0), 1: TOP})
    recomputation, steps, done = Recomputation(), 0, False
    recomputation.begin_batch([length])
    while not done:
        flows.reads = []
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget())
        assert len(flows.reads) <= MAX_REQUESTS
        steps += 1
    assert recomputation.next_part() == {}
    assert length / MAX_REQUESTS <= steps <= length / MAX_REQUESTS + 1


async def test_a_step_ends_after_many_vertices() -> None:
    """A wide lineage ends a step by the number of edges that it has visited, long before that of its requests."""
    wide: nx.DiGraph[int] = nx.DiGraph()
    size = MANY
    wide.add_edges_from((source, size) for source in range(1, size))
    wide.add_edges_from((size + source, source) for source in range(1, size))
    flows: Any = Flows(wide, dict.fromkeys(wide, TOP), dict.fromkeys(wide, 0))
    recomputation = Recomputation()
    recomputation.begin_batch([size])
    assert not await recomputation.decide(flows, ReadBudget())
    assert (sum(flows.edges_read), flows.reads) == (PAGE, [PAGE + 1])


@pytest.mark.parametrize(("part", "steps"), [(10**6, 3 + 10 + 8), (64, 3 + 47 + 8)])
async def test_one_vertex_with_many_large_sources_takes_many_steps(part: int, steps: int) -> None:
    """15,000 sources of one vertex: no request reads the records of more than a few, and no step more than its budget.

    If these are so large that a request has only 64 of them, a step ends after a few such requests. Eight steps examine
    them six times, once for groups among them, once for each rank, and once for the order in which they are stored.
    """
    size = MANY
    star: nx.DiGraph[int] = nx.DiGraph((source, size) for source in range(1, size))
    flows: Any = Flows(star, {**dict.fromkeys(star, 0), size: TOP}, dict.fromkeys(star, 0), part=part)
    recomputation, done, taken = Recomputation(), False, 0
    recomputation.begin_batch([size])
    while not done:
        flows.reads, flows.parts = [], 0
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget())
        assert len(flows.reads) <= MAX_REQUESTS
        assert flows.parts <= MAX_PARTS
        assert max(flows.reads[taken < MANY // PAGE :], default=0) <= known_sources.AT_ONCE  # pages have no records
        taken += 1
    assert taken == steps
    assert recomputation.next_part() == {size: 0}


@pytest.mark.parametrize("page", [10**6, 300], ids=["one page", "50 pages"])
async def test_many_sources_are_read_beside_a_writer_of_their_edges(monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """A writer changes an edge between all steps, so that each reads the edges anew: it reads further ranks as well.

    That holds also if the step that reads all pages of these edges has sent more requests than others may.
    """
    size = MANY
    monkeypatch.setattr(known_sources, "MAX_VERTICES", 100)  # so that no page has the records of its vertices
    star: nx.DiGraph[int] = nx.DiGraph((source, size) for source in range(1, size))
    flows: Any = Flows(star, {**dict.fromkeys(star, 0), size: TOP}, dict.fromkeys(star, 0), page=page)
    recomputation, done, steps = Recomputation(), False, 0
    recomputation.begin_batch([size])
    while not done and steps < size:
        recomputation.known.record(Touched(edge_ends=frozenset({("in", "DERIVES", size)})))
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget(visits=VisitBudget(min(page, PAGE))))
        steps += 1
    assert done
    assert recomputation.next_part() == {size: 0}


@pytest.mark.parametrize("changed", [7, 15_000], ids=["elsewhere", "of its edges"])
async def test_the_edges_of_one_vertex_are_read_over_several_steps(changed: int) -> None:
    """15,000 sources in pages of 2,000 edges: a step reads one page, and the next one continues beside the writers.

    A writer of edges to the vertex lets the reading begin again; after some times, a step reads all, so the work ends.
    """
    size = MANY
    star: nx.DiGraph[int] = nx.DiGraph((source, size) for source in range(1, size))
    flows: Any = Flows(star, {**dict.fromkeys(star, 0), size: TOP}, dict.fromkeys(star, 0), page=2_000)
    recomputation, done, pages = Recomputation(), False, list[int]()
    recomputation.begin_batch([size])
    while not done and len(pages) < 100:
        flows.edges_read = []
        recomputation.known.record(Touched(edge_ends=frozenset({("in", "DERIVES", changed)})))
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget(visits=VisitBudget(2_000)))
        pages.append(len(flows.edges_read))
    assert done
    assert recomputation.next_part() == {size: 0}
    assert pages[:6] == ([1] * 6 if changed == 7 else [1, 1, 9, 1, 1, 9])


@pytest.mark.parametrize("source", [7, 20_000], ids=["the same source", "new sources"])
async def test_edges_that_are_written_between_the_steps_are_looked_up(source: int) -> None:
    """A writer gives edges to two vertices with 15,000 sources each, between all steps: no step reads a second page.

    No page is read again either, and the decision ends. New sources have children, which count as well.
    """
    size, hubs = MANY, (30_000, 30_001)
    star: nx.DiGraph[int] = nx.DiGraph((vid, hub) for hub in hubs for vid in range(1, size))
    flows: Any = Flows(star, {**dict.fromkeys(star, 0), hubs[0]: TOP, hubs[1]: 1}, dict.fromkeys(star, 0), page=2_000)
    recomputation, done, steps = Recomputation(), False, 0
    recomputation.begin_batch(hubs)
    while not done and steps < 200:
        flows.edges_read = []
        far = source + (steps if source > size else 0)
        star.add_edges_from((far, hub) for hub in hubs)
        flows.ranks[far] = flows.declared[far] = 0
        flows.ranks[far + 5_000] = flows.declared[far + 5_000] = 0
        if source > size:
            flows.joined.add((far + 5_000, far))
        edges = frozenset(("DERIVES", far, hub) for hub in hubs)
        recomputation.known.record(Touched.of_edges(frozenset(), edges, None))
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget(visits=VisitBudget(2_000)))
        assert len([each for each in flows.edges_read if each > 100]) <= 1
        steps += 1
    assert done
    assert recomputation.next_part() == dict.fromkeys(hubs, 0)
    news = {group_of(20_000 + step) for step in range(steps)} if source > size else {7}
    assert all({*recomputation.known.of[hub]} == {*range(1, size)} | news for hub in hubs)


@pytest.mark.parametrize("period", [2, 3, 7])
async def test_a_source_whose_children_are_read_comes_and_goes(period: int) -> None:
    """A source with 120 children comes after the first step that reads its target, goes, and comes again.

    A step visits 100 edges, so its children take two steps. The decision ends nevertheless.
    """
    hub, parent = 1_000, 1
    star: nx.DiGraph[int] = nx.DiGraph((vid, hub) for vid in range(100, 700))
    joined = {(child, parent) for child in range(2_000, 2_120)}
    ranks = dict.fromkeys([*star, parent, *(child for child, _ in joined)], 0)
    flows: Any = Flows(star, ranks | {hub: TOP}, {**ranks}, joined, page=100)
    star.add_node(parent)
    recomputation, done, steps = Recomputation(), False, 0
    recomputation.begin_batch([hub])
    while not done and steps < 150:
        if star.has_edge(parent, hub) != (is_there := steps % period > 0):
            (star.add_edge if is_there else star.remove_edge)(parent, hub)
            flows.ended.add_edge(parent, hub)
            recomputation.known.record(Touched.of_edges(frozenset(), frozenset({("DERIVES", parent, hub)}), None))
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget(visits=VisitBudget(100)))
        steps += 1
    assert done
    assert recomputation.next_part() == {hub: 0}


@pytest.mark.parametrize("count", [6_000, 12_000], ids=["in a step", "at all"])
async def test_more_edges_than_are_looked_up_are_written_between_all_steps(count: int) -> None:
    """A writer changes thousands of edges of a vertex between all steps: the decision ends.

    Each step looks up some of 6,000, and now and then all. Of 12,000 the vertex is forgotten, and read again.
    """
    hub = 30_000
    star: nx.DiGraph[int] = nx.DiGraph((vid, hub) for vid in range(1, 13_000))
    flows: Any = Flows(star, {**dict.fromkeys(star, 0), hub: TOP}, dict.fromkeys(star, 0))
    written = Touched.of_edges(frozenset(), frozenset(("DERIVES", vid, hub) for vid in range(1, count + 1)), None)
    recomputation, done, steps = Recomputation(), False, 0
    recomputation.begin_batch([hub])
    while not done and steps < 300:
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget())
        recomputation.known.record(written)
        steps += 1
    assert done
    assert flows.lookups <= steps * known_sources.MAX_LOOKUPS


async def test_what_is_upstream_of_many_edges_is_read_beside_a_writer_of_these() -> None:
    """A writer changes one of 120 edges to a dataset between all steps, each of which may visit 50.

    So every third step reads all 120 anew, in four pages, and has nothing left for the chain of ten that leads to the
    dataset. It reads a page of it nevertheless: the decision ends, and lowers the chain.
    """
    many, chain = 120, [*range(1_000, 1_010)]
    star: nx.DiGraph[int] = nx.DiGraph((source, many) for source in range(1, many))
    nx.add_path(star, [*chain, 1])
    wrong = dict.fromkeys([*chain, 1, many], TOP)
    flows: Any = Flows(star, dict.fromkeys(star, 0) | wrong, dict.fromkeys(star, 0), page=50)
    recomputation, done, pages = Recomputation(), False, list[int]()
    recomputation.begin_batch([many])
    while not done and len(pages) < 500:
        flows.edges_read = []
        recomputation.known.record(Touched(edge_ends=frozenset({("in", "DERIVES", many)})))
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget(visits=VisitBudget(50)))
        pages.append(len(flows.edges_read))
    assert done
    assert recomputation.next_part() == dict.fromkeys(wrong, 0)
    assert max(pages) == 5


def _of_children(children: Iterable[int], parent: int) -> Touched:
    """Return what a transaction touches that writes the memberships of children of a parent."""
    return Touched.of_edges(frozenset(), frozenset(("VERSION_OF", child, parent) for child in children), None)


@pytest.mark.parametrize(("targets", "children", "chain"), [(12_000, 1, 5), (4_000, 3, 0), (300, 40, 0)])
async def test_children_come_again_and_again_to_a_parent_with_many_targets(
    targets: int, children: int, chain: int
) -> None:
    """A caller writes memberships of one parent between all steps, each of which changes all targets of the parent.

    The decision about one of the targets, to which a chain leads, ends nevertheless.
    """
    parent, target, first = 1, 9_999, 10_000
    edges: nx.DiGraph[int] = nx.DiGraph((parent, first + number) for number in range(targets))
    edges.add_edge(parent, target)
    members, row = range(100, 100 + children), [*range(50_000, 50_000 + chain)]
    edges.add_nodes_from(members)
    nx.add_path(edges, [*row, target])
    lowered = dict.fromkeys([*row, target], TOP)
    joined = {(child, parent) for child in members}
    flows: Any = Flows(edges, dict.fromkeys(edges, 0) | lowered, dict.fromkeys(edges, 0), joined)
    recomputation, done, steps = Recomputation(), False, 0
    for begin in range(first, first + targets, 250):
        while not await recomputation.known.read(flows, range(begin, min(begin + 250, first + targets)), ReadBudget()):
            pass
    recomputation.begin_batch([target])
    while not done and steps < 300:
        recomputation.known.record(_of_children(members, parent))
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget())
        steps += 1
    assert done
    assert recomputation.next_part() == dict.fromkeys([*row, target], 0)


async def test_look_ups_that_spend_the_budget_of_each_step_leave_a_page() -> None:
    """A caller writes sixty edges of a vertex between all steps, each of which may visit a hundred.

    Their look-ups spend that. A step reads a page of a chain of ten to the vertex nevertheless, so the decision ends.
    """
    many, row = 1_000, [*range(2_000, 2_010)]
    edges: nx.DiGraph[int] = nx.DiGraph((source, many) for source in range(1, 61))
    nx.add_path(edges, [*row, 1])
    wrong = dict.fromkeys([*row, 1, many], TOP)
    flows: Any = Flows(edges, dict.fromkeys(edges, 0) | wrong, dict.fromkeys(edges, 0), page=100)
    written = Touched.of_edges(frozenset(), frozenset(("DERIVES", source, many) for source in range(1, 61)), None)
    recomputation, done, steps = Recomputation(), False, 0
    assert await recomputation.known.read(flows, [many], ReadBudget())
    recomputation.begin_batch([many])
    while not done and steps < 100:
        recomputation.known.record(written)
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget(visits=VisitBudget(100)))
        steps += 1
    assert done
    assert recomputation.next_part() == dict.fromkeys(wrong, 0)


async def test_edges_that_are_written_during_a_long_reading_are_looked_up_in_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A writer changes three edges of a vertex between all steps that read its 1,500 sources: none is read again.

    After the reading, each step looks up about as many of these edges as it may visit, and the decision ends.
    """
    monkeypatch.setattr(known_sources, "EDGES_AT_ONCE", 10)
    hub, size = 10_000, 1_500
    star: nx.DiGraph[int] = nx.DiGraph((vid, hub) for vid in range(1, size + 1))
    flows: Any = Flows(star, {**dict.fromkeys(star, 0), hub: TOP}, dict.fromkeys(star, 0), page=100)
    recomputation, done, steps, lookups, found = Recomputation(), False, 0, list[int](), 0
    recomputation.begin_batch([hub])
    while not done and steps < 100:
        written = frozenset(("DERIVES", 3 * steps + number, hub) for number in (1, 2, 3))
        recomputation.known.record(Touched.of_edges(frozenset(), written, None))
        flows.lookups = 0
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget(visits=VisitBudget(100)))
        lookups.append(flows.lookups)
        found += sum(flows.edges_read)
        flows.edges_read = []
        steps += 1
    assert done
    assert recomputation.next_part() == {hub: 0}
    assert found == size
    assert max(lookups) == 100 // VISITS_OF_LOOKUP + 5


async def test_look_ups_of_new_sources_let_a_step_read_one_further_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller gives a vertex 40 new sources with three children each, between all steps, which may visit 100 edges.

    Each look-up finds sources whose children are unknown. The step visits less than three times what it may.
    """
    monkeypatch.setattr(known_sources, "EDGES_AT_ONCE", 10)
    hub, fresh, children = 10_000, 20_000, 100_000
    star: nx.DiGraph[int] = nx.DiGraph((vid, hub) for vid in range(1, 50))
    flows: Any = Flows(star, {**dict.fromkeys(star, 0), hub: TOP}, dict.fromkeys(star, 0), page=100)
    recomputation, done, steps = Recomputation(), False, 0
    recomputation.begin_batch([hub])
    assert await recomputation.known.read(flows, [hub], ReadBudget())
    while not done and steps < 200:
        if steps < 20:
            sources = range(fresh + 40 * steps, fresh + 40 * steps + 40)
            star.add_edges_from((vid, hub) for vid in sources)
            flows.joined |= {(children + 3 * vid + number, vid) for vid in sources for number in range(3)}
            new = dict.fromkeys([*sources, *(children + 3 * vid + number for vid in sources for number in range(3))], 0)
            flows.ranks |= new
            flows.declared |= new
            written = frozenset(("DERIVES", vid, hub) for vid in sources)
            recomputation.known.record(Touched.of_edges(frozenset(), written, None))
        await recomputation.begin_step()
        budget = ReadBudget(visits=VisitBudget(100))
        done = await recomputation.decide(flows, budget)
        assert budget.visits.left > -200
        steps += 1
    assert done
    assert recomputation.next_part() == {hub: 0}


async def test_a_group_ends_by_time_while_it_is_used() -> None:
    """The last membership of a parent is written, and then ends by its time, while a reading depends on it.

    It is looked up after the reading, so the group that a decision has used is a source no longer. The decision ends.
    """
    edges: nx.DiGraph[int] = nx.DiGraph([(1, 5), (6, 5), (1, 6), *((vid, 6) for vid in range(100, 400))])
    ranks = dict.fromkeys([*edges, 2], 0)
    flows: Any = Flows(edges, ranks | dict.fromkeys([1, 2, 5, 6], TOP), {**ranks}, {(2, 1)}, page=50)
    recomputation, done, steps = Recomputation(), False, 0
    recomputation.begin_batch([5])
    while not done and steps < 60:
        if steps == 3:
            recomputation.known.record(_of_children([2], 1))
        if steps == 5:
            flows.joined.clear()
            flows.ended_joined.add((2, 1))
        await recomputation.begin_step()
        done = await recomputation.decide(flows, ReadBudget(visits=VisitBudget(50)))
        steps += 1
    assert done
    assert recomputation.next_part().keys() >= {5, 6}


async def test_a_reading_takes_many_steps_after_another_one_began_again() -> None:
    """The children of a new source are read anew twice, because of writes. Nothing of that lengthens a later step."""
    hub, other, parent = 1_000, 50_000, 1
    edges: nx.DiGraph[int] = nx.DiGraph((vid, hub) for vid in range(100, 110))
    edges.add_node(parent)
    edges.add_edges_from((vid, other) for vid in range(60_000, 63_000))
    joined = {(2_000 + number, parent) for number in range(500)}
    ranks = dict.fromkeys([*edges, *(child for child, _ in joined)], 0)
    flows: Any = Flows(edges, ranks, {**ranks}, joined, page=100)
    known = KnownSources()
    assert await known.read(flows, [hub], ReadBudget())
    edges.add_edge(parent, hub)
    known.record(Touched.of_edges(frozenset(), frozenset({("DERIVES", parent, hub)}), None))
    for _ in range(2):
        await known.forget_written(())
        assert not await known.read(flows, [hub], ReadBudget(visits=VisitBudget(100)))
        known.record(Touched(edge_ends=frozenset({("out", "VERSION_OF", 2_000), ("in", "VERSION_OF", parent)})))
    await known.forget_written(())
    while not await known.read(flows, [hub], ReadBudget(visits=VisitBudget(100))):
        await known.forget_written(())
    flows.edges_read = []
    assert not await known.read(flows, [other], ReadBudget(visits=VisitBudget(100)))
    assert len(flows.edges_read) <= 2
