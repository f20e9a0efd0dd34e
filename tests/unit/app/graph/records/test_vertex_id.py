"""Vertex ids: they never change, because stored vertices are found by them."""

from hypothesis import given
from hypothesis import strategies as st

from app.graph.records.vertex_id import vertex_id

PARTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def test_the_id_is_the_documented_hash() -> None:
    """The id is BLAKE2b of tenant, NUL and URN; the digest here was made by `b2sum -l 64` of GNU coreutils."""
    assert vertex_id("default", "mlg://model/mlflow/default/churn") == (0x099F62B209652316 >> 9) << 8


@given(PARTS, PARTS)
def test_every_id_is_accepted_by_janusgraph(tenant: str, urn: str) -> None:
    """Ids are positive longs whose low byte is free, which keeps them in one id pool."""
    found = vertex_id(tenant, urn)
    assert 0 < found < 2**63
    assert found % 256 == 0


@given(PARTS, PARTS, PARTS)
def test_the_tenant_is_part_of_the_identity(one: str, other: str, urn: str) -> None:
    """The same URN in two tenants has two ids, and no boundary between tenant and URN can be shifted."""
    assert (vertex_id(one, urn) == vertex_id(other, urn)) == (one == other)
    assert (vertex_id(one, other + urn) == vertex_id(one + other, urn)) == (other == "")
