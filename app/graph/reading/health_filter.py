"""Replaces :class:`~graphql_schema.ports.conditions.HealthIs` by the ids of the assets that have this health.

Health is computed for each caller by a walk upstream, so no index has it. The assets that meet the rest of the filter
are listed, and the health of each is computed as for the field `health`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from app.graph.reading.lineage.walk_budget import CUTTING
from app.graph.reading.listing_pages import ListingPages
from graphql_schema.ports.conditions import (
    Condition,
    HealthIs,
    In,
    Leaf,
    ListingQuery,
    nodes,
    rewrite,
    without,
)
from graphql_schema.ports.health_report import HealthReport
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import AccessGrade, Row
from graphql_schema.rules.health_status import health_fields
from policies.errors import LimitError

MAX_CANDIDATES: Final = 200
"""Maximum number of assets whose health one filter computes."""


class HealthFilter:
    """Resolves the health in the conditions of one operation."""

    def __init__(self, listings: ListingPages) -> None:
        self._listings = listings

    async def resolve(self, condition: Condition, health: Callable[[Row], Awaitable[HealthReport]]) -> Condition:
        """Return the condition with the ids of matching assets in place of health.

        An asset whose health the caller may not read, or not all fields it is computed from, matches no health.

        ``health`` returns the health of a row. Its errors and those of :meth:`ListingPages.page` are raised.
        Raises LimitError if more than :data:`MAX_CANDIDATES` assets meet the rest of the condition. Raises it too if a
        budget of nodes, edges or time ends before the health of all of them is known.
        """
        if not any(isinstance(node, HealthIs) for node in nodes(condition)):
            return condition
        found = await self._listings.page(ListingQuery(without(condition, HealthIs)), PageRequest(MAX_CANDIDATES))
        if found.has_next:
            raise LimitError(
                f"`health` of the filter is computed for at most {MAX_CANDIDATES} assets, and more meet the rest of "
                "the filter; narrow the filter, by `ids`, `kinds`, `ownerTeams` or `domains`.",
                limit=MAX_CANDIDATES,
            )
        rows = [item.row for item in found.items if _shows_health(item.row)]
        reports = await asyncio.gather(*map(health, rows))
        status = {row.urn: _status(report) for row, report in zip(rows, reports, strict=True)}

        def leaf(each: Leaf) -> Condition:
            if isinstance(each, HealthIs):
                return In("urn", tuple(urn for urn, known in status.items() if known in each.statuses))
            return each

        return rewrite(condition, leaf)


def _shows_health(asset: Row) -> bool:
    """Return whether the caller may read an asset, its health, and the fields from which the health is computed."""
    hidden = asset.access.hidden
    return asset.access.grade is AccessGrade.READ and hidden.isdisjoint(("health", *health_fields(asset.kind)))


def _status(report: HealthReport) -> str:
    """Return the status; raise LimitError if a budget ended the walk, because the status may then differ."""
    ended = CUTTING.intersection(report.completeness.budgets)
    if ended:
        raise LimitError(
            f"The budget {min(ended)} ended before the `health` of all assets of the filter was computed; narrow the "
            "filter."
        )
    return report.status
