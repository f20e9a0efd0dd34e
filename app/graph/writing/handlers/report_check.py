"""Reporting what a check found: each result in its place in time, and the incident that a failure opens.

A check belongs to one asset and is known by its name there. Its record holds, beside what it shows, ``latestAt``: the
instant of its newest result, ``firstAt``: that of its oldest, and ``openIncidents``: the ids of the open ones on its
asset that its results caused. So a report reads three vertices, however many results there are.
"""

from collections.abc import Mapping
from typing import Any, Final

from app.graph.records.vertex_record import FIRST_AT, Record
from app.graph.writing.handlers.track_incident import OPEN_INCIDENTS, Problem, raise_incident
from app.graph.writing.rules.attach import amended, attached_urn, new_attached_record
from app.graph.writing.rules.permissions import refuse_deleted, require_right, require_visible
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.enums import CheckStatus, Severity
from graphql_schema.catalog.relations import MONITORED_BY, RESULT_OF
from graphql_schema.ports.commands import CheckReporting
from graphql_schema.ports.outcomes import Outcome, WriteOutcome

MAX_CLOCK_SKEW_MS: Final = 300_000
"""Milliseconds that the clock of whoever observed may be ahead."""

LATEST_AT: Final = "latestAt"

_OPENS: Final[Mapping[str, tuple[Severity, str]]] = {
    CheckStatus.FAIL.name: (Severity.HIGH, "failed"),
    CheckStatus.ERROR.name: (Severity.MEDIUM, "could not run"),
}
"""What opens an incident when it is asked for: how bad that is, and how the title says it."""

_SAID: Final = ("status", "value", "window", "observedAt")


def report(unit: ItemUnit, item: CheckReporting) -> WriteOutcome:
    """Draft a result; raises RejectedItemError where the asset is not there or not the caller's to report on."""
    observed = unit.now if item.observed_at is None else item.observed_at
    check_urn = attached_urn(unit, "check", item.asset, item.check)
    result_urn = attached_urn(unit, "check-result", check_urn, str(observed), item.facts.get("window") or "")
    unit.read(item.asset, check_urn, result_urn)
    asset = require_visible(unit, item.asset, "asset")
    require_right(unit, "update", asset)
    refuse_deleted(asset)
    if observed > unit.now + MAX_CLOCK_SKEW_MS:
        raise invalid("`observedAt` is more than five minutes ahead; set the clock of whoever reports.", "observedAt")
    before = unit.stored(result_urn)
    check = _checked(unit, item, check_urn, observed)
    _record(unit, item, check, result_urn, observed)
    if before is None:
        return WriteOutcome(Outcome.CREATED, item.asset, created_record=result_urn)
    return WriteOutcome(Outcome.UPDATED if unit.changes else Outcome.UNCHANGED, item.asset, created_record=result_urn)


def _checked(unit: ItemUnit, item: CheckReporting, urn: str, observed: int) -> Record:
    """The check as this report leaves it: a late one says nothing new about it, but since when it looks."""
    vid, before = unit.vid(urn), unit.stored(urn)
    said = {"checkKind": item.check_kind, LATEST_AT: observed}
    if item.facts.get("threshold") is not None:
        said["threshold"] = item.facts["threshold"]
    if before is None:
        about = {"name": item.check, "subjects": [item.asset], OPEN_INCIDENTS: [], FIRST_AT: observed}
        unit.put(vid, new_attached_record(unit, urn, unit.now, **about, **said))
        unit.attach(MONITORED_BY, unit.vid(item.asset), vid, unit.now)
    elif observed >= before[LATEST_AT] and {**before, **said} != before:
        unit.put(vid, amended(unit, before, **said))
    elif observed < before.get(FIRST_AT, before["createdAt"]):
        unit.put(vid, amended(unit, before, **{FIRST_AT: observed}))
    return unit.known(vid)


def _record(unit: ItemUnit, item: CheckReporting, check: Record, urn: str, observed: int) -> None:
    """Put the result there, or correct the one of the same instant and window."""
    vid, before = unit.vid(urn), unit.stored(urn)
    values = {"value": item.facts.get("value"), "window": item.facts.get("window")}
    said = {"status": item.status, "observedAt": observed, **values}
    same = before is not None and all(before.get(name) == said[name] for name in _SAID)
    incident = before.get("incident") if same and before is not None else None
    if incident is None and item.open_incident and item.status in _OPENS and observed == check[LATEST_AT]:
        incident = _incident(unit, item, check, urn)
    about: dict[str, Any] = {"check": check["id"], "subjects": [item.asset], "incident": incident}
    after = new_attached_record(unit, urn, unit.now, **about, **said, recordedBy=unit.author.subject)
    if before is None:
        unit.put(vid, after)
        unit.attach(RESULT_OF, vid, unit.vid(check["id"]), observed)
    elif not same or before.get("incident") != incident:
        unit.put(vid, {**after, "createdAt": before["createdAt"], "createdBy": before["createdBy"]})


def _incident(unit: ItemUnit, item: CheckReporting, check: Record, cause: str) -> str:
    """The open incident that the check has caused on its asset; a new one where there is none."""
    if check[OPEN_INCIDENTS]:
        return str(check[OPEN_INCIDENTS][0])
    severity, said = _OPENS[item.status]
    title = f"{item.check_kind.capitalize()} check {item.check} {said}"
    return raise_incident(unit, Problem((item.asset,), title, severity.name, cause), of_check=check["id"])
