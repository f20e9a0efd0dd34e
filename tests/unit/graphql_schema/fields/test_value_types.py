"""Small values: what a metric without a readable number returns."""

import pytest

from graphql_schema.fields.value_types import Metric
from policies.errors import CodedError

(RESOLVER,) = [
    field.base_resolver.wrapped_func
    for field in Metric.__strawberry_definition__.fields  # type: ignore[attr-defined]
    if field.python_name == "value"
]


@pytest.mark.parametrize("number", [0.0, -1.5, 1e308])
def test_a_metric_returns_its_number(number: float) -> None:
    """Zero is a number."""
    assert RESOLVER({"name": "auc", "value": number}) == number


def test_a_metric_without_a_readable_number_is_a_coded_error() -> None:
    """The error names the metric and what to do."""
    with pytest.raises(CodedError, match=r"The metric 'auc' .* Register the metrics of the asset again") as error:
        RESOLVER({"name": "auc", "value": None})
    assert error.value.code == "UNREADABLE"
