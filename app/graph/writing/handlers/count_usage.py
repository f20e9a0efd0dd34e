"""Recording usage: one vertex for each asset, consumer and month, with the counters of its days inside.

A day says who recorded it, and when, beside its counters: usage is its own record, so it leaves no ``Change``. The last
day of use stands on the asset as well, where the index finds it: by teams and users, whom everybody may know of, and
apart from that by services. A day that comes late moves neither; one that is corrected to nothing has them counted
again.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from app.graph.records.vertex_record import Record
from app.graph.writing.rules.attach import amended, fact_urn, new_fact
from app.graph.writing.rules.permissions import existing, permit
from app.graph.writing.unit.item_unit import Draft
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.kinds import KIND_OF_SLUG
from graphql_schema.catalog.relations import USAGE_OF, USED_BY, Direction
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.commands import UsageRecording
from graphql_schema.ports.outcomes import Outcome, Registered
from graphql_schema.rules.usage_days import begin_of, is_use

OLDEST: Final = timedelta(days=5 * 366)
"""How far back a day may lie."""

_RECORDED: Final = ("recordedAt", "recordedBy")


def use(draft: Draft, item: UsageRecording) -> Registered:
    """Draft the counters of a day; raises RefusedItemError where the asset is not the caller's to report on.

    A consumer that the caller may not know of is treated as one that is not there, which is made a stub. A deleted
    asset may have been used before, or be used still, so its usage is taken.
    """
    urn = fact_urn(draft, "usage-month", item.asset, item.consumer, item.day[:7])
    draft.read(item.asset, item.consumer, urn)
    permit(draft, "update", existing(draft, item.asset, "asset"))
    _refuse_beyond(draft.now, item.day)
    consumer = draft.ensure(item.consumer)
    draft.meet(item.consumer, consumer)
    before = draft.stored(urn)
    days = {} if before is None else before["days"]
    known = days.get(item.day)
    if known is not None and _counted(known) == item.counts:
        return Registered(Outcome.UNCHANGED, item.asset)
    entry = {**item.counts, "recordedAt": draft.now, "recordedBy": draft.author.subject}
    _put(draft, item, urn, {**days, item.day: entry})
    _mark(draft, item, known)
    return Registered(Outcome.CREATED if known is None else Outcome.UPDATED, item.asset)


def _put(draft: Draft, item: UsageRecording, urn: str, days: Record) -> None:
    vid, before = draft.vid(urn), draft.stored(urn)
    if before is not None:
        draft.put(vid, amended(draft, before, days=days))
        return
    about = {"subjects": [item.asset], "consumer": item.consumer, "month": item.day[:7]}
    draft.put(vid, new_fact(draft, urn, draft.now, **about, days=days))
    at = begin_of(date.fromisoformat(item.day).replace(day=1))
    draft.hang(USAGE_OF, vid, draft.vid(item.asset), at)
    draft.hang(USED_BY, vid, draft.vid(item.consumer), at)


def _mark(draft: Draft, item: UsageRecording, known: Record | None) -> None:
    """Move the last use of the asset on to this day; where the day no longer counts, back to the last that does."""
    asset, key = draft.vid(item.asset), _key(item.consumer)
    if is_use(item.counts):
        draft.mark(asset, key, begin_of(date.fromisoformat(item.day)))
    elif known is not None and is_use(known):
        last = _last(draft, asset, key)
        draft.mark(asset, key, begin_of(date.fromisoformat(last)) if last else 0, exact=True)


def _last(draft: Draft, asset: int, key: str) -> str | None:
    """The last day on which the draft has the asset used by consumers of a sort, from all of its months."""
    draft.state.need_hop(Direction.IN, USAGE_OF.name, asset)
    months = [draft.known(month) for _, month, _ in draft.at(USAGE_OF.name, Direction.IN, asset)]
    days = (month["days"].items() for month in months if _key(month["consumer"]) == key)
    return max((day for each in days for day, counts in each if is_use(counts)), default=None)


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
