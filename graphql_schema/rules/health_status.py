"""The rule of health: which evidence is a cause, its weight, and the status that causes give (docs/health.md).

It is defined here only. Values that the policy may hide are read as the caller may see them. So are owners: an owner
who is hidden from the caller is None, and what counts only by this owner does not count.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from graphql_schema.catalog.enums import (
    CheckKind,
    CheckStatus,
    ContaminationVerdict,
    HealthStatus,
    IncidentState,
    LifecycleStage,
    Severity,
    Verdict,
)
from graphql_schema.catalog.instants import milliseconds
from graphql_schema.catalog.relations import CHILD_HOPS
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.health_report import CauseSeverity, HealthFinding
from graphql_schema.ports.record import Record
from graphql_schema.ports.row import Row
from graphql_schema.rules.change_stamp import registered_at
from graphql_schema.rules.gate_evaluation import counts_for, counts_on
from graphql_schema.rules.observation.known_owner import OwnerOf, is_same_owner

LEVELS: Final = 10
"""Number of levels upstream of an asset on which causes are searched, besides the asset and its asset group."""


MAX_CAUSES: Final = 200
"""Maximal number of causes in a result; the nearest are kept."""


RESULTS: Final[Mapping[str, CauseSeverity]] = {
    CheckStatus.FAIL.name: CauseSeverity.SEVERE,
    CheckStatus.ERROR.name: CauseSeverity.SEVERE,
    CheckStatus.WARN.name: CauseSeverity.MINOR,
}
"""Weight of the latest result of a check, by its status; a result of another status has none by its status."""


INCIDENTS: Final[Mapping[str, CauseSeverity]] = {
    Severity.CRITICAL.name: CauseSeverity.SEVERE,
    Severity.HIGH.name: CauseSeverity.SEVERE,
    Severity.MEDIUM.name: CauseSeverity.MINOR,
    Severity.LOW.name: CauseSeverity.MINOR,
}
"""Weight of an open incident, by its severity."""


VERDICTS: Final[Mapping[str, CauseSeverity]] = {
    Verdict.FAIL.name: CauseSeverity.SEVERE,
    Verdict.WARN.name: CauseSeverity.MINOR,
}
"""Weight of an evaluation by its verdict; one whose owner is not that of the version is REPORTED."""


CONTAMINATIONS: Final[Mapping[ContaminationVerdict, CauseSeverity]] = {
    ContaminationVerdict.DIRECT: CauseSeverity.MINOR,
    ContaminationVerdict.DERIVED: CauseSeverity.REPORTED,
}
"""Weight of a contaminated evaluation. DERIVED is only listed, because a split of one table into training and test is
DERIVED too."""


NOT_SERVING: Final = frozenset({"PENDING", "ROLLED_BACK", "RETIRED"})
"""States of a deployment in which causes do not propagate from it to its service."""


_FURTHER: Final = {"ModelVersion": ("evaluations", "Evaluation.contamination"), "Evaluation": ("contamination",)}


def health_fields(kind: str) -> tuple[str, ...]:
    """Return the fields that the health of a kind is computed from, those of other types as ``Type.field``."""
    return ("checks", "incidents", "upstream", "lineage", *_FURTHER.get(kind, ()))


def status_of(causes: Iterable[HealthFinding], *, monitored: bool) -> str:
    """Return the name of the ``HealthStatus``.

    ``monitored``, a flag: the asset, its parent or a child that is not retired has a visible check result, or a
    visible evaluation, that counts.
    """
    findings = [cause for cause in causes if cause.counts]
    if any(cause.depth == 0 and cause.weight is CauseSeverity.SEVERE for cause in findings):
        return HealthStatus.UNHEALTHY.name
    if findings:
        return HealthStatus.DEGRADED.name
    return HealthStatus.HEALTHY.name if monitored else HealthStatus.UNKNOWN.name


def weigh_check(asset: Row, check: Row, result: Row, owner: str | None, now: int) -> CauseSeverity | None:
    """Return the weight of the latest result of a check at ``now``, in epoch milliseconds; None if it is no cause.

    A result of a freshness check that is no cause by its status is MINOR once it is older than the `freshnessSla`. A
    cause that others reported before the asset had its ``owner`` is REPORTED.
    """
    weight = RESULTS.get(result.record["status"])
    weight = CauseSeverity.MINOR if weight is None and _stale(asset, check, result, now) else weight
    return weight if weight is None or counts_on(asset.urn, owner, result.record) else CauseSeverity.REPORTED


def weigh_incident(asset: Row, incident: Row, owner: str | None) -> CauseSeverity | None:
    """Return the weight of an incident on an asset, None if it is resolved.

    One that others opened before the asset had its ``owner`` is REPORTED.
    """
    if incident.record["state"] != IncidentState.OPEN.name:
        return None
    counts = counts_on(asset.urn, owner, incident.record)
    return INCIDENTS[incident.record["severity"]] if counts else CauseSeverity.REPORTED


def weigh_evaluations(version: Row, newest: Iterable[Row], owner_of: OwnerOf) -> Iterator[tuple[Row, CauseSeverity]]:
    """Yield those of the newest evaluations of a version that are causes, with their weights.

    ``newest`` are those of :func:`newest_evaluations`; no other evaluation is a cause.
    """
    owner = owner_of(version)
    for evaluation in newest:
        weight = VERDICTS.get(evaluation.visible_value("verdict") or "")
        if weight is not None:
            counts = counts_for(owner, owner_of(evaluation))
            yield evaluation, weight if counts else CauseSeverity.REPORTED


def newest_evaluations(evaluations: Iterable[tuple[Row, frozenset[str]]], owner_of: OwnerOf) -> list[Row]:
    """Return the newest evaluation of each owner, kind and set of data, without retired ones.

    Each evaluation of a version is given with the ids of the data that it was made on.
    """
    newest: dict[tuple[object, ...], tuple[int, str, Row]] = {}
    for evaluation, data in evaluations:
        if not is_retired(evaluation):
            key = (owner_of(evaluation), evaluation.visible_value("evaluationKind"), data)
            candidate = (_made(evaluation), evaluation.urn, evaluation)
            newest[key] = max(candidate, newest.get(key, candidate), key=lambda each: each[:2])
    return [evaluation for _, _, evaluation in newest.values()]


def weigh_contamination(
    asset: Row, evaluation: Row, verdict: ContaminationVerdict, owner_of: OwnerOf
) -> CauseSeverity | None:
    """Return the weight of a contaminated evaluation for itself or its version ``asset``; None if it is no cause."""
    weight = CONTAMINATIONS.get(verdict)
    counts = asset.urn == evaluation.urn or counts_for(owner_of(asset), owner_of(evaluation))
    return weight if weight is None or counts else CauseSeverity.REPORTED


def is_retired(asset: Row) -> bool:
    """Return whether the stage of an asset is RETIRED and visible to the caller."""
    return bool(asset.visible_value("stage") == LifecycleStage.RETIRED.name)


def counts_downstream(asset: Row, root: Row, owner_of: OwnerOf) -> bool:
    """Return whether causes on an asset upstream of ``root``, or of its group, count for the status of ``root``.

    Any engineer may record checks and incidents on an asset without an owner team, so these do not change the health of
    an asset that has one. An owner who is hidden from the caller is taken as none upstream, and as one of ``root``.
    """
    return bool(owner_of(asset)) or owner_of(root) == ""


def counts_in_group(member: Row, reached: Row, owner_of: OwnerOf) -> bool:
    """Return whether causes on a ``member`` of an asset group, and those upstream of it, count for the one ``reached``.

    Others can register a child before its parent has an owner. So causes of a child count for a parent that a team or
    user owns only if both have the same owner. A parent of a domain alone may have children of each of its teams.
    Causes of a parent without an owner do not count for a child that has one: any engineer may record or link them.
    """
    if member.urn == reached.urn:
        return True
    owner, of_member = owner_of(reached), owner_of(member)
    if owner is None:
        return False
    if owner in {"", of_member}:
        return True
    return slug_of(owner) == "domain" if reached.kind in CHILD_HOPS else bool(of_member)


def brings_causes(edge: Record, upstream: Row, downstream: Row, owner_of: OwnerOf) -> bool:
    """Return whether causes propagate over an edge.

    A reported edge was declared by a caller who could not link ``downstream``, or by one who was no administrator while
    ``downstream`` had no owner team. Causes propagate over it only if both have the same owner team, or ``downstream``
    has none. Otherwise any caller could impair the health of an asset of others. Further owners of ``upstream`` do not
    matter: its owner names them.
    """
    if not edge.get("reported"):
        return True
    owner = owner_of(downstream)
    return owner == "" or is_same_owner(owner, owner_of(upstream))


def propagates(asset: Row, now: int, *, past: bool) -> bool:
    """Return whether causes propagate downstream from an asset: not from a deployment with a state of NOT_SERVING.

    If the query reads the ``past`` at ``now``, in epoch milliseconds, they do from a deployment retired after ``now``.
    """
    if asset.kind != "Deployment" or asset.visible_value("status") not in NOT_SERVING:
        return True
    retired = asset.visible_value("retiredAt")
    return past and retired is not None and retired > now


def _made(evaluation: Row) -> int:
    """Return when an evaluation was made, in epoch milliseconds; 0 if no time is visible."""
    times = (evaluation.visible_value(name) for name in ("evaluatedAt", "sourceCreatedAt"))
    made = next((time for time in times if time is not None), None)
    if made is None and evaluation.visible_value("createdAt") is not None:
        return registered_at(evaluation.record)
    return int(made or 0)


def _stale(asset: Row, check: Row, result: Row, now: int) -> bool:
    """Return whether a freshness check was last observed longer ago than the ``freshnessSla`` of its asset."""
    promised = milliseconds(asset.visible_value("freshnessSla") or "")
    if promised is None or check.record["checkKind"] != CheckKind.FRESHNESS.name:
        return False
    return bool(result.record["observedAt"] + promised < now)
