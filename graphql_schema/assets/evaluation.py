"""Evaluations: a model version, measured on data."""

from enum import Enum
from typing import Any

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.assets.kind_entry import Export, KindEntry
from graphql_schema.catalog.enums import Verdict, value
from graphql_schema.catalog.relations import EVALUATED_BY, PRODUCES
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, depends_on, stored_field
from graphql_schema.fields.refs import AssetRef, EvaluationRef, ModelVersionRef, RunRef
from graphql_schema.fields.relation_fields import to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Metric, MetricInput
from graphql_schema.inputs.input_fields import AssetFields, attribute, reference
from graphql_schema.ports.relation_query import ONE, related

_DATA = ("Dataset", "DatasetVersion")


BASELINE = related(EVALUATED_BY.into("Evaluation"))


@strawberry.type(description="A metric beside the same metric of the baseline.")
class MetricDelta:
    """A metric beside the same metric of the baseline."""

    name: str = stored_field("What was measured.")
    slice: str | None = stored_field("The part of the data it was measured on; null for all.")
    value: float = stored_field("The number.")
    baseline: float = stored_field("The number of the baseline.")
    change: float = stored_field("The number less that of the baseline.")


def deltas(metrics: list[dict[str, Any]], baseline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each metric that the baseline has too, in the metrics' order; metrics are the same by name and slice."""
    before = {(metric["name"], metric.get("slice")): metric["value"] for metric in baseline}
    pairs = [(metric, before.get((metric["name"], metric.get("slice")))) for metric in metrics]
    return [
        {**metric, "baseline": reference, "change": metric["value"] - reference}
        for metric, reference in pairs
        if reference is not None
    ]


async def _against_baseline(root: Parent, info: Info) -> Any:
    found = await info.context.reader.related(root, BASELINE, ONE)
    mine, theirs = root.read("metrics"), found.items[0].row.read("metrics") if found.items else None
    return None if mine is None or theirs is None else deltas(mine, theirs)


@strawberry.enum(description="How an evaluation was made.")
class EvaluationKind(Enum):
    """How an evaluation was made."""

    OFFLINE = value("OFFLINE", description="On recorded data.")
    SHADOW = value("SHADOW", description="On live traffic, without effect.")
    ONLINE = value("ONLINE", description="On live traffic.")


@strawberry.type(description="A model version measured on data.")
class Evaluation(Asset):
    """A model version measured on data."""

    evaluation_kind: EvaluationKind | None = stored_field("How it was made.")
    verdict: Verdict | None = stored_field("What it concluded.")
    metrics: list[Metric] | None = stored_field("What it measured.")
    evaluated_at: Instant | None = stored_field("When it was made.")
    model_version: ModelVersionRef | None = to_one(
        related(EVALUATED_BY.into("ModelVersion")), "The model version that was measured."
    )
    evaluated_on: Connection[AssetRef] | None = to_many(
        related(EVALUATED_BY.into(*_DATA)), "Datasets and versions that it was measured on."
    )
    baseline: EvaluationRef | None = to_one(BASELINE, "The evaluation that it is compared with.")
    against_baseline: list[MetricDelta] | None = strawberry.field(
        description="Each metric against the baseline's: how a regression is seen. Null where either side has none.",
        resolver=_against_baseline,
        metadata=depends_on("metrics", "baseline"),
    )
    run: RunRef | None = to_one(related(PRODUCES.into("Run")), "The run that made it.")


@strawberry.input(description="Registers an evaluation; the first time its model version is needed.")
class EvaluationInput(AssetFields):
    """Registers an evaluation."""

    model_version: strawberry.ID | None = reference(
        EVALUATED_BY.into("ModelVersion"), "The id of the model version that was measured.", required=True
    )
    evaluated_on: list[strawberry.ID] | None = reference(
        EVALUATED_BY.into(*_DATA), "Ids of the datasets and versions that it was measured on."
    )
    run: strawberry.ID | None = reference(PRODUCES.into("Run"), "The id of the run that made it.")
    baseline: strawberry.ID | None = reference(
        EVALUATED_BY.into("Evaluation"), "The id of the evaluation that it is compared with."
    )
    evaluation_kind: EvaluationKind | None = attribute("How it was made.")
    verdict: Verdict | None = attribute("What it concluded.")
    metrics: list[MetricInput] | None = attribute("What it measured; the list replaces the stored one.")
    evaluated_at: Instant | None = attribute("When it was made.")


ENTRIES = (
    KindEntry(
        Evaluation,
        EvaluationInput,
        "Records an evaluation.",
        Export("evaluationKind verdict evaluatedAt metrics { name value slice } modelVersion { id }"),
        verb="record",
    ),
)
