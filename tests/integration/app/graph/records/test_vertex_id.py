"""Vertex ids in a real store."""

import pytest

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.vertex_id import vertex_id


@pytest.mark.parametrize("x", [2 << 8, 2**63 - 2**8, vertex_id("ids", "any")])
async def test_the_store_keeps_a_vertex_under_any_such_id(client: GremlinClient, x: int) -> None:
    """The smallest, the greatest and an ordinary id are stored and read back unchanged."""
    await client.submit(PreparedStatement.of("g.addV('SelfCheck').property(T.id, x)", "x"), {"x": x}, writes=True)
    assert await client.submit(PreparedStatement.of("g.V(x).id()", "x"), {"x": x}) == [x]
    await client.submit(PreparedStatement.of("g.V(x).drop()", "x"), {"x": x}, writes=True)
