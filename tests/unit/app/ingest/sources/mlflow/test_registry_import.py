"""The stages of an import: references come before aliases, and aliases may be left out."""

from collections.abc import Iterator
from math import inf, nan
from types import SimpleNamespace
from typing import Any

import pytest

from app.ingest.load.source_asset import AliasTarget, SourceAsset
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_import import MetricExtremes, RegistryImport
from app.ingest.sources.mlflow.registry_records import (
    ExperimentRecord,
    LoggedModelKey,
    LoggedModelRecord,
    RegisteredModelRecord,
    RunRecord,
    VersionRecord,
)


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
    assert found.value["run"] == {"id": "r", "properties": [{"key": "mlflow.points.loss", "value": "2"}]}
