"""What a gate says within a write: the evidence that the caller may know of, judged as it is for readers."""

from app.graph.records.vertex_record import Record
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.relations import DECIDED_FOR, EVALUATED_BY, RAISED_ON, Hop
from graphql_schema.ports.outcomes import GateResult
from graphql_schema.rules.gate_evaluation import Evidence, evaluate_gate

_APPROVALS = DECIDED_FOR.into("Approval")
_EVALUATIONS = EVALUATED_BY.out("Evaluation")
_INCIDENTS = RAISED_ON.into("Incident")


def gate_of(unit: ItemUnit, model: Record, version: Record, alias: str) -> GateResult:
    """Whether the version may stand for an alias of the model, as far as the caller may see."""
    evidence = Evidence(
        model=unit.shown(model),
        version=unit.shown(version),
        approvals=decisions(unit, version),
        evaluations=[unit.shown(each) for each in _far(unit, _EVALUATIONS, version)],
        incidents=[*_far(unit, _INCIDENTS, version), *_far(unit, _INCIDENTS, model)],
    )
    return evaluate_gate(unit.author.gates, alias, evidence, unit.now)


def decisions(unit: ItemUnit, subject: Record) -> list[Record]:
    """Every decision about an asset."""
    return _far(unit, _APPROVALS, subject)


def _far(unit: ItemUnit, hop: Hop, near: Record) -> list[Record]:
    return [far for _, far in unit.around(hop, unit.vid(near["id"]))]
