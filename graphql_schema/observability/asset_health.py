"""Health of an asset: its status, and the causes on the asset and upstream (docs/health.md)."""

import strawberry

from graphql_schema.catalog.enums import ContaminationVerdict, HealthStatus
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import INPUTS, Parent, Resolved, SchemaField, stored_field
from graphql_schema.fields.refs import AssetRef, CheckRef, CheckResultRef, EvaluationRef, IncidentRef
from graphql_schema.lineage.completeness import LineageCompleteness, completeness_source
from graphql_schema.rules.health_status import LEVELS, MAX_CAUSES, health_fields


@strawberry.type(
    description="Cause of impaired health: a check, an open incident, or an evaluation. A check is a cause if its "
    "latest result is FAIL, ERROR or WARN, or for a FRESHNESS check older than the `freshnessSla` of the asset. An "
    "evaluation is a cause for its version if its verdict is FAIL or WARN, and for its version and itself if it is "
    "contaminated. Of the evaluations of a version with the same owner, kind and data, only the newest that is not "
    "retired can be a cause for the version."
)
class HealthCause:
    """A check, incident or evaluation that impairs the health of an asset."""

    asset: AssetRef | None = stored_field(
        "Asset with the problem: the asset itself, its parent, one of its children, or an asset upstream."
    )
    depth: int = stored_field(
        "Number of edges upstream; 0 for the asset itself, its parent and its children in the asset group."
    )
    counts: bool = stored_field(
        "Whether the cause counts for the status. An evaluation counts for a version only if its owner is that of the "
        "version, and a check result or incident that was recorded before its `asset` had an owner only if the author "
        "reported for this owner. A cause upstream counts only if its `asset` has an owner, or if the asset whose "
        "health this is has none."
    )
    check: CheckRef | None = stored_field("Check that found the problem; null for another kind of cause.")
    result: CheckResultRef | None = stored_field(
        "Latest result of the check, null for another kind of cause; if it is PASS, the check is overdue by the "
        "`freshnessSla` of the asset."
    )
    incident: IncidentRef | None = stored_field("Open incident; null for another kind of cause.")
    evaluation: EvaluationRef | None = stored_field(
        "Evaluation with the verdict FAIL or WARN, or a contaminated one, of the model version `asset` or `asset` "
        "itself; null for another kind of cause."
    )
    contamination: ContaminationVerdict | None = stored_field(
        "DIRECT or DERIVED if the cause is the contamination of `evaluation`, of which DERIVED never counts for the "
        "status; null for another kind of cause. Listed only in the health of the evaluation and of its version."
    )


@strawberry.type(description="Health of an asset, as far as the viewer may see: a status and its causes.")
class Health:
    """Health of an asset, as far as the viewer may see."""

    status: HealthStatus = stored_field(
        "Status by the causes that count. Without any it is HEALTHY if the asset, its parent or a child that is not "
        "retired has a check result or an evaluation that counts, else UNKNOWN."
    )
    causes: list[HealthCause] = stored_field(
        f"Causes on the asset and upstream, at most {MAX_CAUSES}; the nearest first, then by ids of asset and cause."
    )
    completeness: LineageCompleteness = stored_field("How much of the upstream lineage was examined.")


async def _health(root: Parent, info: Info) -> Resolved:
    found = await info.context.reader.health(root)
    return {
        "status": found.status,
        "causes": found.causes,
        "completeness": completeness_source(found.completeness),
    }


asset_health: SchemaField = strawberry.field(
    description=f"Health of the asset: problems found on it and up to {LEVELS} levels upstream.",
    resolver=_health,
    metadata={INPUTS: health_fields},
)
