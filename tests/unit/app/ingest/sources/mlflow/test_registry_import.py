"""The stages of an import: references come before aliases, and aliases may be left out."""

from collections.abc import Iterator
from math import inf, nan
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from app.ingest.load.source_asset import AliasTarget, SourceAsset
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_import import MetricExtremes, RegistryImport
from app.ingest.sources.mlflow.registry_records import (
    ExperimentRecord,
    LoggedModelKey,
    LoggedModelRecord,
    MetricPoint,
    RegisteredModelRecord,
    RunRecord,
    VersionRecord,
)
from graphql_schema.catalog.free_properties import MAX_FREE_PROPERTIES


class PlainRegistry:
    """A registry with one object of each kind in each place."""

    def experiments(self) -> Iterator[list[ExperimentRecord]]:
        """Yield two experiments in two pages."""
        for number in ("1", "2"):
            yield [ExperimentRecord(number, f"e{number}", 0, deleted=False, tags={})]

    def runs(self, experiment: str) -> Iterator[list[RunRecord]]:
        """Yield a run."""
        yield [RunRecord(f"r{experiment}", experiment, "n", "FINISHED", 0, 1, deleted=False)]

    def logged_models(self, experiment: str) -> Iterator[list[LoggedModelRecord]]:
        """Yield a logged model."""
        yield [LoggedModelRecord(LoggedModelKey(experiment, "m", f"m-{experiment}"), "READY", 0, "")]

    def registered_models(self) -> Iterator[list[RegisteredModelRecord]]:
        """Yield a model."""
        yield [RegisteredModelRecord("churn", None, 0, {}, {"champion": "1"})]

    def versions(self, model: RegisteredModelRecord) -> Iterator[list[VersionRecord]]:
        """Yield a version."""
        yield [VersionRecord(model.name, "1", None, 0, "None", "READY", "", None)]


@pytest.mark.parametrize("with_aliases", [True, False])
def test_aliases_come_last(*, with_aliases: bool) -> None:
    """Experiments, runs and logged models, models and versions, then aliases if they are wanted."""
    registry: Any = PlainRegistry()
    pages = [*RegistryImport(registry, RegistryMapping(), with_aliases).pages()]
    names = [each.location if isinstance(each, SourceAsset) else each.key for page in pages for each in page]
    alias = ["champion of mlg://model/mlflow/default/churn"] if with_aliases else []
    assert names == [
        "experiment e1",
        "experiment e2",
        "run n (r1)",
        "logged model m (m-1)",
        "run n (r2)",
        "logged model m (m-2)",
        "model churn",
        "model churn version 1",
        *alias,
    ]
    assert all(isinstance(each, AliasTarget) for each in pages[-1]) is with_aliases


def test_extremes_leave_out_what_is_no_number() -> None:
    """NaN counts as a point, and is neither the least nor the greatest value."""
    found = MetricExtremes("loss")
    assert found.slices == []
    found.add([float("nan")])
    assert (found.points, found.slices) == (1, [])
    found.add([0.5, float("inf"), 0.25])
    assert found.points == 4
    assert [(each["slice"], each["value"]) for each in found.slices] == [("min", 0.25), ("max", 0.5)]


def test_the_points_of_a_metric_without_a_finite_value_are_counted() -> None:
    """The run has their number, and no metric."""

    class Histories:
        """A registry whose histories have no finite value."""

        def history(self, _run: str, _metric: str) -> Iterator[list[Any]]:
            """Yield two points."""
            yield [SimpleNamespace(value=nan), SimpleNamespace(value=inf)]

    registry: Any = Histories()
    run = SourceAsset("run n (r)", "r", {"run": {"id": "r", "properties": []}}, basis=[("loss", 1, 0)])
    found = RegistryImport(registry, RegistryMapping()).completed(run)
    assert found.value["run"] == {"id": "r", "properties": [{"key": "mlflow.points", "value": '{"loss":2}'}]}


@pytest.mark.parametrize("value", [0.5, nan], ids=["numbers", "no numbers"])
def test_a_run_with_a_thousand_metrics_loses_none(value: float) -> None:
    """Points of metrics, values that are no number, and tags beyond the maximum are in properties of JSON objects."""

    class Histories:
        """A registry whose metrics have two points each."""

        def history(self, _run: str, _metric: str) -> Iterator[list[Any]]:
            """Yield two points."""
            yield [SimpleNamespace(value=1.0), SimpleNamespace(value=value)]

    registry: Any = Histories()
    names, tags = [f"m{number:04}" for number in range(1_000)], {f"t{number:04}": "x" for number in range(1_000)}
    metrics = tuple(MetricPoint(name, value, 7, 1) for name in names)
    record = RunRecord("r", "1", "n", "FINISHED", 0, 1, deleted=False, metrics=metrics, tags=tags)
    mapping = RegistryMapping()
    found = RegistryImport(registry, mapping).completed(
        mapping.run(record, ExperimentRecord("1", "e", 0, deleted=False, tags={}))
    )
    run = found.value["run"]
    kept = {pair["key"]: pair["value"] for pair in run["properties"]}
    assert len(run["properties"]) == len(kept) == MAX_FREE_PROPERTIES
    assert orjson.loads(kept["mlflow.points"]) == dict.fromkeys(names, 2)
    kept |= orjson.loads(kept["mlflow.others"])
    assert {f"mlflow.tag.{name}" for name in tags} <= kept.keys()
    values = {each["name"]: each["value"] for each in run["metrics"] if "slice" not in each}
    values |= {name: kept[f"mlflow.metric.{name}"] for name in names if f"mlflow.metric.{name}" in kept}
    assert values == dict.fromkeys(names, value if value == value else "NaN")  # noqa: PLR0124 - not a number
