"""Reporting what a check found: each result in its place in time, and the incident that a failure opens.

A check belongs to one asset and is known by its name there. Its record holds, beside what it shows, ``latestAt``: the
instant of its newest result, ``firstAt``: that of its oldest, and ``openIncidents``: the ids of the open ones on its
asset that its results caused. So a report reads three vertices, however many results there are.
"""

from collections.abc import Mapping
from typing import Any, Final

from app.graph.records.vertex_record import FIRST_AT, Record
from app.graph.writing.handlers.track_incident import OPEN_INCIDENTS, Problem, raise_incident
from app.graph.writing.rules.attach import amended, fact_urn, new_fact
from app.graph.writing.rules.permissions import existing, permit, refuse_deleted
from app.graph.writing.unit.item_unit import Draft
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.enums import CheckStatus, Severity
from graphql_schema.catalog.relations import MONITORED_BY, RESULT_OF
from graphql_schema.ports.commands import CheckReporting
from graphql_schema.ports.outcomes import Outcome, Registered

MOST_AHEAD: Final = 300_000
"""Milliseconds that the clock of whoever observed may be ahead."""

LATEST_AT: Final = "latestAt"

_OPENS: Final[Mapping[str, tuple[Severity, str]]] = {
    CheckStatus.FAIL.name: (Severity.HIGH, "failed"),
    CheckStatus.ERROR.name: (Severity.MEDIUM, "could not run"),
}
"""What opens an incident when it is asked for: how bad that is, and how the title says it."""

_SAID: Final = ("status", "value", "window", "observedAt")


def report(draft: Draft, item: CheckReporting) -> Registered:
    """Draft a result; raises RefusedItemError where the asset is not there or not the caller's to report on."""
    observed = draft.now if item.observed_at is None else item.observed_at
    check_urn = fact_urn(draft, "check", item.asset, item.check)
    result_urn = fact_urn(draft, "check-result", check_urn, str(observed), item.facts.get("window") or "")
    draft.read(item.asset, check_urn, result_urn)
    asset = existing(draft, item.asset, "asset")
    permit(draft, "update", asset)
    refuse_deleted(asset)
    if observed > draft.now + MOST_AHEAD:
        raise invalid("`observedAt` is more than five minutes ahead; set the clock of whoever reports.", "observedAt")
    before = draft.stored(result_urn)
    check = _checked(draft, item, check_urn, observed)
    _record(draft, item, check, result_urn, observed)
    if before is None:
        return Registered(Outcome.CREATED, item.asset, made=result_urn)
    return Registered(Outcome.UPDATED if draft.changes else Outcome.UNCHANGED, item.asset, made=result_urn)


def _checked(draft: Draft, item: CheckReporting, urn: str, observed: int) -> Record:
    """The check as this report leaves it: a late one says nothing new about it, but since when it looks."""
    vid, before = draft.vid(urn), draft.stored(urn)
    said = {"checkKind": item.check_kind, LATEST_AT: observed}
    if item.facts.get("threshold") is not None:
        said["threshold"] = item.facts["threshold"]
    if before is None:
        about = {"name": item.check, "subjects": [item.asset], OPEN_INCIDENTS: [], FIRST_AT: observed}
        draft.put(vid, new_fact(draft, urn, draft.now, **about, **said))
        draft.hang(MONITORED_BY, draft.vid(item.asset), vid, draft.now)
    elif observed >= before[LATEST_AT] and {**before, **said} != before:
        draft.put(vid, amended(draft, before, **said))
    elif observed < before.get(FIRST_AT, before["createdAt"]):
        draft.put(vid, amended(draft, before, **{FIRST_AT: observed}))
    return draft.known(vid)


def _record(draft: Draft, item: CheckReporting, check: Record, urn: str, observed: int) -> None:
    """Put the result there, or correct the one of the same instant and window."""
    vid, before = draft.vid(urn), draft.stored(urn)
    values = {"value": item.facts.get("value"), "window": item.facts.get("window")}
    said = {"status": item.status, "observedAt": observed, **values}
    same = before is not None and all(before.get(name) == said[name] for name in _SAID)
    incident = before.get("incident") if same and before is not None else None
    if incident is None and item.open_incident and item.status in _OPENS and observed == check[LATEST_AT]:
        incident = _incident(draft, item, check, urn)
    about: dict[str, Any] = {"check": check["id"], "subjects": [item.asset], "incident": incident}
    after = new_fact(draft, urn, draft.now, **about, **said, recordedBy=draft.author.subject)
    if before is None:
        draft.put(vid, after)
        draft.hang(RESULT_OF, vid, draft.vid(check["id"]), observed)
    elif not same or before.get("incident") != incident:
        draft.put(vid, {**after, "createdAt": before["createdAt"], "createdBy": before["createdBy"]})


def _incident(draft: Draft, item: CheckReporting, check: Record, cause: str) -> str:
    """The open incident that the check has caused on its asset; a new one where there is none."""
    if check[OPEN_INCIDENTS]:
        return str(check[OPEN_INCIDENTS][0])
    severity, said = _OPENS[item.status]
    title = f"{item.check_kind.capitalize()} check {item.check} {said}"
    return raise_incident(draft, Problem((item.asset,), title, severity.name, cause), of_check=check["id"])
