"""Vertex ids: they never change, because stored vertices are found by them."""

from hypothesis import given
from hypothesis import strategies as st

from app.graph.records.log_entry import entry_vid
from app.graph.records.receipt_record import bucket_of
from app.graph.records.vertex_id import internal_vertex_id, vertex_id

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


@given(PARTS, PARTS)
def test_no_urn_has_the_id_of_an_internal_vertex(tenant: str, urn: str) -> None:
    """Ids of URNs have the low byte 0, and those of internal vertices have 8; both are ids for users."""
    assert {vertex_id(tenant, urn) % 256, vertex_id(tenant, f"receipt\0{tenant}\0{urn}") % 256} == {0}
    assert 0 < internal_vertex_id(tenant, urn) < 2**63
    assert internal_vertex_id(tenant, urn) % 256 == 8


def test_what_the_store_adds_under_an_id_that_can_be_computed_is_internal() -> None:
    """Entries of the write log and buckets of receipts are numbered, so anybody knows the ids of the next ones."""
    assert {found(number) % 256 for found in (entry_vid, bucket_of) for number in (1, 2**20, 2**42)} == {8}
