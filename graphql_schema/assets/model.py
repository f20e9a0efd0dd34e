"""Models, and their versions."""

from typing import Annotated

import strawberry

from graphql_schema.assets.asset import Asset, AssetVersion, Versioned
from graphql_schema.catalog.enums import RiskTier
from graphql_schema.catalog.relations import (
    BASE_OF,
    DEPLOYED_AS,
    FEEDS,
    INPUT_TO,
    PRODUCES,
    SERVED_BY,
    TESTED_IN,
    VERSION_OF,
)
from graphql_schema.catalog.urn import version_urn
from graphql_schema.fields.as_of import read_time_of_field
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, depends_on, stored_field
from graphql_schema.fields.refs import (
    ApprovalRef,
    AssetRef,
    DeploymentRef,
    EvaluationRef,
    ExperimentCellRef,
    FeatureRef,
    FeatureSetRef,
    ModelRef,
    ModelVersionRef,
    RunRef,
    ServiceRef,
)
from graphql_schema.fields.relation_fields import to_deployments, to_latest, to_many, to_one, to_versions
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Metric, MetricInput, Property, PropertyInput
from graphql_schema.governance.alias_history import version_at
from graphql_schema.governance.aliases import ModelAlias, aliases_of, names_of, version_by_alias
from graphql_schema.governance.gate_report import APPROVALS, EVALUATIONS, MODEL, GateReport, gate_field
from graphql_schema.inputs.input_fields import AssetFields, attribute, id_part, reference
from graphql_schema.inputs.kind_entry import Export, KindEntry
from graphql_schema.ports.relation_query import newest_first, related

_DATA = ("Dataset", "DatasetVersion")


VERSIONS = newest_first(VERSION_OF.into("ModelVersion"))


TRAINED_ON = related(
    FEEDS.into(*_DATA),
    [PRODUCES.into("Run"), INPUT_TO.into(*_DATA)],
    inputs=("ModelVersion.trainingRun", "Run.inputs"),
)


SERVICES = related(
    [VERSION_OF.into("ModelVersion"), DEPLOYED_AS.out(), SERVED_BY.out()],
    inputs=("Model.versions", "ModelVersion.deployments", "Deployment.service"),
)


VersionArg = Annotated[str | None, strawberry.argument(description="The name of the version, as the source writes it.")]


AliasArg = Annotated[
    str | None,
    strawberry.argument(
        description="An alias of the version. If `version` is given too, the result is null unless both name the same "
        "version."
    ),
]


AliasTime = Annotated[
    Instant | None,
    strawberry.argument(
        description="The instant at which the alias pointed at the version, by the history of the model; not later "
        "than `asOf` of the operation. Default: `asOf` of the operation, else the present. Ignored without `alias`."
    ),
]


async def _version(
    root: Parent, info: Info, version: VersionArg = None, alias: AliasArg = None, as_of: AliasTime = None
) -> Resolved:
    if not alias:
        return await info.context.reader.node(version_urn(root.urn, version)) if version else None
    instant = read_time_of_field(info.context, as_of)
    if instant is None:
        found = await version_by_alias(root, info, alias)
    else:
        found = await version_at(root, info, alias, instant)
    return found if found is not None and version in {None, "", found.record["version"]} else None


async def _aliases(root: Parent, info: Info) -> Resolved:
    return await aliases_of(root, info)


@strawberry.type(description="A machine-learning model.")
class Model(Asset, Versioned):
    """A machine-learning model."""

    task: str | None = stored_field("The task of the model, such as `ranking` or `binary-classification`.")
    risk_tier: RiskTier | None = stored_field("The harm that the model can do.")
    intended_use: str | None = stored_field("The uses that the model is meant for, and those it is not meant for.")
    versions: Connection[ModelVersionRef] | None = to_versions(
        VERSIONS,
        "The versions of the model, newest first by `sourceCreatedAt`, else by their registration. Of versions "
        "with the same time, the successor by `PRECEDES` is first, then the greater name by PEP 440, or with digits as "
        "numbers, then the smaller id. Then come versions that were only referenced, and last, by id, those that hide "
        "their time.",
    )
    latest_version: ModelVersionRef | None = to_latest(
        VERSIONS,
        "The newest visible version, the first of `versions` without stubs; null if there is none.",
        "versions",
    )
    version: ModelVersionRef | None = strawberry.field(
        description="One version of the model, by name or by alias; null if there is no such version, if it is hidden, "
        "or if neither name nor alias is given. A deleted version is found by name, and by alias for an `asOf` before "
        "its deletion. With `asOf`, an alias needs the field `history` to be visible.",
        resolver=_version,
        metadata=depends_on("versions", "aliases"),
    )
    aliases: list[ModelAlias] | None = strawberry.field(
        description="The aliases of the model that point at visible versions that are not deleted, ordered by name; "
        "with `asOf`, without those that were set or moved after that instant.",
        resolver=_aliases,
    )
    inputs: Connection[AssetRef] | None = to_many(
        related(FEEDS.into()),
        "The data, features and feature sets declared for the model itself; edges of its versions do not count.",
    )
    services: Connection[ServiceRef] | None = to_many(
        SERVICES, "The services with a deployment of a version of the model, in any status."
    )


async def _names(root: Parent, info: Info) -> Resolved:
    return await names_of(root, info)


@strawberry.type(description="A version of a model. Its `digest` cannot change once it is set.")
class ModelVersion(Asset, AssetVersion):
    """A version of a model."""

    version: str = stored_field("The name of the version, as the source writes it.")
    model: ModelRef | None = to_one(MODEL, "The model of which this is a version; null if it is hidden or deleted.")
    framework: str | None = stored_field("The framework that the model was built with.")
    artifact_uri: str | None = stored_field("The location of the model files.")
    digest: str | None = stored_field("The digest of the model files.")
    code_ref: str | None = stored_field("The code that trained the version, such as a commit.")
    params: list[Property] | None = stored_field("The parameters of the training.")
    metrics: list[Metric] | None = stored_field("The metrics that the training measured.")
    aliases: list[str] | None = strawberry.field(
        description="The names of the aliases of the model that point at this version, in alphabetical order; with "
        "`asOf`, without those that were set or moved after that instant. Null if the model is hidden or deleted, or "
        "hides its aliases.",
        resolver=_names,
        metadata=depends_on("model", "Model.aliases"),
    )
    training_run: RunRef | None = to_one(
        related(PRODUCES.into("Run")),
        "The run that produced the version, or one of them if several did; null if none is visible and not deleted.",
    )
    trained_on: Connection[AssetRef] | None = to_many(
        TRAINED_ON,
        "The datasets and dataset versions that the version was trained on: the declared ones, and those read by the "
        "runs that produced the version.",
    )
    features: Connection[FeatureRef] | None = to_many(
        related(FEEDS.into("Feature")),
        "The features that the version uses: declared, or inferred from the inputs of the training run, unless these "
        "are more than 500.",
        first=50,
    )
    feature_sets: Connection[FeatureSetRef] | None = to_many(
        related(FEEDS.into("FeatureSet")), "The feature sets that the version uses."
    )
    based_on: Connection[ModelVersionRef] | None = to_many(
        related(BASE_OF.into("ModelVersion")),
        "The model versions that this version was built from: declared, or inferred from the inputs of the training "
        "run.",
    )
    derived_models: Connection[ModelVersionRef] | None = to_many(
        related(BASE_OF.out("ModelVersion")),
        "The model versions that were built from this version: declared, or inferred from the inputs of their training "
        "runs.",
    )
    evaluations: Connection[EvaluationRef] | None = to_many(EVALUATIONS, "The evaluations of the version.")
    deployments: Connection[DeploymentRef] | None = to_deployments(
        related(DEPLOYED_AS.out()), "The deployments of the version; by default only those with the status ACTIVE."
    )
    experiment_cells: Connection[ExperimentCellRef] | None = to_many(
        related(TESTED_IN.out()),
        "The experiment cells that test the version: declared, or inferred from its deployments.",
    )
    approvals: Connection[ApprovalRef] | None = to_many(
        APPROVALS, "The decisions of approvers about the version, newest first."
    )
    gate: GateReport | None = gate_field()


@strawberry.input(description="Registers a model.")
class ModelInput(AssetFields):
    """Registers a model."""

    task: str | None = attribute("The task of the model.")
    risk_tier: RiskTier | None = attribute("The harm that the model can do.")
    intended_use: str | None = attribute("The uses that the model is meant for, and those it is not meant for.")
    inputs: list[strawberry.ID] | None = reference(
        FEEDS.into(),
        "Ids of data, features and feature sets that the model uses, whatever the version; the list replaces the "
        "one given before. Edges of `link` remain.",
    )


@strawberry.input(description="Registers a version of a model. The model follows from the id of the version.")
class ModelVersionInput(AssetFields):
    """Registers a version of a model."""

    version: str | None = id_part("The name of the version, part of the id.")
    model: strawberry.ID | None = reference(
        VERSION_OF.out(), "The id of the model; must agree with the id of the version. Default: the model in that id."
    )
    framework: str | None = attribute("The framework that the model was built with.")
    artifact_uri: str | None = attribute("The location of the model files.")
    digest: str | None = attribute("The digest of the model files; once given, it cannot change.")
    code_ref: str | None = attribute("The code that trained the version, such as a commit.")
    params: list[PropertyInput] | None = attribute("The parameters of the training.")
    metrics: list[MetricInput] | None = attribute("The metrics that the training measured.")
    training_run: strawberry.ID | None = reference(PRODUCES.into("Run"), "The id of the run that produced the version.")
    trained_on: list[strawberry.ID] | None = reference(
        FEEDS.into(*_DATA),
        "Ids of the datasets and dataset versions that the version was trained on; "
        "the list replaces the one given before. Edges of `link` remain.",
    )
    features: list[strawberry.ID] | None = reference(
        FEEDS.into("Feature", "FeatureSet"),
        "Ids of the features and feature sets that the version uses; "
        "the list replaces the one given before. Edges of `link` remain.",
    )
    based_on: list[strawberry.ID] | None = reference(
        BASE_OF.into("ModelVersion"),
        "Ids of the model versions that this version was built from; "
        "the list replaces the one given before. Edges of `link` remain.",
    )


ENTRIES = (
    KindEntry(Model, ModelInput, "Registers a model."),
    KindEntry(
        ModelVersion,
        ModelVersionInput,
        "Registers a version of a model.",
        Export(self_links={"basedOn": BASE_OF}),
    ),
)
