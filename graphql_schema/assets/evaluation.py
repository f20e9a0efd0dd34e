"""Evaluations: measurements of a model version on data."""

import sys
from enum import Enum
from typing import Final

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.catalog.enums import Verdict, value
from graphql_schema.catalog.relations import EVALUATED_BY, PRODUCES
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, depends_on, stored_field
from graphql_schema.fields.refs import AssetRef, EvaluationRef, ModelVersionRef, RunRef
from graphql_schema.fields.relation_fields import to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Metric, MetricInput
from graphql_schema.inputs.input_fields import AssetFields, attribute, reference
from graphql_schema.inputs.kind_entry import KindEntry
from graphql_schema.lineage.evaluation_contamination import Contamination, evaluation_contamination
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ONE, related

_DATA = ("Dataset", "DatasetVersion")

MAX_FLOAT: Final = sys.float_info.max
"""The largest number of a `Float`."""


BASELINE = related(EVALUATED_BY.into("Evaluation"))


@strawberry.type(description="A metric, compared with the same metric of the baseline.")
class MetricDelta:
    """A metric, compared with the same metric of the baseline."""

    name: str = stored_field("The name of the metric.")
    slice: str | None = stored_field("The slice of the data that was measured; null for all data.")
    value: float = stored_field("The value of the metric.")
    baseline: float = stored_field("The value of the baseline.")
    change: float = stored_field("The value minus the value of the baseline, cut to the range of a Float.")


def deltas(metrics: list[JsonObject], baseline: list[JsonObject]) -> list[JsonObject]:
    """Return a comparison for each metric that the baseline has too, in the order of ``metrics``.

    Name and slice identify a metric. A metric without a readable number is left out.
    """
    before = {(metric["name"], metric.get("slice")): metric["value"] for metric in baseline}
    pairs = [(metric, before.get((metric["name"], metric.get("slice")))) for metric in metrics]
    return [
        {**metric, "baseline": reference, "change": _difference(metric["value"], reference)}
        for metric, reference in pairs
        if reference is not None and metric["value"] is not None
    ]


def _difference(number: float, reference: float) -> float:
    """Return a difference, cut to the range of a float."""
    return min(max(number - reference, -MAX_FLOAT), MAX_FLOAT)


async def _against_baseline(root: Parent, info: Info) -> Resolved:
    found = await info.context.reader.related(root, BASELINE, ONE)
    await info.context.budget.pause()  # thousands of evaluations get their baselines at once, and too much ends them
    mine, theirs = root.read("metrics"), found.items[0].row.read("metrics") if found.items else None
    return None if mine is None or theirs is None else deltas(mine, theirs)


@strawberry.enum(description="Whether an evaluation ran on recorded data or on live traffic.")
class EvaluationKind(Enum):
    """Whether an evaluation ran on recorded data or on live traffic."""

    OFFLINE = value("OFFLINE", description="On recorded data.")
    SHADOW = value("SHADOW", description="On live traffic, without effect on users.")
    ONLINE = value("ONLINE", description="On live traffic, with effect on users.")


@strawberry.type(description="The measurement of a model version on data.")
class Evaluation(Asset):
    """The measurement of a model version on data."""

    evaluation_kind: EvaluationKind | None = stored_field(
        "Whether the evaluation ran on recorded data or on live traffic."
    )
    verdict: Verdict | None = stored_field("The conclusion of the evaluation.")
    metrics: list[Metric] | None = stored_field("The measured metrics.")
    evaluated_at: Instant | None = stored_field("The instant of the evaluation.")
    model_version: ModelVersionRef | None = to_one(
        related(EVALUATED_BY.into("ModelVersion")),
        "The model version that was measured; null if there is none, or it is hidden or deleted.",
    )
    evaluated_on: Connection[AssetRef] | None = to_many(
        related(EVALUATED_BY.into(*_DATA)),
        "The datasets and dataset versions of the measurement: declared, or inferred from the inputs of the run.",
    )
    baseline: EvaluationRef | None = to_one(
        BASELINE, "The evaluation to compare with; null if there is none, or it is hidden or deleted."
    )
    against_baseline: list[MetricDelta] | None = strawberry.field(
        description="Metrics that the baseline has too, compared with it; null if `baseline` is null, or if one of the "
        "two has no visible metrics.",
        resolver=_against_baseline,
        metadata=depends_on("metrics", "baseline"),
    )
    run: RunRef | None = to_one(
        related(PRODUCES.into("Run")),
        "The run that produced the evaluation, or one of them if several did; null if none is visible and not deleted.",
    )
    contamination: Contamination | None = evaluation_contamination


@strawberry.input(
    description="Registers an evaluation. `modelVersion` is required for the first registration. An evaluation without "
    "owners can get the team or user that owns the version, else a team that a gate names for evaluations. The assets "
    "of that owner must count as the caller's own."
)
class EvaluationInput(AssetFields):
    """Registers an evaluation."""

    model_version: strawberry.ID | None = reference(
        EVALUATED_BY.into("ModelVersion"), "The id of the model version that was measured.", required=True
    )
    evaluated_on: list[strawberry.ID] | None = reference(
        EVALUATED_BY.into(*_DATA),
        "Ids of the datasets and dataset versions of the measurement; "
        "the list replaces the one given before. Edges of `link` remain.",
    )
    run: strawberry.ID | None = reference(PRODUCES.into("Run"), "The id of the run that produced the evaluation.")
    baseline: strawberry.ID | None = reference(
        EVALUATED_BY.into("Evaluation"), "The id of the evaluation to compare with."
    )
    evaluation_kind: EvaluationKind | None = attribute(
        "Whether the evaluation ran on recorded data or on live traffic."
    )
    verdict: Verdict | None = attribute("The conclusion of the evaluation.")
    metrics: list[MetricInput] | None = attribute("The measured metrics; the list replaces the stored one.")
    evaluated_at: Instant | None = attribute("The instant of the evaluation.")


ENTRIES = (
    KindEntry(
        Evaluation,
        EvaluationInput,
        "Records an evaluation.",
        verb="record",
    ),
)
