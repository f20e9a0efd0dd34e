"""The edges of large sources, read in slices, are those that a traversal finds, in the same order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import orjson
import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.received_rows import received_rows

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.groovy.edge_slices import SLICES
from app.graph.driver.groovy.json_size import JSON_SIZE
from app.graph.driver.groovy.near_edges import NEAR
from app.graph.reading.level import level_batcher
from app.graph.reading.level.hop_plan import HopSpec
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest
from app.graph.reading.level.level_statement import LEVEL, RECORDS_CAP
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
READ_SLICES = f"""
{JSON_SIZE}{NEAR}{SLICES}
def slices = new Slices(g.getGraph(), 100000)
def found = new ArrayList()
def rest = slices.read(new Hop(h), [x, 0, -1L, h.n], 100000L, size as long, found)
[[100000 - slices.unvisited, found.collect {{ JsonSize.of(it.text) }}, rest == null]]
"""
READ_NEAR = f"""
{JSON_SIZE}{NEAR}
def near = new Near(new Hop(h)).read(g.V(xs).local(__.outE(*h.ls).limit(most)), size as long)
[[near.visited, xs.collect {{ near.counts.containsKey(it) ? near.counts[it][0] : 0 }},
  xs.collect {{ near.lacks(it, most as int) }}]]
"""
"""Both return how many edges were visited: first the edges of one source in slices, then those of many together."""


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


def size_of(edges: Mapping[int, Sequence[tuple[int, Any]]]) -> int:
    """Return the number of bytes that the records of edges have in a response."""
    texts = (orjson.dumps(record).decode() for rows in edges.values() for _, record in rows)
    return sum(len(orjson.dumps(text)) - 2 for text in texts)


async def rows_of(graph: StoreGraph, gremlin: str, **bindings: object) -> list[Any]:
    """Return the rows that a text returns."""
    return await graph.run(gremlin, **bindings)


async def large_source(graph: StoreGraph, hop: JsonObject) -> int:
    """Return the source with the largest number of valid edges."""
    found = await expected(graph, hop, SOURCES)
    return max(found, key=lambda source: len(found[source]))


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


async def test_a_request_that_ends_by_its_bytes_goes_on(stored: StoreGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended edges count as well, so first pages have the edges of a traversal after several requests."""
    random, requests = Random(3), 0
    async with GremlinClient(stored.url, source=stored.source) as client:
        for _ in range(12):
            hop = {**random_hop(random), "n": random.choice([1, 7, 50]), "a": -1}
            edges = await expected(stored, hop, hop["xs"])
            monkeypatch.setattr(level_batcher, "RECORDS_CAP", 4 * size_of(edges) + 4)
            monkeypatch.setattr(level_batcher, "MEMORY", size_of(edges) + 1)
            with received_rows(client) as rows:
                found = await LevelBatcher(client, "default", ReadTime(NOW)).fetch(LevelRequest(hops=[hop]))
            assert found.edges == [edges]
            requests += len(rows.texts) - 1
    assert requests > 10


async def test_a_large_response_comes_in_portions(stored: StoreGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """All edges, first pages and pages by time are those of one request; to decode 12 MiB at once takes 70 ms."""
    random, portions = Random(5), 0
    async with GremlinClient(stored.url, source=stored.source) as client:
        for number in range(18):
            hop = random_hop(random)
            if number % 3 == 1:
                hop |= {"xs": FAR[:200], "n": random.choice([0, 3]), "a": -1}
            if number % 3 == 0:
                hop = HopSpec("in", ("VERSION_OF",), (), -1).wire(SOURCES, t=True, n=random.choice([7, 50_000]))
            (edges,) = (await LevelBatcher(client, "default", ReadTime(NOW)).fetch(LevelRequest(hops=[hop]))).edges
            monkeypatch.setattr(level_batcher, "RECORDS_CAP", 2 * size_of(edges) + 2)
            with received_rows(client) as rows:
                found = await LevelBatcher(client, "default", ReadTime(NOW)).fetch(LevelRequest(hops=[hop]))
            monkeypatch.setattr(level_batcher, "RECORDS_CAP", RECORDS_CAP)
            assert found.edges == [edges]
            if not hop["n"] and sum(map(len, edges.values())) > 1_000:
                assert max(rows.characters) < 0.8 * size_of(edges)
            portions += len(rows.texts) - 2
    assert portions > 15


async def test_slices_end_by_their_bytes(stored: StoreGraph) -> None:
    """No edge is visited after those found have as many bytes as the request may; only a page does not go on then."""
    every = HopSpec("out", ("DERIVES", "FEEDS"), (), -1)
    for hop in (every.wire([]), every.wire([], n=500)):
        bindings = {"h": {**hop, **ReadTime(NOW).window}, "x": await large_source(stored, hop)}
        ((all_visited, lengths, _),) = await rows_of(stored, READ_SLICES, **bindings, size=10**9)
        size = sum(lengths[:10]) + 1
        ((visited, found, has_ended),) = await rows_of(stored, READ_SLICES, **bindings, size=size)
        assert (found, has_ended) == (lengths[:11], hop["n"] > 0)
        assert 11 <= visited < all_visited / 4


async def test_the_first_edges_of_many_sources_end_by_their_bytes(stored: StoreGraph) -> None:
    """No edge is visited after that, ended or not; sources lack edges unless all of their first ones were visited."""
    hop = HopSpec("out", LABELS, (), -1).wire([])
    bindings = {"h": {**hop, **ReadTime(NOW).window}, "xs": SOURCES, "most": 400}
    ((_, counts, lacks),) = await rows_of(stored, READ_NEAR, **bindings, size=10**9)
    assert (max(counts), lacks) == (400, [count == 400 for count in counts])
    ((visited, counts, lacks),) = await rows_of(stored, READ_NEAR, **bindings, size=1_000)
    assert 0 < visited <= 100
    assert sum(counts) == visited
    assert all(lacks)


async def test_first_pages_over_several_labels_read_fewer_sources_at_once(stored: StoreGraph) -> None:
    """A request may pass the first edges of all sources of one label, so it stops before the last ones of four labels.

    Otherwise it would visit the edges of all sources and labels before it compares their number.
    """
    few = 2 * 50 + 4  # edges that are first read of a source for a page of 50
    hop = HopSpec("out", LABELS, (), -1).wire(SOURCES, n=50) | ReadTime(NOW).window
    bindings = {
        "points": [],
        "reached": [],
        "hops": [hop],
        "listings": [],
        "cap": 50_000,
        "visited": len(SOURCES) * few,
        "memory": 10**7,
    }
    async with GremlinClient(stored.url, source=stored.source) as client:
        more = {"size": 10**7, "portion": 10**7, "full": True, "tenant": "default", "head": 0}
        (response,) = await client.submit(LEVEL, {**bindings, **more})
    _, sources, _, _, _ = response["r"]
    assert sources == SOURCES[3:]


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


async def test_pages_in_the_order_of_time_end_by_their_bytes(
    stored: StoreGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several requests have the edges of a traversal; a source with too many bytes for one is refused."""
    hop = HopSpec("in", ("VERSION_OF",), (), -1).wire(SOURCES, t=True, n=50_000)
    async with GremlinClient(stored.url, source=stored.source) as client:
        (edges,) = (await LevelBatcher(client, "default", ReadTime(NOW)).fetch(LevelRequest(hops=[hop]))).edges
        monkeypatch.setattr(level_batcher, "RECORDS_CAP", 2 * size_of(edges) + 2)
        monkeypatch.setattr(level_batcher, "MEMORY", 2 * size_of(edges) + 2)
        with received_rows(client) as rows:
            found = await LevelBatcher(client, "default", ReadTime(NOW)).fetch(LevelRequest(hops=[hop]))
        assert (found.edges, len(rows.texts) > 1) == ([edges], True)
        monkeypatch.setattr(level_batcher, "RECORDS_CAP", 500)
        monkeypatch.setattr(level_batcher, "MEMORY", 500)
        with pytest.raises(LimitError, match="more than"):
            await LevelBatcher(client, "default", ReadTime(NOW)).fetch(LevelRequest(hops=[hop]))


async def test_a_source_beyond_what_one_request_passes_is_refused(
    stored: StoreGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages in the order of time begin at the newest edge, so a further request would pass the same ones."""
    monkeypatch.setattr(level_batcher, "VISITED_CAP", 50)
    hop = HopSpec("in", ("VERSION_OF",), (), -1).wire(SOURCES, t=True, n=50_000)
    async with GremlinClient(stored.url, source=stored.source) as client:
        with pytest.raises(LimitError):
            await LevelBatcher(client, "default", ReadTime(NOW)).fetch(LevelRequest(hops=[hop]))
