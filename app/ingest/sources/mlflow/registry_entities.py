"""Turns the entities of MLflow's client into records; entities are read by the names of their attributes alone."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.ingest.sources.mlflow.registry_records import (
    DatasetUse,
    ExperimentRecord,
    LoggedModelKey,
    LoggedModelRecord,
    MetricPoint,
    RegisteredModelRecord,
    RunRecord,
    VersionRecord,
)

Entity = Any
"""An object of the client, which is an optional package."""

Models = Mapping[str, LoggedModelKey]
"""Logged models by their id."""

CONTEXT: Final = "mlflow.data.context"
"""The tag of an input that names the use of the data."""

_DELETED: Final = "deleted"


def experiment_of(entity: Entity) -> ExperimentRecord:
    """Return the record of an experiment."""
    return ExperimentRecord(
        id=str(entity.experiment_id),
        name=entity.name,
        created_at=entity.creation_time,
        deleted=entity.lifecycle_stage == _DELETED,
        tags=dict(entity.tags or {}),
    )


def run_of(entity: Entity, models: Models) -> RunRecord:
    """Return the record of a run; ``models`` has the logged models that runs name, as far as they exist."""
    info, data = entity.info, entity.data
    read, made = models_read(entity), models_made(entity)
    return RunRecord(
        id=info.run_id,
        experiment=str(info.experiment_id),
        name=info.run_name or "",
        status=info.status,
        started_at=info.start_time,
        ended_at=info.end_time,
        deleted=info.lifecycle_stage == _DELETED,
        tags=dict(data.tags or {}),
        params=dict(data.params or {}),
        metrics=_latest(data._metric_objs),  # noqa: SLF001 - the public field has no steps
        datasets=_datasets(entity.inputs.dataset_inputs if entity.inputs else ()),
        models_read=tuple(models[each] for each in read if each in models),
        models_made=tuple(models[each] for each in made if each in models),
        unresolved=tuple(each for each in (*read, *made) if each not in models),
    )


def models_read(entity: Entity) -> list[str]:
    """Return the ids of the logged models that a run names as inputs, each once."""
    return _model_ids(entity.inputs.model_inputs if entity.inputs else ())


def models_made(entity: Entity) -> list[str]:
    """Return the ids of the logged models that a run names as outputs, each once."""
    return _model_ids(entity.outputs.model_outputs if entity.outputs else ())


def logged_model_of(entity: Entity, runs: Mapping[str, RunRecord]) -> LoggedModelRecord:
    """Return the record of a logged model, with the last value, by step, of each metric on each data set, or on none.

    ``runs`` has the runs that measured the metrics, as far as they exist.
    """
    metrics = _latest(entity.metrics or ())
    measured = {each.run: runs[each.run] for each in metrics if each.run is not None and each.run in runs}
    return LoggedModelRecord(
        key=logged_key_of(entity),
        status=str(entity.status),
        created_at=entity.creation_timestamp,
        artifact_uri=entity.artifact_location or "",
        model_type=entity.model_type or "",
        run=entity.source_run_id or None,
        tags=dict(entity.tags or {}),
        params=dict(entity.params or {}),
        metrics=metrics,
        evaluated_in=frozenset(
            (run.id, use.name, use.digest) for run in measured.values() for use in run.datasets if use.is_evaluation
        ),
    )


def measuring_runs(entity: Entity) -> set[str]:
    """Return the ids of the runs that measured metrics of a logged model on data."""
    return {each.run_id for each in entity.metrics or () if each.run_id and each.dataset_name}


def logged_key_of(entity: Entity) -> LoggedModelKey:
    """Return what identifies a logged model."""
    return LoggedModelKey(str(entity.experiment_id), entity.name, entity.model_id)


def registered_model_of(entity: Entity) -> RegisteredModelRecord:
    """Return the record of a registered model."""
    return RegisteredModelRecord(
        name=entity.name,
        description=entity.description,
        created_at=entity.creation_timestamp,
        tags=dict(entity.tags or {}),
        aliases={alias: str(version) for alias, version in sorted((entity.aliases or {}).items())},
    )


def version_of(
    entity: Entity, aliases: Iterable[str], run: RunRecord | None, logged: LoggedModelRecord | None
) -> VersionRecord:
    """Return the record of a version; ``aliases`` are its aliases, which a search does not return."""
    return VersionRecord(
        model=entity.name,
        version=str(entity.version),
        description=entity.description,
        created_at=entity.creation_timestamp,
        stage=entity.current_stage or "None",
        status=entity.status or "",
        source=entity.source or "",
        run_id=entity.run_id or None,
        tags=dict(entity.tags or {}),
        aliases=tuple(aliases),
        run=run,
        logged=logged,
    )


def metric_of(entity: Entity) -> MetricPoint:
    """Return the record of a measured value."""
    name, digest = getattr(entity, "dataset_name", None), getattr(entity, "dataset_digest", None)
    return MetricPoint(
        name=entity.key,
        value=float(entity.value),
        step=int(entity.step or 0),
        timestamp=int(entity.timestamp or 0),
        dataset=(name, digest) if name and digest else None,
        run=getattr(entity, "run_id", None),
    )


def _latest(entities: Iterable[Entity]) -> tuple[MetricPoint, ...]:
    """Return the last point of each metric on each data set, or on none, by step and then time; ordered by name."""
    found: dict[tuple[str, tuple[str, str]], MetricPoint] = {}
    for point in map(metric_of, entities):
        key = (point.name, point.dataset or ("", ""))
        if key not in found or (found[key].step, found[key].timestamp) <= (point.step, point.timestamp):
            found[key] = point
    return tuple(found[key] for key in sorted(found))


def _datasets(entities: Iterable[Entity]) -> tuple[DatasetUse, ...]:
    """Return the uses of data with a name and a digest, in the order of the names: the client returns them in any."""
    named = (each for each in map(_dataset_of, entities) if each.name and each.digest)
    return tuple(sorted(named, key=lambda use: (use.name, use.digest, use.context)))


def _dataset_of(entity: Entity) -> DatasetUse:
    data, tags = entity.dataset, {tag.key: tag.value for tag in entity.tags or ()}
    return DatasetUse(
        name=data.name,
        digest=data.digest,
        context=tags.get(CONTEXT, ""),
        source_type=data.source_type or "",
        source=data.source or "",
        schema=data.schema or "",
        profile=data.profile or "",
    )


def _model_ids(entities: Iterable[Entity]) -> list[str]:
    return sorted({each.model_id for each in entities})
