"""Recording usage: one vertex for each asset, consumer and month, with the counters of its days inside.

A day says who recorded it, and when, beside its counters: usage is its own record, so it leaves no ``Change``.
The last day of use stands on the asset as well, where the index finds it: by teams and users, whom everybody may know
of, and apart from that by services. A day that comes late moves neither; one that is corrected to nothing has them
counted again.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from app.graph.records.vertex_record import Record
from app.graph.writing.rules.attach import amended, attached_urn, new_attached_record
from app.graph.writing.rules.permissions import require_right, require_visible
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.kinds import KIND_OF_SLUG
from graphql_schema.catalog.relations import USAGE_OF, USED_BY, Direction
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.commands import UsageRecording
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.rules.usage_days import begin_of, has_usage

OLDEST: Final = timedelta(days=5 * 366)
"""How far back a day may lie."""

_RECORDED: Final = ("recordedAt", "recordedBy")


def record_usage(unit: ItemUnit, item: UsageRecording) -> WriteOutcome:
    """Draft the counters of a day; raises RejectedItemError where the asset is not the caller's to report on.

    A consumer that the caller may not know of is treated as one that is not there, which is made a stub. A deleted
    asset may have been used before, or be used still, so its usage is taken.
    """
    urn = attached_urn(unit, "usage-month", item.asset, item.consumer, item.day[:7])
    unit.read(item.asset, item.consumer, urn)
    require_right(unit, "update", require_visible(unit, item.asset, "asset"))
    _refuse_beyond(unit.now, item.day)
    consumer = unit.ensure_stub(item.consumer)
    unit.report_hidden_id(item.consumer, consumer)
    before = unit.stored(urn)
    days = {} if before is None else before["days"]
    known = days.get(item.day)
    if known is not None and _counted(known) == item.counts:
        return WriteOutcome(Outcome.UNCHANGED, item.asset)
    entry = {**item.counts, "recordedAt": unit.now, "recordedBy": unit.author.subject}
    _put(unit, item, urn, {**days, item.day: entry})
    _mark(unit, item, known)
    return WriteOutcome(Outcome.CREATED if known is None else Outcome.UPDATED, item.asset)


def _put(unit: ItemUnit, item: UsageRecording, urn: str, days: Record) -> None:
    vid, before = unit.vid(urn), unit.stored(urn)
    if before is not None:
        unit.put(vid, amended(unit, before, days=days))
        return
    about = {"subjects": [item.asset], "consumer": item.consumer, "month": item.day[:7]}
    unit.put(vid, new_attached_record(unit, urn, unit.now, **about, days=days))
    at = begin_of(date.fromisoformat(item.day).replace(day=1))
    unit.attach(USAGE_OF, vid, unit.vid(item.asset), at)
    unit.attach(USED_BY, vid, unit.vid(item.consumer), at)


def _mark(unit: ItemUnit, item: UsageRecording, known: Record | None) -> None:
    """Move the last use of the asset on to this day; where the day no longer counts, back to the last that does."""
    asset, key = unit.vid(item.asset), _key(item.consumer)
    if has_usage(item.counts):
        unit.mark(asset, key, begin_of(date.fromisoformat(item.day)))
    elif known is not None and has_usage(known):
        last = _last(unit, asset, key)
        unit.mark(asset, key, begin_of(date.fromisoformat(last)) if last else 0, exact=True)


def _last(unit: ItemUnit, asset: int, key: str) -> str | None:
    """The last day on which the draft has the asset used by consumers of a sort, from all of its months."""
    unit.state.need_hop(Direction.IN, USAGE_OF.name, asset)
    months = [unit.known(month) for _, month, _ in unit.at(USAGE_OF.name, Direction.IN, asset)]
    days = (month["days"].items() for month in months if _key(month["consumer"]) == key)
    return max((day for each in days for day, counts in each if has_usage(counts)), default=None)


def _key(consumer: str) -> str:
    """Which of the marks a consumer moves."""
    return "servedAt" if KIND_OF_SLUG[slug_of(consumer)].asset else "usedAt"


def _refuse_beyond(now: int, day: str) -> None:
    """Raise for a day that has not begun, or that is long gone; days are those of UTC."""
    today, given = datetime.fromtimestamp(now // 1000, UTC).date(), date.fromisoformat(day)
    if given > today:
        raise invalid(f"{day} has not begun in UTC; record it when it has.", "day")
    if given < today - OLDEST:
        raise invalid(f"{day} is more than five years ago; usage is kept for the years that decisions look at.", "day")


def _counted(entry: Record) -> Record:
    return {name: value for name, value in entry.items() if name not in _RECORDED}
