"""Contamination of an evaluation: whether the version was trained on its data, and where (docs/contamination.md)."""

import strawberry

from graphql_schema.catalog.enums import ContaminationVerdict
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, depends_on, stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.lineage.completeness import LineageCompleteness, completeness_source
from graphql_schema.ports.contamination_report import ContaminationSource
from graphql_schema.ports.record import JsonObject
from graphql_schema.rules.contamination_verdict import LEVELS, MAX_DATA


@strawberry.type(name="ContaminationSource", description="Data of an evaluation that overlaps with the training.")
class SourceOfContamination:
    """Data of an evaluation that overlaps with the training."""

    verdict: ContaminationVerdict = stored_field(
        "DIRECT if the training lineage contains `evaluated` itself, else DERIVED."
    )
    training: AssetRef = stored_field(
        "First dataset, dataset version, feature or feature set on `path`, from which the version was trained."
    )
    evaluated: AssetRef = stored_field("Dataset or dataset version of the evaluation.")
    via: AssetRef = stored_field(
        "Asset where the two lineages meet: `evaluated` itself if DIRECT, else what it shares with `training`, such as "
        "the dataset of two snapshots or a common source."
    )
    path: list[AssetRef] = stored_field(
        "A shortest path: from the model version upstream to `via`, and from there downstream to `evaluated`."
    )


@strawberry.type(description="Whether a model version was trained on data of its evaluation, as far as is visible.")
class Contamination:
    """Whether a model version was trained on data of its evaluation."""

    verdict: ContaminationVerdict = stored_field("The worst verdict among `sources`; CLEAN or UNKNOWN without any.")
    sources: list[SourceOfContamination] = stored_field(
        "Data of the evaluation that overlaps with the training, each with the nearest overlap; by id of `evaluated`. "
        f"At most {MAX_DATA} declared datasets are examined, and {MAX_DATA} that the run read."
    )
    completeness: LineageCompleteness = stored_field(
        f"How much of the two lineages was examined; they end {LEVELS} levels upstream."
    )


def _source(found: ContaminationSource) -> JsonObject:
    """Return the source of a :class:`SourceOfContamination`."""
    return {
        "verdict": found.verdict.name,
        "training": found.training,
        "evaluated": found.evaluated,
        "via": found.via,
        "path": found.path,
    }


async def _contamination(root: Parent, info: Info) -> Resolved:
    """Return the contamination of an evaluation, whose sources are made once for all aliases."""
    return await info.context.once(("contamination", root.vid), lambda: _made(root, info))


async def _made(root: Parent, info: Info) -> JsonObject:
    found = await info.context.reader.contamination(root)
    return {
        "verdict": found.verdict.name,
        "sources": [_source(each) for each in found.sources],
        "completeness": completeness_source(found.completeness),
    }


evaluation_contamination: SchemaField = strawberry.field(
    description="Whether data of the evaluation is also in the training lineage of its model version, and along which "
    "path.",
    resolver=_contamination,
    metadata=depends_on("modelVersion", "evaluatedOn", "run", "upstream", "lineage"),
)
