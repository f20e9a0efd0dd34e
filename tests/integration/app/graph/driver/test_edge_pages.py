"""Edges of a real JanusGraph in pages: whatever the size of a page, they are the edges that are stored."""

from collections import Counter

import orjson
import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, link, person, shipped_policy, shipped_stops, stored, urn

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver import edge_pages
from app.graph.driver.edge_pages import FEW, LARGE, PART_BYTES, EdgePage, EdgePages, VisitBudget, read_edge_page
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.edge_record import MAX_PROPERTY_TEXT
from app.graph.records.record_text import record_of
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.commands import Command, DeleteCommand

ROOT = person("root", roles="admin")
SOURCES = [f"dataset source{number}" for number in range(FEW + 50)]
HUB, OTHER = "dataset hub", "dataset other"
KIND = KINDS["Dataset"].code


def vid(name: str) -> int:
    """Return the vertex id of an asset."""
    return vertex_id("default", urn(name))


def found(pages: list[EdgePage]) -> Counter[tuple[str, int, int]]:
    """Return how often each edge is in the pages, by relation and both ends."""
    rows = [row for page in pages for rows in page.rows for row in zip(*(rows[n::5] for n in range(5)), strict=True)]
    return Counter((record_of(text)["relation"], far, near) for near, _, far, _, text in rows)


async def read(client: GremlinClient, pages: EdgePages) -> list[EdgePage]:
    """Return all pages of a reading."""
    done = []
    while not pages.is_read:
        done.append(await read_edge_page(client, pages))
        assert len(done) < 1_000
    return done


@pytest.mark.parametrize("page", [10_000, 70, 1])
async def test_pages_have_all_edges(graph: StoreGraph, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """A dataset with many sources of two relations and others with few: no page has more edges than it may.

    An edge that is written between two pages moves none out of them. The edges of one vertex alone are not repeated.
    """
    async with GremlinClient(graph.url, source=graph.source) as client:
        writer = Writers(client, shipped_policy(), WriteCoordinator(shipped_stops())).of(ROOT)
        few: list[Command] = [asset(OTHER, derivedFrom=SOURCES[:3]), link("REPLACED_BY", SOURCES[0], HUB)]
        await writer.write([asset(HUB, derivedFrom=SOURCES), *few], dry_run=False, atomic=False)
        await writer.write([DeleteCommand(urn(OTHER))], dry_run=False, atomic=False)
        edges = {
            key: edge for key, edge in (await stored(graph)).edge_records.items() if key[2] in {urn(HUB), urn(OTHER)}
        }
        expected = {(label, *(vertex_id("default", each) for each in ends)) for label, *ends in edges}
        monkeypatch.setattr(edge_pages, "PAGE", page)
        hop = {"d": "in", "ls": ["DERIVES", "REPLACED_BY"], "xs": [vid(HUB), vid(OTHER), vid("dataset absent")]}
        pages = EdgePages([hop])
        first = await read_edge_page(client, pages, deletions=True)
        await writer.write([link("DERIVES", f"dataset new{n}", HUB) for n in range(3)], dry_run=False, atomic=False)
        rest = await read(client, pages)
        assert max(len(rows) // 5 for each in (first, *rest) for rows in each.rows) <= page
        assert found([first, *rest]).keys() >= expected
        assert len(found([first, *rest])) <= len(expected) + 3
        deletions = dict(zip(first.deletions[::2], first.deletions[1::2], strict=True))
        assert deletions.items() <= {vid(HUB): FOREVER, vid(OTHER): NOW}.items()
        alone = found(await read(client, EdgePages.at_vertex("in", ["DERIVES", "REPLACED_BY"], vid(HUB))))
        assert set(alone.values()) == {1}
        assert len(alone) == len(SOURCES) + 1 + 3


@pytest.mark.parametrize("text", ["", "a", "\u20ac", '"', "\U0001f600"])
async def test_a_page_has_few_bytes(writers: Writers, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A page of edges with large properties has fewer of them, whatever their characters; one of others has all.

    The last edge of a page may take more than is left of it.
    """
    sources = SOURCES[:40]
    properties = [{"key": "k", "value": text * (MAX_PROPERTY_TEXT - 1)}] if text else []
    items: list[Command] = [asset(HUB), *(link("DERIVES", each, HUB, properties=properties) for each in sources)]
    assert all(each.stored for each in await writers.of(ROOT).write(items, dry_run=False, atomic=False))
    monkeypatch.setattr(edge_pages, "PAGE", len(sources))
    hop = {"d": "in", "ls": ["DERIVES"], "xs": [vid(HUB)]}
    for pages, factor in ((EdgePages([hop]), 1), (EdgePages.at_vertex("in", ["DERIVES"], vid(HUB)), LARGE)):
        found = await read(writers.client, pages)
        sizes = [[len(orjson.dumps(each)) for each in page.rows[0][4::5]] for page in found]
        assert max(sum(page[:-1]) for page in sizes) <= factor * len(sources) * PART_BYTES
        assert (len(sizes[0]) == len(sources)) == (not text)


def test_a_hop_starts_once_from_each_far_end() -> None:
    """Also if further pages have the same far ends again, and others. The store follows them in the first request.

    Far ends of other kinds start nothing.
    """
    hops = [{"d": "in", "ls": ["A"], "p": -1, "xs": [1]}, {"d": "in", "ls": ["B"], "p": 0, "ns": [KIND], "xs": []}]
    pages = EdgePages(hops)
    assert [hop["p"] for hop in pages.bindings()] == [-1, 0]
    pages.add([[(5, KIND), (6, KIND), (8, 0)], []], [([], [(1, "A", 2)]), ([6], [])], 2)
    assert [(hop["p"], hop["xs"], hop["more"]) for hop in pages.bindings()] == [(-1, [], [(1, "A", 2)]), (-1, [6], [])]
    pages.add([[(6, KIND), (7, KIND), (9, 0)], []], [([], []), ([], [])], 2)
    assert [(hop["xs"], hop["more"]) for hop in pages.bindings()] == [([], []), ([7], [])]
    assert pages.has_started_from(5)
    assert not any(map(pages.has_started_from, (1, 8, 9)))
    assert not pages.is_read
    pages.add([[], []], [([], []), ([], [])], 0)
    assert pages.is_read


def test_a_request_has_no_more_starts_than_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other starts of the hops follow in later pages, after those that a page has left: each one is read once."""
    monkeypatch.setattr(edge_pages, "PAGE", 10)
    pages = EdgePages([{"d": "in", "ls": ["A"], "xs": [*range(25)]}, {"d": "in", "ls": ["B"], "xs": [*range(4)]}])
    read = [Counter[int](), Counter[int]()]
    while not pages.is_read:
        sent = [hop["xs"] for hop in pages.within(VisitBudget(7)).bindings()]
        assert 0 < sum(map(len, sent)) <= 7
        left = [xs[5:] for xs in sent]
        for counts, xs in zip(read, sent, strict=True):
            counts.update(xs[:5])
        pages.add((), [(xs, []) for xs in left], 7)
    assert read == [Counter(range(25)), Counter(range(4))]
