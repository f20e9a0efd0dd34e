"""Readers of fields: a source of each form, and a hidden field."""

from types import SimpleNamespace

import pytest

from app.graph.reading.access.field_masks import RowAccess
from graphql_schema.fields.record_reader import RecordReader
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.row import MaskedRecord
from policies.decision import Denial, FieldMask

REPORT = PolicyReport("v1")
MASK = FieldMask(frozenset({"hiddenName"}), {"hiddenName": Denial(("p1",), ("READ",))})
RECORD = {"displayName": "a", "hiddenName": "b"}


@pytest.mark.parametrize(
    ("source", "name", "value"),
    [
        (
            MaskedRecord("Dataset", "mlg://dataset/a/b/c", RECORD, RowAccess("Dataset", MASK, REPORT)),
            "displayName",
            "a",
        ),
        (
            MaskedRecord("Dataset", "mlg://dataset/a/b/c", RECORD, RowAccess("Dataset", MASK, REPORT)),
            "hiddenName",
            None,
        ),
        (RECORD, "displayName", "a"),
        (RECORD, "other", None),
        (SimpleNamespace(display_name="a"), "displayName", "a"),
    ],
    ids=["record", "hidden", "mapping", "mapping without it", "object"],
)
def test_a_field_is_read_from_its_source(source: object, name: str, value: object) -> None:
    """Records and mappings are read by the GraphQL name, other objects by their attribute; a hidden field is null."""
    assert RecordReader(name, "display_name")(source) == value
