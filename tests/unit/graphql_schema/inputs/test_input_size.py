"""The size of an input: the elements of its lists."""

# mypy: disable-error-code="arg-type"
# An ID is written as plain text.

import pytest

from graphql_schema.assets.dataset import ColumnInput, ColumnRefInput, DatasetInput
from graphql_schema.assets.tag import TagInput, TagKind
from graphql_schema.inputs.input_size import LONG_INPUT, is_long

DATA = "mlg://dataset/s3/raw/clicks"


@pytest.mark.parametrize(("sources", "expected"), [(LONG_INPUT - 1, False), (LONG_INPUT, True)])
def test_the_elements_of_nested_lists_count(sources: int, *, expected: bool) -> None:
    """One column with many sources is long, as an input and as the JSON object before."""
    columns = [ColumnInput(name="c", derived_from=[ColumnRefInput(dataset=DATA, column="c")] * sources)]
    assert is_long(DatasetInput(columns=columns)) is expected
    sent = {"dataset": {"columns": [{"name": "c", "derivedFrom": [{"dataset": DATA, "column": "c"}] * sources}]}}
    assert is_long(sent) is expected


def test_other_values_count_nothing() -> None:
    """An enum has members, and a text characters, and neither is a list."""
    assert not is_long(TagInput(name="x" * 1_000, tag_kind=TagKind.PII))
