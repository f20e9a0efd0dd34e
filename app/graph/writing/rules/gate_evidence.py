"""Evaluates a gate within a write, by the same rules as for readers.

All evaluations that count decide. Of other evidence, only what the caller may see does. Edges that have ended are not
read: any caller may make edges of a version, and an administrator ends them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.graph.records.vertex_record import kind_of
from app.graph.writing.rules.contamination_search import contaminated
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.relations import DECIDED_FOR, EVALUATED_BY, RAISED_ON, Hop
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.ports.outcomes import GateResult
from graphql_schema.ports.record import Record
from graphql_schema.rules.gate_evaluation import Evidence, evaluate_gate, evaluations_to_examine

_APPROVALS = DECIDED_FOR.into("Approval")
_EVALUATIONS = EVALUATED_BY.out("Evaluation")
_INCIDENTS = RAISED_ON.into("Incident")

_HIDDEN: Final = "An evaluation that counts for the gate is hidden from you and closes it."


def gate_of(unit: ItemUnit, model: Record, version: Record, alias: str) -> GateResult:
    """Return the conditions of the gates of an alias that the version does not meet, as far as the caller may see them.

    Evaluations that are hidden from the caller, or hide their verdict, close the gate with one sentence about all.
    """
    evidence = Evidence(
        model=unit.visibility.masked(model),
        version=unit.visibility.masked(version),
        approvals=decisions(unit, version),
        evaluations=[unit.visibility.masked(each) for each in _far_records(unit, _EVALUATIONS, version)],
        incidents=[*_far_records(unit, _INCIDENTS, version), *_far_records(unit, _INCIDENTS, model)],
    )
    shown = _evaluated(unit, alias, evidence)
    hidden = _evaluated(unit, alias, replace(evidence, evaluations=_masked_evaluations(unit, version)), unmasked=True)
    closed = hidden.failing_evaluations or hidden.contaminated_evaluations
    return replace(shown, hidden_evaluations=(_HIDDEN,) if closed else ())


def decisions(unit: ItemUnit, subject: Record) -> list[Record]:
    """Return the approval records of an asset that are visible to the caller, under all names."""
    return _far_records(unit, _APPROVALS, subject)


def stored_decisions(unit: ItemUnit, subject: Record) -> list[Record]:
    """Return the approval records of an asset under all names, also those that are hidden from the caller."""
    return [far for _, far in unit.visibility.active_edges(_APPROVALS, unit.lookup.vid(subject["id"]))]


def _evaluated(unit: ItemUnit, alias: str, evidence: Evidence, *, unmasked: bool = False) -> GateResult:
    examined = run_at_once(evaluations_to_examine(unit.author.gates, alias, evidence))
    found = contaminated(unit, examined, unmasked=unmasked)
    return run_at_once(evaluate_gate(unit.author.gates, alias, replace(evidence, contaminated=found), unit.now))


def _masked_evaluations(unit: ItemUnit, version: Record) -> Sequence[Record]:
    """Return the evaluations of a version that are hidden from the caller, or whose verdict is."""
    vid = unit.lookup.vid(version["id"])
    stored = [far for _, far in unit.visibility.current_edges(_EVALUATIONS, vid) if kind_of(far) == "Evaluation"]
    return [each for each in stored if "verdict" in unit.visibility.hidden_fields(each)]


def _far_records(unit: ItemUnit, hop: Hop, near: Record) -> list[Record]:
    return [far for _, far in unit.visibility.current_neighbours(hop, unit.lookup.vid(near["id"]))]
