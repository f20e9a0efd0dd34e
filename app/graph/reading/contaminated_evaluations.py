"""Resolves :class:`~graphql_schema.ports.conditions.Contaminated` to ids, for one caller.

No index has the contamination of an evaluation, because it depends on two lineages and on what the caller may see of
them. The evaluations that meet the rest of the condition, apart from health, are listed and examined together. The ids
of those that meet `contaminated` replace it. If a budget of nodes, edges or time ends the examination of one without a
contamination found so far, an error is raised, because the list would otherwise be incomplete.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from app.graph.reading.lineage.contamination_walk import examined
from app.graph.reading.lineage.walk_budget import CUTTING
from app.graph.reading.lineage.walk_session import WalkSession
from app.graph.reading.listing_pages import ListingPages
from graphql_schema.catalog.enums import ContaminationVerdict
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.conditions import (
    MAX_EXAMINED,
    All,
    Condition,
    Contaminated,
    HealthIs,
    In,
    Leaf,
    ListingQuery,
    nodes,
    rewrite,
    without,
)
from graphql_schema.ports.contamination_report import ContaminationReport
from graphql_schema.ports.lineage_query import SnapshotTime
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import Row
from policies.errors import LimitError

_EVALUATIONS: Final = In("kind", (KINDS["Evaluation"].code,))


class ContaminatedEvaluations:
    """Resolves the :class:`Contaminated` in the conditions of one operation."""

    def __init__(self, session: WalkSession, listings: ListingPages, pin: SnapshotTime) -> None:
        self._session = session
        self._listings = listings
        self._pin = pin

    async def resolve(self, where: Condition) -> Condition:
        """Return the condition with each :class:`Contaminated` replaced by the ids of evaluations.

        Raises LimitError if more than MAX_EXAMINED evaluations meet the rest of the condition, apart from health. The
        same error is raised if a budget of nodes, edges or time ended the examination of one in which no contamination
        was found. Raises the errors of :meth:`ListingPages.page`.
        """
        if not any(isinstance(each, Contaminated) for each in nodes(where)):
            return where
        reports = await self._reports(await self._evaluations(where))

        def resolved(leaf: Leaf) -> Condition:
            if not isinstance(leaf, Contaminated):
                return leaf
            return In("urn", tuple(urn for urn, report in reports if _meets(report, leaf)))

        return rewrite(where, resolved)

    async def _evaluations(self, where: Condition) -> list[Row]:
        """Return the evaluations that may meet a condition and show their contamination to the caller.

        Raises LimitError if more than MAX_EXAMINED may meet it.
        """
        listing = ListingQuery(All((_EVALUATIONS, without(without(where, Contaminated), HealthIs))))
        page = await self._listings.page(listing, PageRequest(MAX_EXAMINED))
        if page.has_next:
            raise LimitError(
                f"More than {MAX_EXAMINED} evaluations must be examined to decide `contaminated`; narrow the filter, "
                "by `ownerTeams`, `name` or `updatedAfter`.",
                limit=MAX_EXAMINED,
            )
        rows = [item.row for item in page.items]
        return [row for row in rows if row.reads("contamination")]

    async def _reports(self, evaluations: Sequence[Row]) -> list[tuple[str, ContaminationReport]]:
        found = await asyncio.gather(*(examined(self._session, each, self._pin) for each in evaluations))
        for report in found:
            ended = CUTTING.intersection(report.completeness.budgets)
            if ended and not report.contaminated:
                raise LimitError(
                    f"The lineages of {len(found)} evaluations exceed the budget {min(ended)} of one operation, so "
                    "`contaminated` cannot be decided; narrow the filter, by `ownerTeams`, `name` or `updatedAfter`.",
                    limit=len(found),
                )
        return [(row.urn, report) for row, report in zip(evaluations, found, strict=True)]


def _meets(report: ContaminationReport, leaf: Contaminated) -> bool:
    return report.contaminated if leaf.wanted else report.verdict is ContaminationVerdict.CLEAN
