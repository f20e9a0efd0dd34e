"""Records usage: one attached record per asset, consumer and month, with the counters of its days.

Each day stores who recorded it and when, so usage has no audit entry. The last day of use is also a mark on the asset,
where the index finds it. The mark is ``usedAt`` for use by teams and users, ``servedAt`` for use by services, and
``lastUsedAt`` for both. A day before the mark does not move it. A day corrected to zero sets the mark back to the last
day with usage by consumers of the same mark.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from app.graph.writing.rules.attach import amended, attached_urn, count_attached, new_attached_record, refuse_full
from app.graph.writing.rules.permissions import require_right, require_visible
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.placeholders import ensure_referenced
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.kinds import KIND_OF_SLUG
from graphql_schema.catalog.relations import USAGE_OF, USED_BY
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.commands import RecordUsageCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record
from graphql_schema.rules.usage_days import begin_of, has_usage

MAX_AGE: Final = timedelta(days=5 * 366)
"""Age of the oldest day that is accepted."""

COST: Final = "costUsd"
"""Counter of the cost, which a consumer pays, so that it needs the right to bill."""

_OF_ALL: Final = "lastUsedAt"
"""The native property that holds the last use by any consumer."""

_RECORDING: Final = ("recordedAt", "recordedBy")


def record_usage(unit: ItemUnit, command: RecordUsageCommand) -> WriteOutcome:
    """Record the counters of one day in place of the stored ones; a stored cost stays without the right to bill.

    Raises RejectedItemError if the asset is hidden, the day is out of range, or the consumer is an absent user or
    team that the caller may not create. The error is also raised without the right to bill; for counters without a
    cost, the right to update is enough.

    A hidden consumer is treated like an absent one, for which a stub is staged. Usage of a deleted asset is accepted,
    because it may be reported late.
    """
    urn = attached_urn(unit.author.tenant, "usage-month", command.asset, command.consumer, command.day[:7])
    unit.lookup.require_records(command.asset, command.consumer, urn)
    may_bill = _authorise(unit, command)
    _refuse_out_of_range(unit.now, command.day)
    if not has_usage(command.counts) and unit.visibility.visible(command.consumer) is None:
        _months(unit, unit.lookup.vid(command.asset))  # a read only after usage would disclose it of a hidden consumer
    ensure_referenced(unit, command.consumer, "consumer")
    unit.visibility.report_hidden_id(command.consumer)
    before = unit.lookup.record(urn)
    if before is not None and unit.visibility.visible(command.consumer) is None:
        refuse_full(unit, command.asset, "months of usage")  # as for the new month of an absent consumer
    days = {} if before is None else before["days"]
    known = days.get(command.day)
    kept = {COST: known[COST]} if known is not None and COST in known and not may_bill else {}
    counts = {**command.counts, **kept}
    if known is not None and _counters(known) == counts:
        return WriteOutcome(Outcome.UNCHANGED, command.asset)
    entry = {**counts, "recordedAt": unit.now, "recordedBy": unit.author.subject}
    _put_month(unit, command, urn, {**days, command.day: entry})
    _mark_last_use(unit, command, known)
    return WriteOutcome(Outcome.CREATED if known is None else Outcome.UPDATED, command.asset)


def _authorise(unit: ItemUnit, command: RecordUsageCommand) -> bool:
    """Require the right to record; return whether the caller may bill, and so replace a stored cost."""
    asset = require_visible(unit, command.asset, "asset")
    may_bill = unit.visibility.allows("bill", asset).allowed
    if COST in command.counts:
        require_right(unit, "bill", asset, COST)
    elif not may_bill:
        require_right(unit, "update", asset)
    return may_bill


def _put_month(unit: ItemUnit, command: RecordUsageCommand, urn: str, days: Mapping[str, Record]) -> None:
    vid, before = unit.lookup.vid(urn), unit.lookup.record(urn)
    if before is not None:
        unit.staging.put(vid, amended(unit, before, days=days))
        return
    count_attached(unit, command.asset, "months of usage")
    identity = {"subjects": [command.asset], "consumer": command.consumer, "month": command.day[:7]}
    unit.staging.put(vid, new_attached_record(unit, urn, unit.now, **identity, days=days))
    first_day = begin_of(date.fromisoformat(command.day).replace(day=1))
    unit.staging.attach(USAGE_OF, vid, unit.lookup.vid(command.asset), first_day)
    unit.staging.attach(USED_BY, vid, unit.lookup.vid(command.consumer), first_day)


def _mark_last_use(unit: ItemUnit, command: RecordUsageCommand, known: Record | None) -> None:
    """Move the marks of last use forward to this day, or back if the day no longer has usage."""
    asset, own = unit.lookup.vid(command.asset), _mark_of(command.consumer)
    if has_usage(command.counts):
        for mark in (own, _OF_ALL):
            unit.staging.mark(asset, mark, begin_of(date.fromisoformat(command.day)))
    elif known is not None and has_usage(known):
        months = [(_mark_of(consumer), _last_day(days)) for consumer, days in _months(unit, asset)]
        for mark in (own, _OF_ALL):
            last = max((day for of, day in months if mark in {of, _OF_ALL}), default="")
            unit.staging.mark(asset, mark, begin_of(date.fromisoformat(last)) if last else 0, exact=True)


def _last_day(days: Mapping[str, Record]) -> str:
    """Return the last day of a month with usage, empty if there is none."""
    return max((day for day, counts in days.items() if has_usage(counts)), default="")


def _months(unit: ItemUnit, asset: int) -> list[tuple[str, Mapping[str, Record]]]:
    """Return the consumer and the days of each month of usage of an asset; raises NotReadError if they were not read.

    Long ones are missing in what was read, so that the batch is planned again with them.
    """
    unit.lookup.require_hops((USAGE_OF.into(), asset))
    keys = unit.lookup.edges_at(USAGE_OF.name, USAGE_OF.into().direction, asset)
    return [(month["consumer"], month["days"]) for month in (unit.lookup.known(vid) for _, vid, _ in keys)]


def _mark_of(consumer: str) -> str:
    """Return the native property that holds the last use by this kind of consumer."""
    return "servedAt" if KIND_OF_SLUG[slug_of(consumer)].asset else "usedAt"


def _refuse_out_of_range(now: int, day: str) -> None:
    """Reject a day that has not begun in UTC, or is too old."""
    today, given = datetime.fromtimestamp(now // 1000, UTC).date(), date.fromisoformat(day)
    if given > today:
        raise invalid(f"{day} has not begun in UTC; record it when it has.", "day")
    if given < today - MAX_AGE:
        raise invalid(f"{day} is more than five years ago; record usage of the last five years only.", "day")


def _counters(entry: Record) -> Record:
    return {name: value for name, value in entry.items() if name not in _RECORDING}
