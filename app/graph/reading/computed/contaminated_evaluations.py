"""Finds the evaluations that meet :class:`~graphql_schema.ports.conditions.Contaminated`, for one caller."""

from typing import Final

from app.graph.reading.computed.computed_conditions import Computed
from app.graph.reading.lineage.contamination_walk import examined
from app.graph.reading.lineage.walk_session import WalkSession
from graphql_schema.catalog.enums import ContaminationVerdict
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.conditions import MAX_EXAMINED, Contaminated, In
from graphql_schema.ports.contamination_report import ContaminationReport
from graphql_schema.ports.lineage_query import SnapshotTime
from graphql_schema.ports.row import Row

_EVALUATIONS: Final = In("kind", (KINDS["Evaluation"].code,))


def contaminated_evaluations(session: WalkSession, pin: SnapshotTime) -> Computed[Contaminated, ContaminationReport]:
    """Return `contamination` of evaluations as a computed result; an overlap that was found is certain."""
    return Computed(
        leaf=Contaminated,
        argument="contaminated",
        advice="`ownerTeams`, `name` or `updatedAfter`",
        maximum=MAX_EXAMINED,
        among=_EVALUATIONS,
        shows=_shows_contamination,
        report=lambda row: examined(session, row, pin),
        is_certain=lambda report: report.contaminated,
        meets=_meets,
    )


def _shows_contamination(evaluation: Row) -> bool:
    return evaluation.reads("contamination")


def _meets(report: ContaminationReport, leaf: Contaminated) -> bool:
    return report.contaminated if leaf.wanted else report.verdict is ContaminationVerdict.CLEAN
