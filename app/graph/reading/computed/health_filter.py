"""Finds the assets that meet :class:`~graphql_schema.ports.conditions.HealthIs`, for one caller."""

from collections.abc import Awaitable, Callable
from typing import Final

from app.graph.reading.computed.computed_conditions import Computed
from graphql_schema.ports.conditions import ALWAYS, HealthIs
from graphql_schema.ports.health_report import HealthReport
from graphql_schema.ports.row import Row
from graphql_schema.rules.health_status import health_fields

MAX_CANDIDATES: Final = 200
"""Maximum number of assets whose health one filter computes."""

HealthReader = Callable[[Row], Awaitable[HealthReport]]
"""Returns the health of an asset."""


def health_filter(health: HealthReader) -> Computed[HealthIs, HealthReport]:
    """Return what ``health`` returns as a computed result; no status is certain if a budget ended the computation."""
    return Computed(
        leaf=HealthIs,
        argument="health",
        advice="`ids`, `kinds`, `ownerTeams` or `domains`",
        maximum=MAX_CANDIDATES,
        among=ALWAYS,
        shows=_shows_health,
        report=health,
        is_certain=lambda _report: False,
        meets=lambda report, leaf: report.status in leaf.statuses,
    )


def _shows_health(asset: Row) -> bool:
    """Return whether the caller may read an asset, its health, and the fields from which the health is computed."""
    return asset.reads("health") and asset.access.hidden.isdisjoint(health_fields(asset.kind))
