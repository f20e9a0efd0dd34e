"""Health: how an asset is, and why, told by what looks at it and at what it comes from (docs/health.md)."""

from typing import Any

import strawberry

from graphql_schema.catalog.enums import HealthStatus
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import INPUTS, Parent, stored_field
from graphql_schema.fields.refs import AssetRef, CheckRef, CheckResultRef, EvaluationRef, IncidentRef
from graphql_schema.lineage.completeness import LineageCompleteness, completeness_source
from graphql_schema.ports.health_report import HealthFinding
from graphql_schema.rules.health_status import LEVELS, MAX_CAUSES


@strawberry.type(description="Why an asset is not as it should be: a check, an incident or an evaluation.")
class HealthCause:
    """Why an asset is not as it should be."""

    asset: AssetRef | None = stored_field("What is not as it should be: the asset itself, or one that it comes from.")
    depth: int = stored_field("How many edges upstream that is; 0 is the asset itself, its whole and its parts.")
    check: CheckRef | None = stored_field("The check that found it; null where it is another cause.")
    result: CheckResultRef | None = stored_field(
        "The latest result of the check; when that is PASS, it is older than the asset promises to be fresh."
    )
    incident: IncidentRef | None = stored_field("The incident that stands; null where it is another cause.")
    evaluation: EvaluationRef | None = stored_field(
        "The evaluation of the model version `asset`; null where it is another cause."
    )


@strawberry.type(description="How an asset is, as far as the viewer may see, and why.")
class Health:
    """How an asset is, and why."""

    status: HealthStatus = stored_field("How it is.")
    causes: list[HealthCause] = stored_field(
        f"Own and upstream causes, the nearest first, then by asset and by what they are about; {MAX_CAUSES} at most."
    )
    completeness: LineageCompleteness = stored_field("How much of what there is was looked at.")


def _cause(cause: HealthFinding) -> dict[str, Any]:
    """The source of a :class:`HealthCause`."""
    return {
        "asset": cause.asset,
        "depth": cause.depth,
        "check": cause.check,
        "result": cause.result,
        "incident": cause.incident,
        "evaluation": cause.evaluation,
    }


async def _health(root: Parent, info: Info) -> Any:
    found = await info.context.reader.health(root)
    return {
        "status": found.status,
        "causes": [_cause(cause) for cause in found.causes],
        "completeness": completeness_source(found.completeness),
    }


def _made_from(kind: str) -> tuple[str, ...]:
    return ("checks", "incidents", "upstream", "lineage", *(("evaluations",) if kind == "ModelVersion" else ()))


asset_health: Any = strawberry.field(
    description=f"How it is, by what looks at it and at what it comes from, {LEVELS} levels upstream.",
    resolver=_health,
    metadata={INPUTS: _made_from},
)
