"""Runs and experiments: states, times, and what a run read."""

from typing import Any

import pytest

from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_records import DatasetUse, ExperimentRecord, LoggedModelKey, RunRecord

EXPERIMENT = ExperimentRecord("1", "churn", 0, deleted=True, tags={"mlflow.note.content": "Who leaves.", "team": "crm"})
RUN = "mlg://run/mlflow/default/r"


def run(**fields: Any) -> RunRecord:
    """Return a run with some fields."""
    given = {"name": "n", "status": "FINISHED", "started_at": 0, "ended_at": 1000, "deleted": False, **fields}
    return RunRecord(id="r", experiment="1", **given)


def links(record: RunRecord) -> list[tuple[str, str, dict[str, str]]]:
    """Return the source, the reader and the properties of each link of a run."""
    found = [each["link"] for each in RegistryMapping().run(record, EXPERIMENT).parts if "link" in each]
    assert {(each["relation"], each["origin"], each["validFrom"]) for each in found} <= {
        ("INPUT_TO", "OBSERVED", "1970-01-01T00:00:00+00:00")
    }
    return [
        (each["from"], each["to"], {pair["key"]: pair["value"] for pair in each.get("properties", [])})
        for each in found
    ]


def test_an_experiment_becomes_a_workflow() -> None:
    """The id is that of MLflow, so that another name of the experiment changes no id."""
    asset = RegistryMapping().experiment(EXPERIMENT)
    assert asset.value["workflow"] == {
        "id": "mlg://workflow/mlflow/default/1",
        "displayName": "churn",
        "workflowKind": "mlflow-experiment",
        "sourceCreatedAt": "1970-01-01T00:00:00+00:00",
        "description": "Who leaves.",
        "properties": [
            {"key": "mlflow.id", "value": "1"},
            {"key": "mlflow.lifecycleStage", "value": "deleted"},
            {"key": "mlflow.tag.team", "value": "crm"},
        ],
    }
    assert asset.deleted


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("SCHEDULED", "START"),
        ("RUNNING", "RUNNING"),
        ("FINISHED", "COMPLETE"),
        ("FAILED", "FAIL"),
        ("KILLED", "ABORT"),
        ("NEW", "RUNNING"),
    ],
)
def test_a_status_becomes_a_state(status: str, state: str) -> None:
    """Each status has a state; one that a later version of MLflow adds is no end."""
    assert RegistryMapping().run(run(status=status), EXPERIMENT).value["run"]["state"] == state


def test_a_run_has_its_code_parent_and_parameters() -> None:
    """Tags of MLflow become fields; the end is absent while the run goes on."""
    tags = {"mlflow.parentRunId": "p", "mlflow.source.git.commit": "c0ffee", "mlflow.note.content": "note"}
    body = RegistryMapping().run(run(tags=tags, params={"C": "0.5"}, ended_at=None), EXPERIMENT).value["run"]
    assert body["parentRun"] == "mlg://run/mlflow/default/p"
    assert (body["codeVersion"], body["description"]) == ("c0ffee", "note")
    assert body["params"] == [{"key": "C", "value": "0.5"}]
    assert "endedAt" not in body


def test_data_of_a_test_is_read_by_a_child_run() -> None:
    """Training and validation data are inputs of the run, test data those of its part; contexts are joined."""
    uses = [
        DatasetUse("d", "1", "training"),
        DatasetUse("d", "1", "validation"),
        DatasetUse("d", "1", "testing"),
        DatasetUse("e", "2", "Evaluation"),
        DatasetUse("f", "3"),
    ]
    part = f"{RUN}%2Fevaluation"
    snapshot = "mlg://dataset-version/mlflow/default/"
    assert links(run(datasets=tuple(uses))) == [
        (f"{snapshot}d@1", RUN, {"mlflow.context": "training, validation"}),
        (f"{snapshot}d@1", part, {"mlflow.context": "testing"}),
        (f"{snapshot}e@2", part, {"mlflow.context": "Evaluation"}),
        (f"{snapshot}f@3", RUN, {}),
    ]
    parts = RegistryMapping().run(run(datasets=tuple(uses)), EXPERIMENT).parts
    (child,) = [each["run"] for each in parts if "run" in each]
    assert (child["id"], child["parentRun"], child["state"]) == (part, RUN, "COMPLETE")
    assert not any("run" in each for each in RegistryMapping().run(run(datasets=(uses[0],)), EXPERIMENT).parts)


def test_a_run_reads_and_makes_logged_models() -> None:
    """Models that it read are linked, those that it made are outputs, and ids without a model are kept."""
    read, made = LoggedModelKey("2", "a", "m-1"), LoggedModelKey("1", "b", "m-2")
    record = run(models_read=(read,), models_made=(made,), unresolved=("m-3", "m-4"))
    space = "mlg://model-version/mlflow/default%2Flogged-models/"
    assert links(record) == [(f"{space}2%2Fa@m-1", RUN, {})]
    body = RegistryMapping().run(record, EXPERIMENT).value["run"]
    assert body["outputs"] == [f"{space}1%2Fb@m-2"]
    assert {"key": "mlflow.absentModels", "value": "m-3, m-4"} in body["properties"]


def test_a_run_without_a_begin_has_links_without_one() -> None:
    """A run that is scheduled has no instant at which its inputs are valid."""
    record = run(started_at=None, ended_at=None, status="SCHEDULED", datasets=(DatasetUse("d", "1", "training"),))
    (link,) = [each["link"] for each in RegistryMapping().run(record, EXPERIMENT).parts if "link" in each]
    assert "validFrom" not in link
