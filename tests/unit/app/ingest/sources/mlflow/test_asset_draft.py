"""Texts, metrics and instants of a draft: nothing is lost without a trace, and nothing invalid is sent."""

from math import inf, nan

import pytest

from app.ingest.sources.mlflow.asset_draft import MAX_TEXT, AssetDraft, instant, pairs
from app.ingest.sources.mlflow.registry_records import MetricPoint


def test_tags_become_properties_of_two_kinds() -> None:
    """Tags of MLflow keep their key, others get a begin; those with a field of their own are left out."""
    draft = AssetDraft()
    draft.keep_tags(
        {"team": "crm", "mlflow.user": "ada", "mlflow.runName": "r", "mlflow.log-model.history": "[]", "x": ""}
    )
    assert draft.properties == {"mlflow.tag.team": "crm", "mlflow.user": "ada"}


def test_a_long_text_is_cut() -> None:
    """A property has at most MAX_TEXT characters, and shows that it was cut."""
    draft = AssetDraft()
    draft.keep("tag.a", "x" * MAX_TEXT)
    draft.keep("tag.b", "x" * (MAX_TEXT + 1))
    assert draft.properties["mlflow.tag.a"] == "x" * MAX_TEXT
    assert draft.properties["mlflow.tag.b"] == "x" * (MAX_TEXT - 1) + "…"


def test_a_metric_that_is_no_number_is_a_property() -> None:
    """The API takes finite numbers; NaN and infinities stay readable."""
    draft = AssetDraft()
    draft.metrics(
        tuple(MetricPoint(name, value, 0, 0) for name, value in [("a", 0.5), ("b", nan), ("c", inf), ("d", -inf)])
    )
    assert draft.values == {"metrics": [{"name": "a", "value": 0.5}]}
    assert draft.properties == {"mlflow.metric.b": "NaN", "mlflow.metric.c": "Infinity", "mlflow.metric.d": "-Infinity"}


def test_absent_values_are_left_out() -> None:
    """None is no value, zero is one; no parameters are no list."""
    draft = AssetDraft()
    draft.set(a=None, b=0)
    assert draft.values == {"b": 0}
    assert instant(None) is None
    assert instant(0) == "1970-01-01T00:00:00+00:00"
    assert pairs({}) is None
    assert pairs({"b": "2", "a": "1"}) == [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]


@pytest.mark.parametrize("milliseconds", [-1, 253_402_300_799_999, 2**63 - 1])
def test_an_instant_that_the_graph_does_not_have_is_left_out(milliseconds: int) -> None:
    """A run in MLflow has the times that its writer chose: one before 1970 or after 9999 does not end the import."""
    assert instant(milliseconds) is None
