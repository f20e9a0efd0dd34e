"""Vertex ids: fixed for ever, since stored vertices are found by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graph.client import GremlinClient
from app.graph.ids import vertex_id
from app.graph.prepared import Prepared

PARTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def test_the_id_is_the_documented_hash() -> None:
    """The id is BLAKE2b of tenant, NUL and URN; the digest here was made by `b2sum -l 64` of GNU coreutils."""
    assert vertex_id("default", "mlg://model/mlflow/default/churn") == (0x099F62B209652316 >> 9) << 8


@given(PARTS, PARTS)
def test_every_id_is_one_that_janusgraph_takes(tenant: str, urn: str) -> None:
    """Ids are positive longs whose low byte is free, which keeps them in one id pool."""
    found = vertex_id(tenant, urn)
    assert 0 < found < 2**63
    assert found % 256 == 0


@given(PARTS, PARTS, PARTS)
def test_the_tenant_is_part_of_the_identity(one: str, other: str, urn: str) -> None:
    """The same URN in two tenants has two ids, and no boundary between tenant and URN can be shifted."""
    assert (vertex_id(one, urn) == vertex_id(other, urn)) == (one == other)
    assert (vertex_id(one, other + urn) == vertex_id(one + other, urn)) == (other == "")


@pytest.mark.parametrize("x", [2 << 8, 2**63 - 2**8, vertex_id("ids", "any")])
async def test_the_store_keeps_a_vertex_under_any_such_id(client: GremlinClient, x: int) -> None:
    """A tiny, the greatest and an ordinary id survive the way into the store and back, digit for digit."""
    await client.submit(Prepared.of("g.addV('SelfCheck').property(T.id, x)", "x"), {"x": x}, writes=True)
    assert await client.submit(Prepared.of("g.V(x).id()", "x"), {"x": x}) == [x]
    await client.submit(Prepared.of("g.V(x).drop()", "x"), {"x": x}, writes=True)
