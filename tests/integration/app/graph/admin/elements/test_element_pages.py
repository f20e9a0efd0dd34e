"""Pages of all elements of a real store: complete, each element once, from any position, with small and large pages."""

import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from support.estates.demo_estate import open_demo
from support.oracles.all_elements import AllElements, all_elements, plain_sums
from support.stores.janusgraph import StoreGraph

from app.graph.admin.elements import element_pages as pages
from app.graph.admin.elements.element_pages import ElementPage, element_pages
from app.graph.admin.elements.store_digest import digest_of
from app.graph.driver.gremlin_client import GremlinClient


@pytest.fixture(scope="module")
async def demo_graph(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> StoreGraph:
    """Load the demo estate with its history, checks, usage, receipts and inferred edges."""
    async with open_demo(module_graph, tmp_path_factory.mktemp("demo")) as api:
        await api.wait_for_jobs()
    return module_graph


@pytest.fixture(scope="module")
async def expected(demo_graph: StoreGraph) -> AllElements:
    """Read all elements one by one."""
    return await all_elements(demo_graph)


@pytest.fixture
async def client(demo_graph: StoreGraph) -> AsyncIterator[GremlinClient]:
    """Connect to the graph."""
    async with GremlinClient(demo_graph.url, source=demo_graph.source) as opened:
        yield opened


def _elements(read: list[ElementPage]) -> AllElements:
    vertices, edges = Counter[str](), Counter[str]()
    for page in read:
        for vertex in page.vertices:
            vertices[json.dumps([vertex.vid, vertex.label, sorted(map(list, vertex.values), key=json.dumps)])] += 1
        for edge in page.edges:
            values = sorted(map(list, edge.values), key=json.dumps)
            edges[json.dumps([edge.source, edge.target, edge.label, values])] += 1
    return AllElements(vertices, edges)


@pytest.mark.parametrize("sizes", [(500, 5_000, 200), (7, 3, 4), (1, 1, 0)])
async def test_pages_have_every_element_once(
    client: GremlinClient, expected: AllElements, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int, int]
) -> None:
    """Pages of any size have the elements that JanusGraph's own iteration finds, with all their values."""
    for name, size in zip(("PAGE_VERTICES", "PAGE_EDGES", "MAX_EDGES"), sizes, strict=True):
        monkeypatch.setattr(pages, name, size)
    read = [page async for page in element_pages(client)]
    assert _elements(read) == expected
    assert max(expected.edges.values()) == max(expected.vertices.values()) == 1
    assert [page.last for page in read] == [False] * (len(read) - 1) + [True]


async def test_reading_goes_on_after_any_position(
    client: GremlinClient, expected: AllElements, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted reader that begins again at the position of its last page misses nothing."""
    monkeypatch.setattr(pages, "PAGE_VERTICES", 40)
    monkeypatch.setattr(pages, "MAX_EDGES", 5)
    read = [page async for page in element_pages(client)]
    for stop in range(1, len(read), max(1, len(read) // 6)):
        rest = [page async for page in element_pages(client, read[stop - 1].position)]
        found = _elements(read[:stop] + rest)
        assert (found.vertices.keys(), found.edges.keys()) == (expected.vertices.keys(), expected.edges.keys())
        assert found.vertices == expected.vertices


async def test_vertices_and_edges_can_be_read_apart(client: GremlinClient, expected: AllElements) -> None:
    """A reader of vertices gets no edges, and a reader of edges no vertices."""
    vertices = _elements([page async for page in element_pages(client, parts="vertices")])
    edges = _elements([page async for page in element_pages(client, parts="edges")])
    assert (vertices, edges) == (AllElements(expected.vertices, Counter()), AllElements(Counter(), expected.edges))


async def test_the_digest_is_that_of_the_elements(client: GremlinClient, expected: AllElements) -> None:
    """Counts and sums by label are those of the documented form, computed without the product."""
    digest = await digest_of(client)
    assert {label: (digest.counts[label], digest.sums[label]) for label in digest.counts} == plain_sums(expected)
    assert {"Dataset", "Change", "Receipt", "Shelf", "-DERIVES->", "-RECEIPT->"} <= digest.counts.keys()
    assert (digest.vertices, digest.edges) == (expected.vertices.total(), expected.edges.total())


async def test_each_change_of_a_store_changes_its_digest(demo_graph: StoreGraph, client: GremlinClient) -> None:
    """One value, one member of a set, one edge or one label of difference is found, and named by its label."""
    before = await digest_of(client)
    for change, undo, label in (
        ("g.V().has('kind', 'MODEL').limit(1).property('name', 'other').id()", "property('name', old)", "Model"),
        ("g.V().has('kind', 'TEAM').limit(1).property(set, 'tags', 'more').id()", "", "Team"),
    ):
        (old,) = await demo_graph.run(change.split(".property")[0] + ".values('name')")
        (x,) = await demo_graph.run(change)
        after = await digest_of(client)
        assert after.text != before.text
        assert [each.split(":")[0] for each in before.differences(after)] == [label]
        if undo:
            await demo_graph.run(f"g.V(x).{undo}.iterate()", x=x, old=old)
            assert (await digest_of(client)).text == before.text
