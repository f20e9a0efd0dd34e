"""The harness itself: graphs of one JVM do not see each other and are gone when closed."""

from pathlib import Path

import pytest
from support.stores.janusgraph import GraphHost, StoreGraph, open_graph

from app.store.schema_stamp import StoreSchema

ADD = "g.addV('Model').property(T.id, x).property('urn', urn).property('name', urn).iterate()"
COUNT = "g.V().has('name', textPrefix(word)).id().count()"


async def test_graphs_are_isolated_and_have_schema_and_search(
    graph: StoreGraph, graph_host: GraphHost, store_schema: StoreSchema, tmp_path: Path
) -> None:
    """A vertex of one graph is found there by the mixed index and in no other, not even at the same id."""
    async with open_graph(graph_host, store_schema, tmp_path) as other:
        await graph.run(ADD, x=512, urn="mlg://model/a")
        await other.run(ADD, x=512, urn="mlg://dataset/b")
        assert await graph.run(COUNT, word="mlg://model") == [1]
        assert await other.run(COUNT, word="mlg://model") == [0]
        assert await other.run("g.V(x).values('urn')", x=512) == ["mlg://dataset/b"]
    with pytest.raises(AssertionError, match=other.source):
        await other.run("g.inject(0)")
    assert not (tmp_path / other.source).exists()
