"""Replaces each condition on a computed result by the ids of the assets that meet it.

Such a result depends on a walk and on what is visible to the caller, so no index has it. The assets that may meet the
rest of the filter are listed, and the result of each is computed as for its field. If it cannot be computed for all of
them, an error is raised, because the list would otherwise be incomplete.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from app.graph.reading.listing_pages import ListingPages
from graphql_schema.execution.many_calls import gathered
from graphql_schema.ports.conditions import (
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
from graphql_schema.ports.lineage_query import CUTTING, Completeness
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import Row
from policies.errors import LimitError


class ComputedReport(Protocol):
    """A computed result of one asset."""

    @property
    def completeness(self) -> Completeness:
        """How much of the result was found."""


LeafT = TypeVar("LeafT", Contaminated, HealthIs)
ReportT = TypeVar("ReportT", bound=ComputedReport)


@dataclass(frozen=True, slots=True)
class Computed(Generic[LeafT, ReportT]):
    """A result that is computed for one asset and one caller, and the class of the condition on it.

    ``argument`` names the argument of the filter, and ``advice`` the arguments that narrow it. The result is computed
    for the assets that meet ``among`` and the rest of the filter, at most ``maximum``. ``shows`` returns whether the
    caller may read the result of an asset; an asset that hides it does not meet the condition. ``is_certain`` returns
    whether a result holds although a budget ended its computation.
    """

    leaf: type[LeafT]
    argument: str
    advice: str
    maximum: int
    among: Condition
    shows: Callable[[Row], bool]
    report: Callable[[Row], Awaitable[ReportT]]
    is_certain: Callable[[ReportT], bool]
    meets: Callable[[ReportT, LeafT], bool]


class ComputedConditions:
    """Replaces the computed conditions of one operation, in the order of ``computed``."""

    def __init__(self, listings: ListingPages, computed: Sequence[Computed[Any, Any]], budget: OperationBudget) -> None:
        self._listings = listings
        self._budget = budget
        self._computed = computed

    async def resolve(self, where: Condition) -> Condition:
        """Return the condition with ids in place of each computed condition.

        Raises LimitError if more assets than the maximum of a computed condition meet the rest of ``where``. LimitError
        is also raised if a budget of nodes, edges or time ends before every result is certain. Raises the errors of
        :meth:`ListingPages.page` and of the computation.
        """
        for each in self._computed:
            if any(isinstance(node, each.leaf) for node in nodes(where)):
                where = await self._replaced(where, each)
        return where

    async def _replaced(self, where: Condition, computed: Computed[LeafT, ReportT]) -> Condition:
        rows = [row for row in await self._candidates(where, computed) if computed.shows(row)]
        reports = await gathered(self._budget, [partial(computed.report, row) for row in rows], "computed conditions")
        for report in reports:
            _require_certain(report, computed, len(rows))

        def ids(leaf: Leaf) -> Condition:
            if not isinstance(leaf, computed.leaf):
                return leaf
            met = (row.urn for row, report in zip(rows, reports, strict=True) if computed.meets(report, leaf))
            return In("urn", tuple(met))

        return rewrite(where, ids)

    async def _candidates(self, where: Condition, computed: Computed[LeafT, ReportT]) -> list[Row]:
        """Return the assets that may meet a computed condition; raise LimitError if they are more than its maximum."""
        rest = without(without(where, Contaminated), HealthIs)
        page = await self._listings.page(ListingQuery(All((computed.among, rest))), PageRequest(computed.maximum))
        if page.has_next:
            raise LimitError(
                f"`{computed.argument}` of a filter is computed for at most {computed.maximum} assets, and more meet "
                f"the rest of the filter; narrow the filter, by {computed.advice}.",
                limit=computed.maximum,
            )
        await self._budget.pause()  # the filters of all aliases have their candidates in one response
        return [item.row for item in page.items]


def _require_certain(report: ReportT, computed: Computed[LeafT, ReportT], count: int) -> None:
    """Raise LimitError if a budget ended the computation of a report for one of ``count`` assets, and it may change."""
    if report.completeness.is_cut and not computed.is_certain(report):
        ended = min(CUTTING.intersection(report.completeness.budgets))
        raise LimitError(
            f"The lineage budget {ended} ended before `{computed.argument}` of all {count} assets of the filter was "
            f"computed; narrow the filter, by {computed.advice}.",
            limit=count,
        )
