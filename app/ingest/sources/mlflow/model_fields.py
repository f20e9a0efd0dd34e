"""How the fields of logged models, registered models and their versions are mapped."""

from collections.abc import Iterable
from math import isfinite

from app.ingest.sources.mlflow.asset_draft import AssetDraft, instant, metric_text, pairs
from app.ingest.sources.mlflow.registry_names import RegistryNames
from app.ingest.sources.mlflow.registry_records import (
    LoggedModelRecord,
    MetricPoint,
    RegisteredModelRecord,
    VersionRecord,
)
from app.ingest.sources.mlflow.run_fields import COMMIT
from graphql_schema.ports.record import JsonObject, Record

_SOURCE = "models:/"


def logged_id(record: LoggedModelRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the id, and keep the id of MLflow as a property; the id of the version names its model."""
    draft.set(id=names.logged_model(record.key))
    draft.keep("id", record.key.id)


def logged_name(record: LoggedModelRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Add an item of the model of which the logged model is a version: one per name and experiment."""
    draft.parts.append({"model": {"id": names.logged_name(record.key), "displayName": record.key.name}})


def logged_status(record: LoggedModelRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Keep status and type as properties."""
    draft.keep("status", record.status)
    draft.keep("modelType", record.model_type)


def logged_created(record: LoggedModelRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the instant of creation."""
    draft.set(sourceCreatedAt=instant(record.created_at))


def logged_location(record: LoggedModelRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the location of the files."""
    draft.set(artifactUri=record.artifact_uri or None)


def logged_run(record: LoggedModelRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the run that made the model."""
    draft.set(trainingRun=names.run(record.run) if record.run else None)


def logged_tags(record: LoggedModelRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Keep the tags as properties."""
    draft.keep_tags(record.tags)


def logged_params(record: LoggedModelRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the parameters."""
    draft.set(params=pairs(record.params))


def logged_metrics(record: LoggedModelRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the metrics that are bound to no data; add an evaluation for each content that others are bound to."""
    draft.metrics(tuple(each for each in record.metrics if each.dataset is None))
    for dataset in evaluated_data(record.metrics):
        points = [each for each in record.metrics if each.dataset == dataset]
        draft.parts.append({"evaluation": _evaluation(record, dataset, points, names)})


def evaluated_data(points: Iterable[MetricPoint]) -> list[tuple[str, str]]:
    """Return name and digest of the data that metrics are bound to, in the order of the names."""
    return sorted({each.dataset for each in points if each.dataset is not None})


def model_name(record: RegisteredModelRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the id and the display name; keep the name as the property `mlflow.id`."""
    draft.set(id=names.model(record.name), displayName=record.name)
    draft.keep("id", record.name)


def description(record: RegisteredModelRecord | VersionRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the description, also if it is empty, but not if it is None."""
    draft.set(description=record.description)


def created(record: RegisteredModelRecord | VersionRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the instant of creation."""
    draft.set(sourceCreatedAt=instant(record.created_at))


def model_tags(record: RegisteredModelRecord | VersionRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Keep the tags as properties."""
    draft.keep_tags(record.tags)


def version_number(record: VersionRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the id; keep the address of the version as the property `mlflow.id`."""
    draft.set(id=names.version(record.model, record.version))
    draft.keep("id", f"{_SOURCE}{record.model}/{record.version}")


def version_stage(record: VersionRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Keep stage and status as properties; the stage `None` is left out."""
    draft.keep("stage", record.stage if record.stage != "None" else "")
    draft.keep("status", record.status)


def version_aliases(record: VersionRecord, draft: AssetDraft, _names: RegistryNames) -> None:
    """Keep the aliases as text; the aliases themselves are set by calls of their own."""
    draft.keep("aliases", ", ".join(record.aliases))


def version_source(record: VersionRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the location, and `basedOn` to the logged model, else the version, that this version was made of."""
    made_of = names.logged_model(record.logged.key) if record.logged else names.copied_version(record.source)
    draft.set(artifactUri=record.source or None, basedOn=[made_of] if made_of else None)


def version_run(record: VersionRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the training run; set code, parameters and latest metrics to those of the run, if the registry returns it."""
    draft.set(trainingRun=names.run(record.run_id) if record.run_id else None)
    if record.run is not None:
        draft.set(codeRef=record.run.tags.get(COMMIT) or None, params=pairs(record.run.params))
        draft.metrics(record.run.metrics)


def version_evaluations(record: VersionRecord, draft: AssetDraft, names: RegistryNames) -> None:
    """Add an edge to each evaluation of the logged model, because the files are the same."""
    version = names.version(record.model, record.version)
    if record.logged is not None:
        draft.parts += [
            {"link": _evaluated_by(version, names.evaluation(record.logged.key.id, dataset))}
            for dataset in evaluated_data(record.logged.metrics)
        ]


def _evaluated_by(version: str, evaluation: str) -> JsonObject:
    return {"relation": "EVALUATED_BY", "from": version, "to": evaluation}


def _evaluation(
    record: LoggedModelRecord, dataset: tuple[str, str], points: list[MetricPoint], names: RegistryNames
) -> Record:
    measured = (each.run for each in points if each.run and (each.run, *dataset) in record.evaluated_in)
    run = next(measured, None)
    draft = AssetDraft()
    draft.keep("id", f"{record.key.id}/{dataset[0]}@{dataset[1]}")
    draft.keep("runs", ", ".join(sorted({each.run for each in points if each.run})))
    draft.set(
        id=names.evaluation(record.key.id, dataset),
        displayName=f"{record.key.name} on {dataset[0]}",
        evaluationKind="OFFLINE",
        modelVersion=names.logged_model(record.key),
        evaluatedOn=[names.dataset_version(*dataset)],
        run=names.evaluation_run(run) if run else None,
        metrics=[{"name": each.name, "value": each.value} for each in points if isfinite(each.value)],
        evaluatedAt=instant(max((each.timestamp for each in points if instant(each.timestamp)), default=None)),
    )
    for each in points:
        if not isfinite(each.value):
            draft.keep(f"metric.{each.name}", metric_text(each.value))
    draft.set(properties=draft.pairs)
    return draft.values
