"""How the fields of experiments and runs are mapped: the functions of rows of the field table."""

from typing import Final

from app.ingest.sources.mlflow.asset_draft import DESCRIPTION, AssetDraft, instant, pairs
from app.ingest.sources.mlflow.registry_names import RegistryNames
from app.ingest.sources.mlflow.registry_records import ExperimentRecord, RunRecord
from graphql_schema.ports.record import JsonObject

COMMIT: Final = "mlflow.source.git.commit"
"""The tag of a run with the commit of its code."""

_STATES: Final = {
    "SCHEDULED": "START",
    "RUNNING": "RUNNING",
    "FINISHED": "COMPLETE",
    "FAILED": "FAIL",
    "KILLED": "ABORT",
}


def experiment_name(record: ExperimentRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the display name and the kind of the workflow."""
    draft.set(displayName=record.name, workflowKind="mlflow-experiment")


def experiment_id(record: ExperimentRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the id; keep the id of MLflow as a property."""
    draft.set(id=names.experiment(record.id))
    draft.keep("id", record.id)


def experiment_times(record: ExperimentRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the instant of creation."""
    draft.set(sourceCreatedAt=instant(record.created_at))


def run_description(record: ExperimentRecord | RunRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the description."""
    draft.set(description=record.tags.get(DESCRIPTION) or None)


def tags(record: ExperimentRecord | RunRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Keep the tags as properties."""
    draft.keep_tags(record.tags)


def lifecycle(record: ExperimentRecord | RunRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Keep as a property whether the record is deleted in MLflow, where it can be restored for a while."""
    draft.keep("lifecycleStage", "deleted" if record.deleted else "active")


def run_id(record: RunRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the id and the display name; keep the id of MLflow as a property."""
    draft.set(id=names.run(record.id), displayName=record.name or None)
    draft.keep("id", record.id)


def run_experiment(record: RunRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the workflow."""
    draft.set(workflow=names.experiment(record.experiment))


def status(record: RunRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the state; a run with an unknown status is RUNNING."""
    draft.set(state=_STATES.get(record.status, "RUNNING"))


def run_times(record: RunRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set begin and end; the begin is also the instant of creation."""
    begin = instant(record.started_at)
    draft.set(startedAt=begin, sourceCreatedAt=begin, endedAt=instant(record.ended_at))


def parent(record: RunRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the parent run."""
    above = record.tags.get("mlflow.parentRunId")
    draft.set(parentRun=names.run(above) if above else None)


def commit(record: RunRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the version of the code."""
    draft.set(codeVersion=record.tags.get(COMMIT) or None)


def run_params(record: RunRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the parameters."""
    draft.set(params=pairs(record.params))


def run_metrics(record: RunRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the latest value of each metric; a value that is not finite becomes a property."""
    draft.metrics(record.metrics)


def run_datasets(record: RunRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Add an edge from each content of data to the run, with its contexts; from data of an evaluation to a child run.

    The inputs of a run that makes a model are the data that the model is made of, and data of a test is not.
    """
    contexts: dict[tuple[str, str], set[str]] = {}
    for use in record.datasets:
        reader = names.evaluation_run(record.id) if use.is_evaluation else names.run(record.id)
        urn = names.dataset_version(use.name, use.digest)
        contexts.setdefault((urn, reader), set()).update([use.context] if use.context else [])
    if any(use.is_evaluation for use in record.datasets):
        draft.parts.append({"run": _evaluation_part(record, names)})
    for (urn, reader), found in contexts.items():
        draft.parts.append({"link": _read(record, urn, reader, **{"mlflow.context": ", ".join(sorted(found))})})


def run_models_read(record: RunRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Add an edge from each logged model that the run read."""
    draft.parts += [
        {"link": _read(record, names.logged_model(each), names.run(record.id))} for each in record.models_read
    ]


def run_models_made(record: RunRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the logged models that the run made as its outputs; keep the ids of absent inputs and outputs."""
    draft.set(outputs=[names.logged_model(each) for each in record.models_made] or None)
    draft.keep("absentModels", ", ".join(record.unresolved))


def _evaluation_part(record: RunRecord, names: RegistryNames) -> JsonObject:
    draft = AssetDraft()
    for mapper in (run_experiment, status, run_times, lifecycle):
        mapper(record, draft, names)
    draft.keep("id", f"{record.id}/evaluation")
    draft.set(
        id=names.evaluation_run(record.id),
        displayName=f"{record.name} (evaluation)",
        parentRun=names.run(record.id),
        properties=draft.pairs,
    )
    return draft.values


def _read(record: RunRecord, source: str, reader: str, **properties: str) -> JsonObject:
    """Return the link of something that a run read, valid since the run began."""
    begin = instant(record.started_at)
    kept = [{"key": key, "value": value} for key, value in properties.items() if value]
    return {
        "relation": "INPUT_TO",
        "from": source,
        "to": reader,
        "origin": "OBSERVED",
        "runId": reader,
        **({"validFrom": begin} if begin else {}),
        **({"properties": kept} if kept else {}),
    }
