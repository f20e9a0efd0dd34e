"""Rows: a record as one caller may see it, and the edge that led to it."""

from typing import Any

from support.estates.plain_rows import PlainAccess, hiding, plain_row

from graphql_schema.ports.row import PageItem

URN = "mlg://model/test/default/ranker"


def test_a_row_has_the_identity_of_its_record() -> None:
    """The id is the URN, and the kind is the GraphQL type."""
    row = plain_row("MODEL", "ranker", vid=256)
    assert (row.vid, row.urn, row.kind) == (256, URN, "Model")


def test_a_hidden_field_is_read_as_null_and_reported() -> None:
    """The report becomes a part of the response, so that a client can distinguish hidden from absent."""
    access = hiding("task")
    row = plain_row("MODEL", "ranker", access, task="ranking", riskTier="HIGH")
    assert (row.read("task"), row.read("riskTier"), row.read("none")) == (None, "HIGH", None)
    assert access.reports == ["hidden task"]


def test_reading_a_restricted_field_is_reported() -> None:
    """The access log records the field and the id of the asset; a field that is not restricted is not reported."""
    access = PlainAccess(logged=frozenset({"params"}))
    row = plain_row("MODEL", "ranker", access, params="x")
    assert (row.read("params"), row.is_shown("task")) == ("x", True)
    assert access.reports == [f"read params {URN}"]


def test_a_filter_sees_what_is_visible_without_a_report() -> None:
    """Comparing a value is not showing it, and a hidden field has no value to compare."""
    access = PlainAccess(hidden=frozenset({"task"}), logged=frozenset({"params"}))
    row = plain_row("MODEL", "ranker", access, task="ranking", params="x")
    assert (row.visible_value("task"), row.visible_value("params"), row.visible_value("none")) == (None, "x", None)
    assert access.reports == []


def test_a_row_with_a_time_of_deletion_is_deleted() -> None:
    """A restored asset keeps a null time."""
    assert plain_row("MODEL", "ranker", deletedAt=5).deleted
    assert not plain_row("MODEL", "ranker", deletedAt=None).deleted
    assert not plain_row("MODEL", "ranker").deleted


def test_an_edge_is_shown_as_far_as_both_of_its_ends_show_it() -> None:
    """A field hidden by either end is hidden on the edge; values of the list, such as the asset, can be added."""
    near = plain_row("DATASET", "near", PlainAccess(edge_hidden=frozenset({"runId"})))
    far = plain_row("MODEL", "far", PlainAccess(edge_hidden=frozenset({"confidence"})))
    edge: dict[str, Any] = {"relation": "FEEDS", "runId": "r1", "confidence": 0.5}
    shown = PageItem(far, (), edge, near).edge_as("Neighbour", asset=far)
    assert [shown.read(name) for name in ("relation", "runId", "confidence", "asset")] == ["FEEDS", None, None, far]
    assert (shown.kind, shown.urn) == ("Neighbour", f"FEEDS:{near.vid:x}:{far.vid:x}")
