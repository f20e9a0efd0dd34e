"""Evaluates a gate within a write, from the evidence that the caller may see, by the same rules as for readers."""

from dataclasses import replace

from app.graph.writing.rules.contamination_search import contaminated
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.relations import DECIDED_FOR, EVALUATED_BY, RAISED_ON, Hop
from graphql_schema.ports.outcomes import GateResult
from graphql_schema.ports.record import Record
from graphql_schema.rules.gate_evaluation import Evidence, evaluate_gate, evaluations_to_examine

_APPROVALS = DECIDED_FOR.into("Approval")
_EVALUATIONS = EVALUATED_BY.out("Evaluation")
_INCIDENTS = RAISED_ON.into("Incident")


def gate_of(unit: ItemUnit, model: Record, version: Record, alias: str) -> GateResult:
    """Return the conditions of the gates of an alias that the version does not meet, by what the caller may see."""
    evidence = Evidence(
        model=unit.visibility.masked(model),
        version=unit.visibility.masked(version),
        approvals=decisions(unit, version),
        evaluations=[unit.visibility.masked(each) for each in _far_records(unit, _EVALUATIONS, version)],
        incidents=[*_far_records(unit, _INCIDENTS, version), *_far_records(unit, _INCIDENTS, model)],
    )
    found = contaminated(unit, evaluations_to_examine(unit.author.gates, alias, evidence))
    return evaluate_gate(unit.author.gates, alias, replace(evidence, contaminated=found), unit.now)


def decisions(unit: ItemUnit, subject: Record) -> list[Record]:
    """Return the approval records of an asset that are visible to the caller, under all names."""
    return _far_records(unit, _APPROVALS, subject)


def _far_records(unit: ItemUnit, hop: Hop, near: Record) -> list[Record]:
    return [far for _, far in unit.visibility.neighbours(hop, unit.lookup.vid(near["id"]))]
