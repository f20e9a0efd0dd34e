"""The table of fields: how each field of a registry becomes a value, an edge or a property.

docs/mlflow-fields.md is made of this table. The mapping applies the rules of a record in their order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from app.ingest.sources.mlflow import data_fields, model_fields, run_fields
from app.ingest.sources.mlflow.asset_draft import AssetDraft
from app.ingest.sources.mlflow.registry_names import RegistryNames
from app.ingest.sources.mlflow.registry_records import (
    DatasetUse,
    ExperimentRecord,
    LoggedModelRecord,
    RegisteredModelRecord,
    RunRecord,
    VersionRecord,
)

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class FieldRule(Generic[R]):
    """How fields are mapped: their ``names`` in MLflow, the text of the page, and the function that does it.

    ``mapper`` is None for fields that are left out, and for those that :mod:`app.ingest.sources.mlflow.mapping` or
    :mod:`app.ingest.sources.mlflow.registry_import` maps.
    """

    names: str
    becomes: str
    mapper: Callable[[R, AssetDraft, RegistryNames], None] | None = None


EXPERIMENT: Final[tuple[FieldRule[ExperimentRecord], ...]] = (
    FieldRule(
        "experiment_id",
        "The id `mlg://workflow/mlflow/NAMESPACE/ID`; the property `mlflow.id`.",
        run_fields.experiment_id,
    ),
    FieldRule("name", "`displayName`; `workflowKind` is `mlflow-experiment`.", run_fields.experiment_name),
    FieldRule("creation_time", "`sourceCreatedAt`.", run_fields.experiment_times),
    FieldRule(
        "lifecycle_stage",
        "The property `mlflow.lifecycleStage`; with `--retire`, deleted is RETIRED.",
        run_fields.lifecycle,
    ),
    FieldRule("tags[mlflow.note.content]", "`description`.", run_fields.run_description),
    FieldRule("tags", "Properties `mlflow.tag.KEY`; `mlflow.*` under their own key.", run_fields.tags),
    FieldRule("artifact_location", "Left out: the versions have the locations of their files."),
)
"""The fields of experiments, which become workflows."""

RUN: Final[tuple[FieldRule[RunRecord], ...]] = (
    FieldRule(
        "info.run_id, info.run_name",
        "The id `mlg://run/mlflow/NAMESPACE/RUN_ID` and the property `mlflow.id`; `displayName`.",
        run_fields.run_id,
    ),
    FieldRule("info.experiment_id", "`workflow`.", run_fields.run_experiment),
    FieldRule(
        "info.status",
        "`state`: SCHEDULED is START, FINISHED is COMPLETE, FAILED is FAIL, KILLED is ABORT.",
        run_fields.status,
    ),
    FieldRule("info.start_time, info.end_time", "`startedAt`, `sourceCreatedAt`; `endedAt`.", run_fields.run_times),
    FieldRule(
        "info.lifecycle_stage",
        "The property `mlflow.lifecycleStage`; with `--retire`, deleted is RETIRED.",
        run_fields.lifecycle,
    ),
    FieldRule("data.tags[mlflow.parentRunId]", "`parentRun`.", run_fields.parent),
    FieldRule("data.tags[mlflow.source.git.commit]", "`codeVersion`.", run_fields.commit),
    FieldRule("data.tags[mlflow.note.content]", "`description`.", run_fields.run_description),
    FieldRule(
        "data.tags",
        "Properties `mlflow.tag.KEY`; `mlflow.*` under their own key, such as `mlflow.user` and `mlflow.source.name`. "
        "The history of logged models and the colour are left out.",
        run_fields.tags,
    ),
    FieldRule("data.params", "`params`, which are secret.", run_fields.run_params),
    FieldRule(
        "data.metrics",
        "`metrics`: the latest value. A value that is no finite number is the property `mlflow.metric.NAME`.",
        run_fields.run_metrics,
    ),
    FieldRule(
        "the history of a metric",
        "If its last step is above 0: `metrics` with the slices `min` and `max` over all points, because MLflow does "
        "not record which of them is the best; their numbers are the property `mlflow.points`, a JSON object by name.",
    ),
    FieldRule(
        "inputs.dataset_inputs",
        "An edge INPUT_TO from the version of the data, valid since the run began, with the property `mlflow.context`, "
        "such as `training`. Data whose context begins with `test` or `eval` is read by a child run "
        "`mlg://run/mlflow/NAMESPACE/RUN_ID%2Fevaluation`: models are not made of it, and it contaminates none.",
        run_fields.run_datasets,
    ),
    FieldRule("inputs.model_inputs", "An edge INPUT_TO from the logged model.", run_fields.run_models_read),
    FieldRule(
        "outputs.model_outputs",
        "`outputs`: the logged models. Ids of inputs and outputs that MLflow no longer returns are the property "
        "`mlflow.absentModels`.",
        run_fields.run_models_made,
    ),
    FieldRule("info.artifact_uri", "Left out: logged models and versions have the locations of their files."),
)
"""The fields of runs."""

DATASET: Final[tuple[FieldRule[DatasetUse], ...]] = (
    FieldRule(
        "name",
        "A dataset `mlg://dataset/mlflow/NAMESPACE/NAME`, which is one for all experiments; the property `mlflow.id` "
        "of its version.",
        data_fields.dataset_name,
    ),
    FieldRule("digest", "The version of the dataset; `contentDigest`.", data_fields.dataset_digest),
    FieldRule(
        "source",
        "`location`, without credentials. In an object store, `derivedFrom` the dataset at that place, such as "
        "`mlg://dataset/s3/BUCKET/KEY`, which is the id of OpenLineage too.",
        data_fields.dataset_source,
    ),
    FieldRule("source_type", "The property `mlflow.sourceType`.", data_fields.dataset_source_type),
    FieldRule(
        "schema",
        "`columns` of the dataset; the schema of tensors is the property `mlflow.schema`.",
        data_fields.dataset_schema,
    ),
    FieldRule("profile", "`rowCount` is `num_rows`; the rest is left out.", data_fields.dataset_profile),
)
"""The fields of the data sets of runs, which become datasets and their versions."""

LOGGED_MODEL: Final[tuple[FieldRule[LoggedModelRecord], ...]] = (
    FieldRule(
        "model_id",
        "A model version in the namespace `NAMESPACE/logged-models`; the property `mlflow.id`.",
        model_fields.logged_id,
    ),
    FieldRule(
        "name, experiment_id",
        "The model of that version: one for each name in an experiment.",
        model_fields.logged_name,
    ),
    FieldRule(
        "status, model_type", "The properties `mlflow.status` and `mlflow.modelType`.", model_fields.logged_status
    ),
    FieldRule("creation_timestamp", "`sourceCreatedAt`.", model_fields.logged_created),
    FieldRule("artifact_location", "`artifactUri`, which is restricted.", model_fields.logged_location),
    FieldRule("source_run_id", "`trainingRun`.", model_fields.logged_run),
    FieldRule("tags", "Properties `mlflow.tag.KEY`; `mlflow.*` under their own key.", model_fields.logged_tags),
    FieldRule("params", "`params`, which are restricted.", model_fields.logged_params),
    FieldRule(
        "metrics",
        "`metrics`: the latest value. Metrics on a data set are an Evaluation of the model on the version of the data, "
        "produced by the child run if that read the data; the runs of the metrics are the property `mlflow.runs`.",
        model_fields.logged_metrics,
    ),
)
"""The fields of logged models, which become model versions."""

MODEL: Final[tuple[FieldRule[RegisteredModelRecord], ...]] = (
    FieldRule(
        "name",
        "The model `mlg://model/mlflow/NAMESPACE/NAME`; `displayName`; the property `mlflow.id`.",
        model_fields.model_name,
    ),
    FieldRule("description", "`description`; a server returns an absent one as empty.", model_fields.description),
    FieldRule("creation_timestamp", "`sourceCreatedAt`.", model_fields.created),
    FieldRule("tags", "Properties `mlflow.tag.KEY`; `mlflow.*` under their own key.", model_fields.model_tags),
    FieldRule(
        "aliases",
        "`aliases`, each by `setAlias`, which needs the right to promote; with `--retire` also `removeAlias`.",
    ),
    FieldRule(
        "tags[KEY] with `--owner-tag KEY`", "`owners`; of an experiment, those of its runs and logged models too."
    ),
)
"""The fields of registered models."""

VERSION: Final[tuple[FieldRule[VersionRecord], ...]] = (
    FieldRule(
        "name, version",
        "The version `mlg://model-version/mlflow/NAMESPACE/NAME@VERSION`; the property `mlflow.id`, such as "
        "`models:/churn/3`.",
        model_fields.version_number,
    ),
    FieldRule("description", "`description`; a server returns an absent one as empty.", model_fields.description),
    FieldRule("creation_timestamp", "`sourceCreatedAt`.", model_fields.created),
    FieldRule(
        "current_stage, status",
        "The properties `mlflow.stage` and `mlflow.status`; with `--retire`, Archived is RETIRED.",
        model_fields.version_stage,
    ),
    FieldRule("aliases", "The property `mlflow.aliases`.", model_fields.version_aliases),
    FieldRule("tags", "Properties `mlflow.tag.KEY`; `mlflow.*` under their own key.", model_fields.model_tags),
    FieldRule(
        "source",
        "`artifactUri`, which is restricted; `basedOn` the logged model, or the version that was copied.",
        model_fields.version_source,
    ),
    FieldRule(
        "run_id", "`trainingRun`; `codeRef`, `params` and latest `metrics` of the run.", model_fields.version_run
    ),
    FieldRule(
        "the metrics of the logged model", "Edges EVALUATED_BY to its evaluations.", model_fields.version_evaluations
    ),
)
"""The fields of versions of registered models."""
