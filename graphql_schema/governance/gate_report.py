"""The report of a gate: may a version be promoted, and if not, what is missing, as far as the viewer may see."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.relations import DECIDED_FOR, EVALUATED_BY, RAISED_ON, VERSION_OF
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, depends_on, stored_field
from graphql_schema.fields.refs import EvaluationRef, IncidentRef
from graphql_schema.ports.outcomes import GateResult
from graphql_schema.ports.relation_query import ALL, ONE, RelationQuery, newest_first, related
from graphql_schema.ports.row import Row
from graphql_schema.rules.gate_evaluation import Evidence, Record, evaluate_gate, visible_fields

MODEL = related(VERSION_OF.out())
APPROVALS = newest_first(DECIDED_FOR.into("Approval"))
EVALUATIONS = related(EVALUATED_BY.out())
_INCIDENTS = related(RAISED_ON.into("Incident"))
_OF_MODEL = related([VERSION_OF.out(), RAISED_ON.into("Incident")], inputs=("ModelVersion.model",))

AliasArg = Annotated[str, strawberry.argument(description="The alias that the version is to stand for.")]


async def _evaluations(root: Parent, info: Info) -> Any:
    return await _rows(info, root.failing_evaluations)


async def _incidents(root: Parent, info: Info) -> Any:
    return await _rows(info, root.blocking_incidents)


async def _rows(info: Info, urns: Sequence[str]) -> list[Row]:
    return [row for row in await info.context.reader.nodes(urns) if row is not None] if urns else []


@strawberry.type(description="Whether a version may stand for a protected alias, and if not, what is missing.")
class GateReport:
    """Whether a version passes its gate; the source is a :class:`~graphql_schema.ports.outcomes.GateResult`."""

    open: bool = stored_field("Whether nothing is missing. Only protected aliases wait for it.")
    missing_approvals: list[str] = stored_field(
        "Gates whose newest decision about the version is no approval that holds."
    )
    failing_evaluations: list[EvaluationRef] = strawberry.field(
        description="Evaluations of the version whose verdict is FAIL.", resolver=_evaluations
    )
    blocking_incidents: list[IncidentRef] = strawberry.field(
        description="Open incidents on the version or its model that are too grave.", resolver=_incidents
    )
    sensitivity_violations: list[str] = stored_field(
        "Why the data that the version is made of are too sensitive, in words."
    )


async def _gate(root: Parent, info: Info, alias: AliasArg) -> GateResult:
    reader = info.context.reader

    async def rows(way: RelationQuery) -> list[Record]:
        return [_shown(item.row) for item in (await reader.related(root, way, ALL)).items]

    found = await asyncio.gather(
        reader.related(root, MODEL, ONE), rows(APPROVALS), rows(EVALUATIONS), rows(_INCIDENTS), rows(_OF_MODEL)
    )
    models, approvals, evaluations, incidents, of_model = found
    model = _shown(models.items[0].row) if models.items else {}
    evidence = Evidence(model, _shown(root), approvals, evaluations, [*incidents, *of_model])
    return evaluate_gate(info.context.gates, alias, evidence, info.context.clock())


def _shown(row: Row) -> Record:
    return visible_fields(row.record, row.access.hidden)


def gate_field() -> Any:
    """The field of a model version that says whether it may be promoted."""
    return strawberry.field(
        description="May it stand for a protected alias, and if not, what is missing. What is hidden from you does not "
        "count.",
        resolver=_gate,
        metadata=depends_on("approvals", "evaluations", "model", "sensitivity", "Model.riskTier", "Model.domain"),
    )
