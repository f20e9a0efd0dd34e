"""Logged models, registered models and versions: where they come from, and what was measured on which data."""

from math import nan
from typing import Any

import pytest

from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_records import (
    ExperimentRecord,
    LoggedModelKey,
    LoggedModelRecord,
    MetricPoint,
    RegisteredModelRecord,
    RunRecord,
    VersionRecord,
)

EXPERIMENT = ExperimentRecord("1", "churn", 0, deleted=False, tags={})
MODEL = RegisteredModelRecord("churn", None, 0, {}, {"champion": "3"})
KEY = LoggedModelKey("1", "forest", "m-1")
LOGGED = "mlg://model-version/mlflow/default%2Flogged-models/1%2Fforest@m-1"
TEST = ("test", "c7e5")
EVALUATION = "mlg://evaluation/mlflow/default/m-1%2Ftest%40c7e5"


def logged(*points: MetricPoint, **fields: Any) -> LoggedModelRecord:
    """Return a logged model with metrics."""
    return LoggedModelRecord(KEY, "READY", 0, "s3://bucket/m-1", "forest", "r", metrics=points, **fields)


def version(**fields: Any) -> VersionRecord:
    """Return a version with some fields."""
    given: dict[str, Any] = {"description": None, "stage": "None", "status": "READY", "source": "", "run_id": None}
    return VersionRecord(model="churn", version="3", created_at=0, **{**given, **fields})


def test_a_logged_model_is_a_version_with_evaluations() -> None:
    """Metrics on data are one evaluation for each content, others are metrics of the version."""
    points = (
        MetricPoint("auc", 0.83, 0, 5000, TEST, "r"),
        MetricPoint("odd", nan, 0, 6000, TEST, "q"),
        MetricPoint("size", 12.0, 0, 0),
    )
    asset = RegistryMapping().logged_model(logged(*points, evaluated_in=frozenset({("r", *TEST)})), EXPERIMENT)
    body = asset.value["modelVersion"]
    assert (body["id"], body["trainingRun"]) == (LOGGED, "mlg://run/mlflow/default/r")
    assert (body["artifactUri"], body["metrics"]) == ("s3://bucket/m-1", [{"name": "size", "value": 12.0}])
    model, evaluation = asset.parts
    assert model["model"] == {"id": LOGGED.replace("model-version", "model").partition("@")[0], "displayName": "forest"}
    assert evaluation["evaluation"] == {
        "id": EVALUATION,
        "displayName": "forest on test",
        "evaluationKind": "OFFLINE",
        "modelVersion": LOGGED,
        "evaluatedOn": ["mlg://dataset-version/mlflow/default/test@c7e5"],
        "run": "mlg://run/mlflow/default/r%2Fevaluation",
        "metrics": [{"name": "auc", "value": 0.83}],
        "evaluatedAt": "1970-01-01T00:00:06+00:00",
        "properties": [
            {"key": "mlflow.id", "value": "m-1/test@c7e5"},
            {"key": "mlflow.runs", "value": "q, r"},
            {"key": "mlflow.metric.odd", "value": "NaN"},
        ],
    }


def test_an_evaluation_on_training_data_has_no_run() -> None:
    """If the run read the data for another use, it is no producer: its inputs would count as data of the evaluation."""
    asset = RegistryMapping().logged_model(logged(MetricPoint("auc", 0.9, 0, 0, TEST, "r")), EXPERIMENT)
    assert "run" not in asset.parts[1]["evaluation"]


def test_a_version_has_the_evaluations_of_its_logged_model() -> None:
    """The files are the same, so the measurements are too."""
    record = version(logged=logged(MetricPoint("auc", 0.8, 0, 0, TEST, "r")), source="models:/m-1")
    asset = RegistryMapping().version(record, MODEL)
    assert asset.value["modelVersion"]["basedOn"] == [LOGGED]
    assert asset.parts == ({"link": {"relation": "EVALUATED_BY", "from": asset.id, "to": EVALUATION}},)


@pytest.mark.parametrize(
    ("source", "made_of"),
    [
        ("models:/other model/2", ["mlg://model-version/mlflow/default/other%20model@2"]),
        ("models:/m-gone", None),
        ("runs:/r/model", None),
        ("s3://bucket/vendor", None),
    ],
)
def test_a_version_may_be_a_copy(source: str, made_of: list[str] | None) -> None:
    """A version that was made of another version names it; every other source is a location alone."""
    body = RegistryMapping().version(version(source=source), MODEL).value["modelVersion"]
    assert (body["artifactUri"], body.get("basedOn")) == (source, made_of)


def test_a_version_has_the_values_of_its_run() -> None:
    """Commit, parameters and latest metrics; a run that is gone is named, and gives nothing."""
    tags = {"mlflow.source.git.commit": "c0ffee"}
    metrics = (MetricPoint("auc", 0.8, 0, 0),)
    run = RunRecord("r", "1", "n", "FINISHED", 0, 1, deleted=False, tags=tags, params={"a": "1"}, metrics=metrics)
    body = RegistryMapping().version(version(run_id="r", run=run), MODEL).value["modelVersion"]
    assert body["codeRef"] == "c0ffee"
    assert body["params"] == [{"key": "a", "value": "1"}]
    assert body["metrics"] == [{"name": "auc", "value": 0.8}]
    gone = RegistryMapping().version(version(run_id="r"), MODEL).value["modelVersion"]
    assert gone["trainingRun"] == body["trainingRun"] == "mlg://run/mlflow/default/r"
    assert not gone.keys() & {"codeRef", "params", "metrics"}


def test_an_archived_version_counts_as_deleted() -> None:
    """The stage is a property; that of a version which never had one is left out."""
    archived = RegistryMapping().version(version(stage="Archived", aliases=("a", "b")), MODEL)
    assert archived.deleted
    kept = {each["key"]: each["value"] for each in archived.value["modelVersion"]["properties"]}
    assert (kept["mlflow.stage"], kept["mlflow.aliases"]) == ("Archived", "a, b")
    other = RegistryMapping().version(version(), MODEL)
    assert not other.deleted
    assert "mlflow.stage" not in {each["key"] for each in other.value["modelVersion"]["properties"]}


def test_an_empty_description_is_one() -> None:
    """A registered model with an empty description has it, and one without has none."""
    empty = RegistryMapping().model(RegisteredModelRecord("a", "", None, {}, {})).value["model"]
    none = RegistryMapping().model(RegisteredModelRecord("a", None, None, {}, {})).value["model"]
    assert empty["description"] == ""
    assert "description" not in none
