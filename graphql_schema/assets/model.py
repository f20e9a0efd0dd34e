"""Models and their versions."""

from enum import Enum
from typing import Annotated, Any

import strawberry

from graphql_schema.assets.asset import Asset, AssetVersion, Versioned
from graphql_schema.assets.kind_entry import Export, KindEntry
from graphql_schema.catalog.enums import value
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
from graphql_schema.fields.connection import After, Connection, First
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, depends_on, stored_field
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
from graphql_schema.fields.relation_fields import SERVING, ActiveOnly, relation_connection, to_many, to_one
from graphql_schema.fields.value_types import Metric, MetricInput, Property, PropertyInput
from graphql_schema.governance.aliases import ModelAlias, aliases_of, names_of, version_by_alias
from graphql_schema.governance.gate_report import APPROVALS, EVALUATIONS, MODEL, GateReport, gate_field
from graphql_schema.inputs.input_fields import AssetFields, attribute, id_part, reference
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


DEPLOYMENTS = related(DEPLOYED_AS.out())


VersionArg = Annotated[str | None, strawberry.argument(description="The version, as the source writes it.")]


AliasArg = Annotated[
    str | None,
    strawberry.argument(description="An alias that stands for it; with `version` too, both must name the same one."),
]


async def _version(root: Parent, info: Info, version: VersionArg = None, alias: AliasArg = None) -> Any:
    if not alias:
        return await info.context.reader.node(version_urn(root.urn, version)) if version else None
    found = await version_by_alias(root, info, alias)
    return found if found is not None and version in {None, "", found.record["version"]} else None


async def _aliases(root: Parent, info: Info) -> Any:
    return await aliases_of(root, info)


@strawberry.enum(description="How much harm a model can do.")
class RiskTier(Enum):
    """How much harm a model can do."""

    LOW = value("LOW", description="Little.")
    MEDIUM = value("MEDIUM", description="Some.")
    HIGH = value("HIGH", description="Much.")


@strawberry.type(description="A registered model.")
class Model(Asset, Versioned):
    """A registered model."""

    task: str | None = stored_field("What it does, such as `ranking` or `binary-classification`.")
    risk_tier: RiskTier | None = stored_field("How much harm it can do.")
    intended_use: str | None = stored_field("What it is meant for, and what not.")
    versions: Connection[ModelVersionRef] | None = to_many(VERSIONS, "Its versions, newest first.")
    latest_version: ModelVersionRef | None = to_one(VERSIONS, "Its newest version.", "versions")
    version: ModelVersionRef | None = strawberry.field(
        description="One version, by name or by an alias.",
        resolver=_version,
        metadata=depends_on("versions", "aliases"),
    )
    aliases: list[ModelAlias] | None = strawberry.field(
        description="Names that stand for one of its versions, by name.", resolver=_aliases
    )
    inputs: Connection[AssetRef] | None = to_many(
        related(FEEDS.into()), "Assets declared as inputs of the model as a whole."
    )
    services: Connection[ServiceRef] | None = to_many(SERVICES, "Services that any of its versions is deployed to.")


async def _deployments(
    root: Parent,
    info: Info,
    active_only: ActiveOnly = True,
    first: First = 20,
    after: After = None,
) -> Any:
    return await relation_connection(root, info, DEPLOYMENTS, first, after, SERVING if active_only else None)


async def _names(root: Parent, info: Info) -> Any:
    return await names_of(root, info)


@strawberry.type(description="An immutable version of a model.")
class ModelVersion(Asset, AssetVersion):
    """An immutable version of a model."""

    version: str = stored_field("The version, as the source writes it.")
    model: ModelRef | None = to_one(MODEL, "The model it is a version of.")
    framework: str | None = stored_field("The library it was made with.")
    artifact_uri: str | None = stored_field("Where its files are.")
    digest: str | None = stored_field("The digest of its files.")
    code_ref: str | None = stored_field("The code that made it.")
    params: list[Property] | None = stored_field("The parameters of its training.")
    metrics: list[Metric] | None = stored_field("What its training measured.")
    aliases: list[str] | None = strawberry.field(
        description="Aliases of its model that stand for it.",
        resolver=_names,
        metadata=depends_on("model", "Model.aliases"),
    )
    training_run: RunRef | None = to_one(related(PRODUCES.into("Run")), "The run that made it.")
    trained_on: Connection[AssetRef] | None = to_many(
        TRAINED_ON, "Data that it was trained on: what was declared, and the inputs of its training run."
    )
    features: Connection[FeatureRef] | None = to_many(related(FEEDS.into("Feature")), "Features it uses.", first=50)
    feature_sets: Connection[FeatureSetRef] | None = to_many(related(FEEDS.into("FeatureSet")), "Feature sets it uses.")
    based_on: Connection[ModelVersionRef] | None = to_many(
        related(BASE_OF.into("ModelVersion")), "Versions it started from."
    )
    derived_models: Connection[ModelVersionRef] | None = to_many(
        related(BASE_OF.out("ModelVersion")), "Versions that started from it."
    )
    evaluations: Connection[EvaluationRef] | None = to_many(EVALUATIONS, "Its evaluations.")
    deployments: Connection[DeploymentRef] | None = strawberry.field(
        description="Its deployments; only those serving unless asked otherwise.", resolver=_deployments
    )
    experiment_cells: Connection[ExperimentCellRef] | None = to_many(
        related(TESTED_IN.out()), "Experiment cells it is tested in."
    )
    approvals: Connection[ApprovalRef] | None = to_many(APPROVALS, "Decisions about it, the newest first.")
    gate: GateReport | None = gate_field()


@strawberry.input(description="Registers a model.")
class ModelInput(AssetFields):
    """Registers a model."""

    task: str | None = attribute("What it does.")
    risk_tier: RiskTier | None = attribute("How much harm it can do.")
    intended_use: str | None = attribute("What it is meant for, and what not.")
    inputs: list[strawberry.ID] | None = reference(FEEDS.into(), "Ids of inputs of the model as a whole.")


@strawberry.input(description="Registers a version of a model; the model follows from the id.")
class ModelVersionInput(AssetFields):
    """Registers a version of a model."""

    version: str | None = id_part("The version, part of the id.")
    model: strawberry.ID | None = reference(VERSION_OF.out(), "The id of its model; must agree with its own id.")
    framework: str | None = attribute("The library it was made with.")
    artifact_uri: str | None = attribute("Where its files are.")
    digest: str | None = attribute("The digest of its files.")
    code_ref: str | None = attribute("The code that made it.")
    params: list[PropertyInput] | None = attribute("The parameters of its training.")
    metrics: list[MetricInput] | None = attribute("What its training measured.")
    training_run: strawberry.ID | None = reference(PRODUCES.into("Run"), "The id of the run that made it.")
    trained_on: list[strawberry.ID] | None = reference(FEEDS.into(*_DATA), "Ids of datasets and their versions.")
    features: list[strawberry.ID] | None = reference(
        FEEDS.into("Feature", "FeatureSet"), "Ids of features and feature sets that it uses."
    )
    based_on: list[strawberry.ID] | None = reference(
        BASE_OF.into("ModelVersion"), "Ids of versions that it started from."
    )


ENTRIES = (
    KindEntry(Model, ModelInput, "Registers a model.", Export("task riskTier intendedUse")),
    KindEntry(
        ModelVersion,
        ModelVersionInput,
        "Registers a version of a model.",
        Export(
            "version framework artifactUri digest codeRef params { key value } metrics { name value slice }",
            self_links={"basedOn": BASE_OF},
        ),
    ),
)
