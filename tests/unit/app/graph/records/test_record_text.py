"""Records as text: what the store keeps, and what it never may."""

from math import inf, nan
from typing import Any

import pytest

from app.graph.records.record_text import record_of, text_of


def test_a_record_is_read_as_it_was_written() -> None:
    """Texts, numbers, lists and nulls survive."""
    record = {"id": "x", "metrics": [{"value": 1e308}, {"value": -0.5}], "costUsd": None, "ids": ["a"]}
    assert record_of(text_of(record)) == record


@pytest.mark.parametrize("number", [inf, -inf, nan])
@pytest.mark.parametrize("record", [{"a": "N"}, {"a": [{"b": "N"}]}, {"a": {"b": ("x", "N")}}])
def test_no_record_has_a_number_that_is_not_finite(record: Any, number: float) -> None:
    """At any depth such a number is an error, because JSON would keep it as null."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(filled(each) for each in value)
        return number if value == "N" else value

    with pytest.raises(ValueError, match="cannot store"):
        text_of(filled(record))
