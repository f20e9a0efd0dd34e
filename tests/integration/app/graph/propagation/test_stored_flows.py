"""What the store returns of the records around an asset: no long value that is not needed."""

from pathlib import Path

import pytest
from support.servers.in_process import no_jobs, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.driver import edge_pages
from app.graph.propagation.flow_statement import SHORT
from app.graph.propagation.stored_flows import CHILD_KEYS, StoredFlows
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import CONFIRMED
from graphql_schema.rules.change_stamp import RESERVED_FOR


async def test_of_the_long_records_of_children_the_tags_and_sensitivity_are_read(
    graph: StoreGraph, tmp_path: Path
) -> None:
    """A write that begins an edge at a feature set reads all its features, whatever texts they have."""
    group, tag = "mlg://feature-set/test/default/s", "mlg://tag/catalog/default/t"
    short, long = "mlg://feature/test/default/s.short", "mlg://feature/test/default/s.long"
    restricted: dict[str, object] = {"id": long, "description": "é" * SHORT, "sensitivity": "RESTRICTED", "tags": [tag]}
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load({"tag": {"name": "t", "tagKind": "FREE"}}, {"featureSet": {"id": group}})
        await api.load(*({"feature": {**each, "featureSet": group}} for each in ({"id": short}, restricted)))
        flows = StoredFlows(api.client, frozenset(), epoch_milliseconds())
        found = await flows.few_children([vertex_id("default", group)], 10, 100 * SHORT)
        few = [await flows.few_children([vertex_id("default", group)], *most) for most in ((2, 100 * SHORT), (10, 100))]
    assert few == [None, None]  # the parent and both children are three, and one record has more than 100 characters
    assert found is not None
    vids = [vertex_id("default", urn) for urn in (short, long)]
    assert found.of == {vertex_id("default", group): {*vids}}
    assert found.records[vids[0]]["id"] == short
    assert {*found.records[vids[1]]} == {*CHILD_KEYS} - {CONFIRMED, RESERVED_FOR}  # which this feature does not have
    assert found.records[vids[1]]["sensitivity"] == "RESTRICTED"
    assert found.records[vids[1]]["index"]["tags"] == [tag]


async def test_pages_of_children_have_the_number_of_visited_edges(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edges that have ended are among them, in each page, and the parent is one more."""
    group, features = "mlg://feature-set/test/default/s", [f"mlg://feature/test/default/s.f{n}" for n in range(8)]
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load({"featureSet": {"id": group, "features": features}})
        await api.load({"featureSet": {"id": group, "features": features[:1]}})
        monkeypatch.setattr(edge_pages, "PAGE", 1)
        monkeypatch.setattr(edge_pages, "LARGE", 6)
        flows = StoredFlows(api.client, frozenset(), epoch_milliseconds())
        pages = [page async for page in flows.child_pages([vertex_id("default", group)])]
    members = set().union(*(page.of[vertex_id("default", group)] for page, _ in pages))
    assert members == {vertex_id("default", features[0])}
    assert len(pages) > 1
    assert sum(visited for _, visited in pages) > len(features)
