"""The rule of health: what is a cause, how much it weighs, and what causes make of an asset (docs/health.md).

This is the one place that knows it. Everything here is a function of rows, which hold what their caller may see.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from graphql_schema.catalog.enums import (
    CheckKind,
    CheckStatus,
    HealthStatus,
    IncidentState,
    LifecycleStage,
    Severity,
    Verdict,
)
from graphql_schema.catalog.instants import milliseconds
from graphql_schema.ports.health_report import CauseSeverity, HealthFinding
from graphql_schema.ports.row import Row

LEVELS: Final = 10
"""How many levels upstream causes are looked for."""


MAX_CAUSES: Final = 200
"""Causes that one answer holds, the nearest."""


RESULTS: Final[Mapping[str, CauseSeverity]] = {
    CheckStatus.FAIL.name: CauseSeverity.SEVERE,
    CheckStatus.ERROR.name: CauseSeverity.SEVERE,
    CheckStatus.WARN.name: CauseSeverity.MINOR,
}
"""Of the latest result of a check, by its status."""


INCIDENTS: Final[Mapping[str, CauseSeverity]] = {
    Severity.CRITICAL.name: CauseSeverity.SEVERE,
    Severity.HIGH.name: CauseSeverity.SEVERE,
    Severity.MEDIUM.name: CauseSeverity.MINOR,
    Severity.LOW.name: CauseSeverity.MINOR,
}
"""Of an open incident, by its severity."""


VERDICTS: Final[Mapping[str, CauseSeverity]] = {
    Verdict.FAIL.name: CauseSeverity.SEVERE,
    Verdict.WARN.name: CauseSeverity.MINOR,
}
"""Of an evaluation that its version's own team or nobody owns; that of another team is light at most."""


NOT_SERVING: Final = frozenset({"PENDING", "ROLLED_BACK", "RETIRED"})
"""States of a deployment over which nothing arrives at what it is deployed in."""


def status_of(causes: Iterable[HealthFinding], *, watched: bool) -> str:
    """The ``HealthStatus``; ``watched`` says that a check or an evaluation looks at the asset itself."""
    found = list(causes)
    if any(cause.depth == 0 and cause.weight is CauseSeverity.SEVERE for cause in found):
        return HealthStatus.UNHEALTHY.name
    if found:
        return HealthStatus.DEGRADED.name
    return HealthStatus.HEALTHY.name if watched else HealthStatus.UNKNOWN.name


def weigh_check(asset: Row, check: Row, result: Row, now: int) -> CauseSeverity | None:
    """What the latest result of a check weighs at an instant in epoch milliseconds; None when all is well."""
    weight = RESULTS.get(result.record["status"])
    return CauseSeverity.MINOR if weight is None and _stale(asset, check, result, now) else weight


def weigh_incident(incident: Row) -> CauseSeverity | None:
    """What an incident weighs; None when it is over."""
    stands = incident.record["state"] == IncidentState.OPEN.name
    return INCIDENTS[incident.record["severity"]] if stands else None


def weigh_evaluations(
    version: Row, evaluations: Iterable[tuple[Row, frozenset[str]]]
) -> Iterator[tuple[Row, CauseSeverity]]:
    """The evaluations of a version that are causes; each comes with the ids of the data that it was made on.

    Of those of one team, one kind and the same data the newest counts, and nothing that is retired.
    """
    newest: dict[tuple[object, ...], tuple[int, str, Row]] = {}
    for evaluation, data in evaluations:
        if not is_retired(evaluation):
            key = (evaluation.record["ownerTeam"], evaluation.visible_value("evaluationKind"), data)
            placed = (_made(evaluation), evaluation.urn, evaluation)
            newest[key] = max(placed, newest.get(key, placed), key=lambda each: each[:2])
    for _, _, evaluation in newest.values():
        weight = VERDICTS.get(evaluation.visible_value("verdict") or "")
        if weight is not None:
            foreign = evaluation.record["ownerTeam"] not in {"", version.record["ownerTeam"]}
            yield evaluation, CauseSeverity.MINOR if foreign else weight


def is_retired(asset: Row) -> bool:
    """Whether an asset is no longer in use, as far as the caller may see."""
    return bool(asset.visible_value("stage") == LifecycleStage.RETIRED.name)


def propagates(asset: Row, now: int, *, past: bool) -> bool:
    """Whether what is wrong with something upstream arrives here: not over a deployment that does not serve.

    Of the ``past`` one served that was retired later.
    """
    if asset.kind != "Deployment" or asset.visible_value("status") not in NOT_SERVING:
        return True
    retired = asset.visible_value("retiredAt")
    return past and retired is not None and retired > now


def _made(evaluation: Row) -> int:
    """When an evaluation was made, as far as is known."""
    times = (evaluation.visible_value(name) for name in ("evaluatedAt", "sourceCreatedAt", "createdAt"))
    return int(next((time for time in times if time is not None), 0))


def _stale(asset: Row, check: Row, result: Row, now: int) -> bool:
    """Whether freshness was last looked at longer ago than the asset promises to be fresh."""
    promised = milliseconds(asset.visible_value("freshnessSla") or "")
    if promised is None or check.record["checkKind"] != CheckKind.FRESHNESS.name:
        return False
    return bool(result.record["observedAt"] + promised < now)
