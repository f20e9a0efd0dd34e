"""The next end of the edges at an asset, which is read in pages."""

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, link, person, shipped_policy, shipped_stops, urn

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver import edge_pages
from app.graph.driver.edge_pages import VisitBudget
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.propagation.stored_ends import NextEnd
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.commands import Command


@pytest.mark.parametrize("page", [10_000, 2, 1])
async def test_the_next_end_is_that_of_all_edges(graph: StoreGraph, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """Edges that carry to the asset, or lead to its parent, count until they end, over as many pages as they need.

    A step reads one of these, also if other processes write.
    """
    monkeypatch.setattr(edge_pages, "PAGE", page)
    monkeypatch.setattr("app.graph.writing.handlers.link._refuse_dated", lambda *_, **__: None)  # as it was stored
    sources = [f"dataset s{number}" for number in range(5)]
    async with GremlinClient(graph.url, source=graph.source) as client:
        writer = Writers(client, shipped_policy(), WriteCoordinator(shipped_stops())).of(person("root", roles="admin"))
        ends = [(source, NOW + 10 * (place + 1)) for place, source in enumerate(sources)]
        links = [link("DERIVES", source, "feature f", validTo=end) for source, end in ends]
        joined = link("CONTAINS", "feature-set s", "feature f", validTo=NOW + 25)
        endless = link("DERIVES", "dataset t", "feature f")
        items: list[Command] = [asset("feature f"), asset("feature-set s"), *links, joined, endless]
        await writer.write(items, dry_run=False, atomic=False)
        for since, due in ((NOW, NOW + 10), (NOW + 20, NOW + 25), (NOW + 49, NOW + 50), (NOW + 50, FOREVER)):
            for order in (None, object()):
                monkeypatch.setattr(client, "write_order", order)
                search, requests = NextEnd(vertex_id("default", urn("feature f")), since), 1
                while not await search.advance(client, VisitBudget()):
                    requests += 1
                assert search.due == due
                assert requests >= len(sources) // page
            monkeypatch.setattr(client, "write_order", None)
