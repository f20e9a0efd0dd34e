"""Entities of the client: the latest value of a metric, and models that a run names and the registry lacks."""

from types import SimpleNamespace
from typing import Any

from app.ingest.sources.mlflow.registry_entities import logged_model_of, measuring_runs, run_of, version_of
from app.ingest.sources.mlflow.registry_records import DatasetUse, LoggedModelKey, RunRecord


def metric(key: str, value: float, step: int, timestamp: int = 0, **more: Any) -> Any:
    """Return a metric of the client."""
    given = {"dataset_name": None, "dataset_digest": None, "run_id": None, **more}
    return SimpleNamespace(key=key, value=value, step=step, timestamp=timestamp, **given)


def logged(*metrics: Any) -> Any:
    """Return a logged model of the client."""
    return SimpleNamespace(
        experiment_id=1,
        name="m",
        model_id="m-1",
        status="READY",
        creation_timestamp=0,
        artifact_location=None,
        model_type=None,
        source_run_id="",
        tags=None,
        params=None,
        metrics=[*metrics] or None,
    )


def test_the_latest_value_of_a_metric_counts() -> None:
    """By step, then by time, for each content of data apart."""
    on: dict[str, Any] = {"dataset_name": "d", "dataset_digest": "1", "run_id": "r"}
    points = [metric("a", 1.0, 2), metric("a", 2.0, 1, 9), metric("a", 3.0, 2, 1), metric("a", 4.0, 0, **on)]
    found = logged_model_of(logged(*points), {})
    assert [(each.value, each.dataset) for each in found.metrics] == [(3.0, None), (4.0, ("d", "1"))]
    assert logged_model_of(logged(), {}).metrics == ()


def test_data_of_an_evaluation_is_that_of_the_measuring_runs() -> None:
    """A use of data counts for the runs that measured the model, if the use was an evaluation."""
    on: dict[str, Any] = {"dataset_name": "d", "dataset_digest": "1", "run_id": "r"}
    uses = (DatasetUse("d", "1", "testing"), DatasetUse("e", "2", "training"))
    run = RunRecord("r", "1", "n", "FINISHED", 0, 1, deleted=False, datasets=uses)
    entity = logged(metric("a", 1.0, 0, **on), metric("b", 1.0, 0, run_id="q"))
    assert measuring_runs(entity) == {"r"}
    assert logged_model_of(entity, {"r": run}).evaluated_in == frozenset({("r", "d", "1")})
    assert logged_model_of(entity, {}).evaluated_in == frozenset()


def test_a_run_may_name_models_that_are_gone() -> None:
    """Models without an entry are unresolved; a run without inputs and outputs has none."""
    info = SimpleNamespace(
        run_id="r",
        experiment_id=1,
        run_name=None,
        status="RUNNING",
        start_time=None,
        end_time=None,
        lifecycle_stage="active",
    )
    data = SimpleNamespace(tags=None, params=None, _metric_objs=[])
    models = [SimpleNamespace(model_id=each) for each in ("m-1", "m-2", "m-1")]
    made = SimpleNamespace(model_outputs=models)
    entity = SimpleNamespace(info=info, data=data, inputs=None, outputs=made)
    key = LoggedModelKey("1", "m", "m-1")
    found = run_of(entity, {"m-1": key})
    assert (found.models_made, found.models_read, found.unresolved, found.name) == ((key,), (), ("m-2",), "")


def test_a_version_without_values_has_defaults() -> None:
    """What the client has as None is empty."""
    entity = SimpleNamespace(
        name="m",
        version=3,
        description=None,
        creation_timestamp=None,
        current_stage=None,
        status=None,
        source=None,
        run_id="",
        tags=None,
    )
    found = version_of(entity, ["a"], None, None)
    assert (found.version, found.stage, found.source, found.run_id, found.aliases) == ("3", "None", "", None, ("a",))


def test_data_without_a_name_or_a_digest_is_left_out() -> None:
    """MLflow accepts both as empty texts, of which no id is made."""

    def use(name: str, digest: str) -> Any:
        data = SimpleNamespace(name=name, digest=digest, source_type="", source="", schema=None, profile=None)
        return SimpleNamespace(dataset=data, tags=None)

    info = SimpleNamespace(
        run_id="r",
        experiment_id=1,
        run_name="",
        status="RUNNING",
        start_time=0,
        end_time=None,
        lifecycle_stage="active",
    )
    inputs = SimpleNamespace(dataset_inputs=[use("", "d"), use("n", ""), use("n", "d")], model_inputs=[])
    data = SimpleNamespace(tags=None, params=None, _metric_objs=[])
    found = run_of(SimpleNamespace(info=info, data=data, inputs=inputs, outputs=None), {})
    assert [(each.name, each.digest) for each in found.datasets] == [("n", "d")]
