"""What a gate says within a write: the evidence that the caller may know of, judged as it is for readers."""

from app.graph.records.vertex_record import Record
from app.graph.writing.unit.item_unit import Draft
from graphql_schema.catalog.relations import DECIDED_FOR, EVALUATED_BY, RAISED_ON, Hop
from graphql_schema.ports.outcomes import Gate
from graphql_schema.rules.gate_evaluation import Evidence, judge

_APPROVALS = DECIDED_FOR.into("Approval")
_EVALUATIONS = EVALUATED_BY.out("Evaluation")
_INCIDENTS = RAISED_ON.into("Incident")


def gate_of(draft: Draft, model: Record, version: Record, alias: str) -> Gate:
    """Whether the version may stand for an alias of the model, as far as the caller may see."""
    evidence = Evidence(
        model=draft.shown(model),
        version=draft.shown(version),
        approvals=decisions(draft, version),
        evaluations=[draft.shown(each) for each in _far(draft, _EVALUATIONS, version)],
        incidents=[*_far(draft, _INCIDENTS, version), *_far(draft, _INCIDENTS, model)],
    )
    return judge(draft.author.gates, alias, evidence, draft.now)


def decisions(draft: Draft, subject: Record) -> list[Record]:
    """Every decision about an asset."""
    return _far(draft, _APPROVALS, subject)


def _far(draft: Draft, hop: Hop, near: Record) -> list[Record]:
    return [far for _, far in draft.around(hop, draft.vid(near["id"]))]
