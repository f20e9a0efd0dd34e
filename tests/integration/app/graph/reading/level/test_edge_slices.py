"""The edges of large sources, read in slices, are those that a traversal finds, in the same order."""

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level import level_batcher
from app.graph.reading.level.hop_plan import HopSpec
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest
from app.graph.records.read_time import ReadTime
from app.graph.records.record_text import record_of
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.record import JsonObject
from policies.errors import LimitError

LABELS = ("DERIVES", "INFERRED_FEEDS", "FEEDS", "VERSION_OF")
SOURCES = [vertex_id("default", f"source {number}") for number in range(5)]
FAR = [*(vertex_id("default", f"far {number}") for number in range(700)), *range(256, 40 * 256, 256)]
"""Vertex ids of usual length, and small ones, whose encoding is shorter."""

NOW = 1_000
WRITE = """
def graph = g.getGraph()
def vertex = { x -> g.V(x).tryNext().orElseGet { graph.addVertex(T.label, 'Dataset', T.id, x) } }
rows.each { r ->
  def e = vertex(r.o).addEdge(r.l, vertex(r.i))
  r.p.each { k, v -> e.property(k, v) }
}
graph.tx().commit()
true
"""
READ = """
def near = out ? g.V(x).outE(*ls) : g.V(x).inE(*ls)
near.collect { e -> [(out ? e.inVertex() : e.outVertex()).id(), e.value('validFrom'), e.value('validTo'),
  e.value(out ? 'toKind' : 'fromKind'), e.label(), e.value('record')] }
"""
READ_AT = """
g.V(x).inE(*ls).collect { e -> [e.outVertex().id(), e.value('validFrom'), e.value('validTo'), e.value('at')] }
"""


def random_rows(random: Random) -> list[JsonObject]:
    """Return edges of all labels and directions, few or many of each source, and most of them ended."""
    rows = list[JsonObject]()
    for source in SOURCES:
        for label in LABELS:
            for outward in (False, True):
                for far in random.sample(FAR, random.choice([0, 3, 60, 450, 700])):
                    begin, end = random.choice([0, 0, 900, 1_200]), random.choice([5, 5, 5, 1_500, 2**63 - 1])
                    stored = {"validFrom": begin, "validTo": end, "record": f'{{"number":{len(rows)},"é":"\\""}}'}
                    stored |= {"fromKind": random.choice("AB"), "toKind": random.choice("AB")}
                    stored |= {"through": f"{FAR[0]},{FAR[1]}"} if label.startswith("INFERRED") else {}
                    stored |= {"at": random.randrange(5)} if label == "VERSION_OF" else {}
                    ends = {"o": source, "i": far} if outward else {"o": far, "i": source}
                    rows.append({**ends, "l": label, "p": stored})
    return rows


@pytest.fixture(scope="module")
async def stored(module_graph: StoreGraph) -> StoreGraph:
    """Store random edges."""
    rows = random_rows(Random(5))
    for first in range(0, len(rows), 1_000):
        await module_graph.run(WRITE, rows=rows[first : first + 1_000])
    return module_graph


async def expected(graph: StoreGraph, hop: JsonObject, sources: Sequence[int]) -> dict[int, list[tuple[int, Any]]]:
    """Return what a traversal finds for a hop from sources."""
    found = defaultdict[int, list[tuple[int, Any]]](list)
    for source in sources:
        edges: list[Any] = await graph.run(READ, x=source, ls=hop["ls"], out=hop["d"] == "out")
        if hop["n"]:
            labels = [*hop["ls"]]
            edges.sort(key=lambda edge: (edge[0], edge[4].startswith("INFERRED"), labels.index(edge[4])))
            edges = [edge for edge in edges if edge[0] > hop["a"]]
        kept = [
            (far, record_of(text))
            for far, begin, end, kind, _, text in edges
            if begin <= NOW < end and (not hop["ks"] or kind in hop["ks"])
        ]
        if kept:
            found[source] = kept[: hop["n"] or None]
    return found


def random_hop(random: Random) -> JsonObject:
    """Return a hop from some sources: all edges, or a page of any size that begins anywhere."""
    spec = HopSpec(
        random.choice(["in", "out"]),
        tuple(random.sample(LABELS, random.randint(1, 3))),
        random.choice([(), ("A",), ("A", "B")]),
        -1,
    )
    after = random.choice([-1, 0, FAR[-1], random.choice(FAR)])
    sources = random.sample(SOURCES, random.randint(1, len(SOURCES)))
    return spec.wire(sources, n=random.choice([0, 0, 1, 7, 50, 300]), a=after)


@pytest.mark.parametrize("cap", [150_000, 1_000, 50])
async def test_slices_have_the_edges_of_a_traversal(
    stored: StoreGraph, cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is so for several labels, kinds and ended edges, and for pages, and if one hop takes several requests."""
    monkeypatch.setattr(level_batcher, "VISITED_CAP", cap)
    random = Random(cap)
    async with GremlinClient(stored.url, source=stored.source) as client:
        for _ in range(12):
            hops = [random_hop(random) for _ in range(random.randint(1, 2))]
            found = await LevelBatcher(client, "default", ReadTime(NOW)).fetch(LevelRequest(hops=hops))
            for hop, edges in zip(hops, found.edges, strict=True):
                assert edges == await expected(stored, hop, hop["xs"])


@pytest.mark.parametrize("cap", [150_000, 1_000, 50])
async def test_a_hop_begins_at_what_several_requests_found(
    stored: StoreGraph, cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sources of a second hop are the far ends of the first one, those before and behind each stop."""
    monkeypatch.setattr(level_batcher, "VISITED_CAP", cap)
    first = HopSpec("out", ("FEEDS", "DERIVES", "VERSION_OF"), (), -1).wire(SOURCES[:3])
    second = HopSpec("in", ("FEEDS", "DERIVES"), (), 0).wire([])
    third = HopSpec("in", ("FEEDS", "INFERRED_FEEDS"), (), 1).wire([], n=3)
    async with GremlinClient(stored.url, source=stored.source) as client:
        request = LevelRequest(hops=[first, second, third])
        found = (await LevelBatcher(client, "default", ReadTime(NOW)).fetch(request)).edges
    assert found[0] == await expected(stored, first, SOURCES[:3])
    for hop, before, edges in ((second, found[0], found[1]), (third, found[1], found[2])):
        reached = {far for each in before.values() for far, _ in each}
        assert edges == await expected(stored, hop, [*reached])


async def expected_by_time(graph: StoreGraph, hop: JsonObject, sources: Sequence[int]) -> dict[int, set[int]]:
    """Return the far ends that a page in the order of time has, with all of those at its last instant."""
    found = dict[int, set[int]]()
    for source in sources:
        edges: list[Any] = await graph.run(READ_AT, x=source, ls=hop["ls"])
        valid = [(at, far) for far, begin, end, at in edges if begin <= NOW < end and hop["since"] <= at <= hop["at"]]
        newest = sorted((at for at, _ in valid), reverse=True)[: hop["n"]]
        if newest:
            found[source] = {far for at, far in valid if at >= newest[-1]}
    return found


@pytest.mark.parametrize("cap", [150_000, 2_000])
async def test_pages_in_the_order_of_time_have_the_edges_of_a_traversal(
    stored: StoreGraph, cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is so if the first edges have ended, if many have one instant, and if one hop takes several requests."""
    monkeypatch.setattr(level_batcher, "VISITED_CAP", cap)
    random = Random(cap)
    async with GremlinClient(stored.url, source=stored.source) as client:
        for _ in range(12):
            least, most = sorted(random.choices(range(6), k=2))
            window = {"t": True, "n": random.choice([1, 7, 50, 50_000]), "at": most, "since": least}
            sources = random.sample(SOURCES, random.randint(1, len(SOURCES)))
            hop = HopSpec("in", ("VERSION_OF",), ("A",), -1).wire(sources, **window)
            (edges,) = (await LevelBatcher(client, "default", ReadTime(NOW)).fetch(LevelRequest(hops=[hop]))).edges
            found = {source: {far for far, _ in rows} for source, rows in edges.items()}
            assert found == await expected_by_time(stored, hop, sources)
            assert all(len(found[source]) == len(rows) for source, rows in edges.items())


async def test_a_source_beyond_what_one_request_passes_is_refused(
    stored: StoreGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages in the order of time begin at the newest edge, so a further request would pass the same ones."""
    monkeypatch.setattr(level_batcher, "VISITED_CAP", 50)
    hop = HopSpec("in", ("VERSION_OF",), (), -1).wire(SOURCES, t=True, n=50_000)
    async with GremlinClient(stored.url, source=stored.source) as client:
        with pytest.raises(LimitError):
            await LevelBatcher(client, "default", ReadTime(NOW)).fetch(LevelRequest(hops=[hop]))
