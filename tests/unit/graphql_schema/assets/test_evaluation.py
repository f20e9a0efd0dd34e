"""The comparison of an evaluation with its baseline, metric by metric."""

from collections.abc import Awaitable, Callable

from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.assets.evaluation import deltas
from graphql_schema.ports.record import JsonObject

Run = Callable[..., Awaitable[ExecutionResult]]
QUERY = """query ($id: ID!) { asset(id: $id) { ... on Evaluation {
  againstBaseline { name slice value baseline change } } } }"""


def metric(name: str, value: float, slice_: str | None = None) -> JsonObject:
    """Return a stored metric; a metric of all data has no slice."""
    return {"name": name, "value": value, **({"slice": slice_} if slice_ else {})}


def test_metrics_are_matched_by_name_and_slice() -> None:
    """A metric of one side alone is left out, and the others keep the order of the newer evaluation."""
    mine = [metric("f1", 0.5), metric("auc", 0.75, "new"), metric("auc", 0.5), metric("loss", 1.0)]
    theirs = [metric("auc", 0.25), metric("auc", 1.0, "new"), metric("f1", 0.5, "old")]
    assert deltas(mine, theirs) == [
        {"name": "auc", "slice": "new", "value": 0.75, "baseline": 1.0, "change": -0.25},
        {"name": "auc", "value": 0.5, "baseline": 0.25, "change": 0.25},
    ]


def test_a_metric_without_a_readable_number_is_no_comparison() -> None:
    """A number that was not finite is stored as null by earlier versions; such a metric of either side is left out."""
    old = {"name": "auc", "value": None}
    assert deltas([metric("auc", 1.0)], [old]) == deltas([old], [metric("auc", 1.0)]) == []


def test_a_difference_is_finite() -> None:
    """The difference of two large numbers of different signs is cut to the range of a float."""
    largest = 1.7976931348623157e308
    (found,) = deltas([metric("loss", largest)], [metric("loss", -largest)])
    assert found["change"] == largest


def test_a_baseline_of_zero_is_a_value() -> None:
    """Zero is not absence: the change is the whole value."""
    assert deltas([metric("errors", 3.0)], [metric("errors", 0.0)]) == [
        {"name": "errors", "value": 3.0, "baseline": 0.0, "change": 3.0}
    ]


def test_nothing_in_common_is_no_comparison() -> None:
    """Without a common metric the list is empty, which differs from an unknown baseline."""
    assert deltas([metric("auc", 1.0)], [metric("f1", 1.0)]) == []
    assert deltas([], []) == []


async def test_a_hidden_or_absent_side_gives_null(run: Run, graph: PlainGraph) -> None:
    """Without metrics on both sides there is nothing to compare, and the comparison discloses no hidden metric."""
    before = graph.add("EVALUATION", "before")
    now = graph.add("EVALUATION", "now", metrics=[metric("auc", 0.5)])
    graph.join("EVALUATED_BY", before, now)
    found = await run(QUERY, id=now)
    assert (found.errors, found.data) == (None, {"asset": {"againstBaseline": None}})
    graph.records[before]["metrics"] = [metric("auc", 0.25)]
    shown = {"name": "auc", "slice": None, "value": 0.5, "baseline": 0.25, "change": 0.25}
    assert (await run(QUERY, id=now)).data == {"asset": {"againstBaseline": [shown]}}
    graph.hidden = {"EVALUATION": {"metrics"}}
    assert (await run(QUERY, id=now)).data == {"asset": {"againstBaseline": None}}
