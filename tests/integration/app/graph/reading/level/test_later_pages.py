"""Later pages on a real JanusGraph: they begin at their position, and several requests pass many edges."""

from collections.abc import AsyncIterator
from operator import itemgetter
from typing import Any

import pytest
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.received_rows import received_rows

from app.graph.reading.level import level_batcher, level_statement
from app.graph.reading.level.level_statement import LEVEL

HUBS = [f"mlg://dataset/test/default/hub{number}" for number in range(3)]
SOURCES = [f"mlg://dataset/test/default/source{number:02}" for number in range(30)]
FIRST = """query ($id: ID!) {
  asset(id: $id) { ... on Dataset { derivedFrom(first: 100) { edges { cursor node { id } } } } } }"""


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Run the API over three datasets that are derived from thirty others; without a cache, so that the store reads."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), no_jobs, MLG_CACHE_MB="0") as api:
        await api.load(*({"dataset": {"id": hub, "derivedFrom": SOURCES}} for hub in HUBS))
        yield api


async def edges_of(api: Api, hub: str) -> list[dict[str, Any]]:
    """Return all edges of a list, with their cursors."""
    edges: list[dict[str, Any]] = (await api.ask("ada", FIRST, id=hub))["asset"]["derivedFrom"]["edges"]
    assert len(edges) == len(SOURCES)
    return edges


def later(cursors: dict[str, str], first: int) -> str:
    """Return a query of one later page of each hub."""
    fields = [
        f'p{HUBS.index(hub)}: asset(id: "{hub}") {{ ... on Dataset {{ derivedFrom(first: {first}, after: "{after}") '
        f"{{ nodes {{ id }} pageInfo {{ hasNextPage }} }} }} }}"
        for hub, after in cursors.items()
    ]
    return f"{{ {' '.join(fields)} }}"


@pytest.mark.parametrize("cap", [100_000, 1])
async def test_later_pages_have_what_follows_their_position(
    api: Api, cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each position, a page has the items behind it, in order, also if many requests continue one another."""
    edges = {hub: await edges_of(api, hub) for hub in HUBS}
    monkeypatch.setattr(level_batcher, "VISITED_CAP", cap)
    for positions in ((0, 13, 27), (26, 28, 29), (5, 5, 5)):
        cursors = {hub: edges[hub][at]["cursor"] for hub, at in zip(HUBS, positions, strict=True)}
        with received_rows(api.client) as rows:
            body = await api.ask("ada", later(cursors, first=2))
        for number, at in enumerate(positions):
            page, behind = body[f"p{number}"]["derivedFrom"], edges[HUBS[number]][at + 1 :]
            assert [each["id"] for each in page["nodes"]] == [each["node"]["id"] for each in behind[:2]]
            assert page["pageInfo"]["hasNextPage"] == (len(behind) > 2)
        assert (len(rows.texts) > 3) == (cap < 100_000)


@pytest.mark.parametrize("at", [0, 14, 28])
async def test_a_later_page_passes_no_edge_before_its_position(
    api: Api, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it begins, a page takes one request, which passes fewer edges than the list has."""
    edges = await edges_of(api, HUBS[0])
    monkeypatch.setattr(level_batcher, "VISITED_CAP", 25)
    with received_rows(api.client) as rows:
        body = await api.ask("ada", later({HUBS[0]: edges[at]["cursor"]}, first=1))
    (node,) = body["p0"]["derivedFrom"]["nodes"]
    assert node["id"] == edges[at + 1]["node"]["id"]
    assert rows.texts.count(LEVEL.text) == 2  # the asset, then the page


@pytest.mark.parametrize("first", [2, 50])
async def test_ended_edges_are_passed_by_several_requests(
    api: Api, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    """Of lists with many ended edges, the present one is found behind these, however many there are."""
    few, many = (f"mlg://dataset/test/default/{name}-{first}" for name in ("few", "many"))
    present = "mlg://dataset/test/default/present"
    sources = [f"{SOURCES[0]}-{number}" for number in range(4 * level_statement.FEW + 10)]
    await api.load(*({"dataset": {"id": each}} for each in sources))
    for hub, ended in ((few, sources[:20]), (many, sources)):
        for derived_from in (ended, [present]):
            await api.load({"dataset": {"id": hub, "derivedFrom": derived_from}})
    listed = f"derivedFrom(first: {first}) {{ nodes {{ id }} }}"
    document = f"query ($id: ID!) {{ asset(id: $id) {{ ... on Dataset {{ {listed} }} }} }}"
    counts = list[int]()
    for cap in (100_000, 100):
        monkeypatch.setattr(level_batcher, "VISITED_CAP", cap)
        for hub in (few, many):
            with received_rows(api.client) as rows:
                body = await api.ask("ada", document, id=hub)
            assert body["asset"]["derivedFrom"]["nodes"] == [{"id": present}]
            counts.append(rows.texts.count(LEVEL.text))
    assert counts[:3] == [counts[0]] * 3
    assert counts[3] > counts[0] + 2


@pytest.mark.parametrize("walks", [True, False])
async def test_sources_without_edges_are_passed_by_several_requests(
    api: Api, monkeypatch: pytest.MonkeyPatch, *, walks: bool
) -> None:
    """The store needs as long to find that a source has no edge as to read one, so each counts.

    A walk reads all edges of its sources, a list the first ones.
    """
    walk = "lineage(direction: UPSTREAM) { nodes { totalCount } }"
    lists = "derivedFrom(first: 100) { nodes { id ... on Dataset { derivedFrom(first: 2) { nodes { id } } } } }"
    document = f"query ($id: ID!) {{ asset(id: $id) {{ ... on Dataset {{ {walk if walks else lists} }} }} }}"
    empty = [{"id": each, "derivedFrom": {"nodes": []}} for each in SOURCES]
    counts = list[int]()
    for cap in (100_000, 10):
        monkeypatch.setattr(level_batcher, "VISITED_CAP", cap)
        with received_rows(api.client) as rows:
            found = (await api.ask("ada", document, id=HUBS[0]))["asset"]
        if walks:
            assert found == {"lineage": {"nodes": {"totalCount": 1 + len(SOURCES)}}}
        else:
            assert sorted(found["derivedFrom"]["nodes"], key=itemgetter("id")) == empty
        counts.append(rows.texts.count(LEVEL.text))
    assert counts[1] > counts[0] + 1
