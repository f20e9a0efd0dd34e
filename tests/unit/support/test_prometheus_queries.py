"""The reader of queries finds names and labels that do not exist, and the labels of a result."""

import pytest
from support.prometheus_queries import problems, result_labels

SERIES = {
    "a_total": frozenset({"code"}),
    "b_bucket": frozenset({"le", "kind"}),
    "c": frozenset[str](),
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('sum by (code) (rate(a_total{code!="OK", job="x"}[$__rate_interval]))', []),
        ("histogram_quantile(0.9, sum by (le, kind) (rate(b_bucket[5m])))", []),
        ("rate(d_total[5m])", ["d_total does not exist"]),
        ('a_total{kind="x"} / c', ["a_total has no label kind"]),
        ("max by (kind) (c)", ["nothing in the aggregation has the label kind"]),
        ("(sum(rate(a_total[5m])) or vector(0)) / (sum(d) > 0)", ["d does not exist"]),
        ("topk(3, sum by (code) (a_total offset 1d))", []),
        ("avg_over_time(d[5m])", ["d does not exist"]),
        ("c unless on (instance) d", ["d does not exist"]),
    ],
)
def test_names_and_labels_are_compared(query: str, expected: list[str]) -> None:
    """Each series of a query must exist, with the labels that matchers and groupings name."""
    assert problems(query, SERIES) == expected


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("a_total", {"code", "job", "instance"}),
        ("sum(a_total)", set()),
        ("sum by (code) (a_total)", {"code"}),
        ("sum without (code) (a_total)", {"job", "instance"}),
        ("topk(3, a_total)", {"code", "job", "instance"}),
        ("histogram_quantile(0.9, rate(b_bucket[5m]))", {"kind", "job", "instance"}),
        ("1 - sum by (code) (a_total)", {"code"}),
        ("sum by (code) (a_total) or max by (kind) (b_bucket)", {"code", "kind"}),
    ],
)
def test_a_result_has_the_labels_that_its_query_keeps(query: str, labels: set[str]) -> None:
    """An aggregation keeps those that it names, a function all of its argument."""
    assert result_labels(query, SERIES) == labels


def test_an_invalid_query_is_refused() -> None:
    """A query that Prometheus would not accept is an error here too."""
    with pytest.raises(ValueError, match="unclosed"):
        problems("sum(", SERIES)
