"""Records the result of a check at its instant, and opens an incident after a failure on request.

A check belongs to one asset and is identified by its name there. Its record also holds ``latestAt`` and ``firstAt``,
the instants of its newest and oldest result, and ``openIncidents``. A report therefore reads no other result of the
check.
"""

from collections.abc import Mapping
from typing import Final

from app.graph.records.vertex_record import FIRST_AT
from app.graph.writing.handlers.track_incident import OPEN_INCIDENTS, NewIncident, raise_incident, tracked_incident
from app.graph.writing.rules.attach import (
    amended,
    attached_urn,
    count_attached,
    may_attach,
    new_attached_record,
    reported,
)
from app.graph.writing.rules.permissions import refuse_deleted, require_right, require_visible
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import invalid, unknown_name
from graphql_schema.catalog.enums import CheckStatus, Severity
from graphql_schema.catalog.instants import is_ahead
from graphql_schema.catalog.relations import MONITORED_BY, RESULT_OF
from graphql_schema.ports.commands import ReportCheckCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import JsonObject, Record
from graphql_schema.rules.gate_evaluation import REPORTERS, counts_on

LATEST_AT: Final = "latestAt"
"""Record key of a check: the instant of its newest result."""

MAX_CHECKS: Final = 5_000
"""Maximal number of checks of an asset: the health of what is derived from it reads the newest result of each."""

_OPENS: Final[Mapping[str, tuple[Severity, str]]] = {
    CheckStatus.FAIL.name: (Severity.HIGH, "failed"),
    CheckStatus.ERROR.name: (Severity.MEDIUM, "could not run"),
}
"""By each status that opens an incident on request: the severity of the incident, and the verb in its title."""

_VALUES: Final = ("status", "value", "window", "observedAt")


def report(unit: ItemUnit, command: ReportCheckCommand) -> WriteOutcome:
    """Record a result of a check.

    Raises RejectedItemError if the asset is hidden or deleted, the caller may not update it, or the instant is more
    than five minutes in the future. So it is if the asset has as many checks as it may, or with ``only_known`` none of
    this name.
    """
    observed = unit.now if command.observed_at is None else command.observed_at
    check_urn = attached_urn(unit.author.tenant, "check", command.asset, command.check)
    result_urn = attached_urn(
        unit.author.tenant, "check-result", check_urn, str(observed), command.values.get("window") or ""
    )
    unit.lookup.require_records(command.asset, check_urn, result_urn)
    asset = require_visible(unit, command.asset, "asset")
    require_right(unit, "update", asset)
    refuse_deleted(asset)
    if is_ahead(observed, unit.now):
        raise invalid("`observedAt` is more than five minutes in the future; check the clock.", "observedAt")
    if command.only_known and unit.lookup.record(check_urn) is None:
        message = f"{command.asset} has no check {command.check!r} that is visible to you"
        raise unknown_name(command.check, message, (), "check")
    before = unit.lookup.record(result_urn)
    check = _checked(unit, command, check_urn, observed)
    _record(unit, command, check, result_urn, observed)
    changed = Outcome.UPDATED if unit.staging.has_changes else Outcome.UNCHANGED
    return WriteOutcome(Outcome.CREATED if before is None else changed, command.asset, created_record=result_urn)


def _checked(unit: ItemUnit, command: ReportCheckCommand, urn: str, observed: int) -> Record:
    """Stage the record of the check, and return it.

    A result that is older than the newest one changes at most ``firstAt``, to its instant if that is earlier. A newest
    one that is ahead of the clock counts as older.
    """
    vid, before = unit.lookup.vid(urn), unit.lookup.record(urn)
    given = {"checkKind": command.check_kind, LATEST_AT: observed}
    if command.values.get("threshold") is not None:
        given["threshold"] = command.values["threshold"]
    if before is None:
        count_attached(unit, command.asset, "checks", MAX_CHECKS)
        identity = {"name": command.check, "subjects": [command.asset], OPEN_INCIDENTS: [], FIRST_AT: observed}
        unit.staging.put(vid, new_attached_record(unit, urn, unit.now, **identity, **given))
        unit.staging.attach(MONITORED_BY, unit.lookup.vid(command.asset), vid, unit.now)
        return unit.lookup.known(vid)
    was_ahead = is_ahead(before[LATEST_AT], unit.now)
    is_newest = was_ahead or observed >= before[LATEST_AT]
    is_first = (was_ahead or not is_newest) and observed < before.get(FIRST_AT, before["createdAt"])
    after = {**before, **(given if is_newest else {}), **({FIRST_AT: observed} if is_first else {})}
    if after != before:
        unit.staging.put(vid, amended(unit, before, **after))
    return unit.lookup.known(vid)


def _record(unit: ItemUnit, command: ReportCheckCommand, check: Record, urn: str, observed: int) -> None:
    """Stage the result, or correct the stored one of the same instant and window.

    If the command requests an incident, and the result is the newest one and FAIL or ERROR, it refers to the oldest
    open incident of the check. One is opened if there is none. A result that is stored alike keeps its incident, open
    or resolved. If others reported it before the asset had its owner, it is a result of the caller from then on,
    without their incident. While the asset has no lasting owner, it is reported by all who repeat it.
    """
    vid, before = unit.lookup.vid(urn), unit.lookup.record(urn)
    values = {"value": command.values.get("value"), "window": command.values.get("window")}
    given = {"status": command.status, "observedAt": observed, **values}
    same = before is not None and all(before.get(name) == given[name] for name in _VALUES)
    asset = unit.lookup.known(unit.lookup.vid(command.asset))
    report = reported(unit, asset)
    former = set() if before is None else {*before.get(REPORTERS, ())}
    counts = before is not None and counts_on(asset["id"], asset["ownerTeam"], before)
    is_taken = bool(former) and not (REPORTERS in report and counts)
    if same and former and not is_taken:
        report[REPORTERS] = sorted({*former, *report[REPORTERS]})
    incident = before.get("incident") if same and before is not None and not is_taken else None
    if incident is None and command.open_incident and command.status in _OPENS and observed == check[LATEST_AT]:
        incident = _incident(unit, command, check, urn)
    links: JsonObject = {"check": check["id"], "subjects": [command.asset], "incident": incident}
    after = new_attached_record(unit, urn, unit.now, **links, **given, **report, recordedBy=unit.author.subject)
    if before is None:
        unit.staging.put(vid, after)
        unit.staging.attach(RESULT_OF, vid, unit.lookup.vid(check["id"]), observed)
    elif not same or any(before.get(name) != after.get(name) for name in ("incident", REPORTERS)):
        unit.staging.put(vid, {**after, "createdAt": before["createdAt"], "createdBy": before["createdBy"]})


def _incident(unit: ItemUnit, command: ReportCheckCommand, check: Record, cause: str) -> str | None:
    """Return the URN of the oldest open incident that the check caused on its asset; open one if there is none.

    ``cause`` is the URN of the check result that opens it. Incidents of others that do not count are left out. None is
    opened on an asset that has as many as it may: others must not keep a failure from being recorded.
    """
    found = tracked_incident(unit, check, unit.lookup.known(unit.lookup.vid(command.asset)))
    if found is not None:
        return found
    if not may_attach(unit, command.asset, "incidents"):
        return None
    severity, verb = _OPENS[command.status]
    title = f"{command.check_kind.capitalize()} check {command.check} {verb}"
    return raise_incident(unit, NewIncident((command.asset,), title, severity.name, cause), of_check=check["id"])
