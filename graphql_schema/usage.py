"""How much an asset was used and by whom, from the counters of its days."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import fsum
from typing import Annotated, Any, Union

import strawberry

from graphql_schema.catalog import USAGE_OF
from graphql_schema.connection import After, Connection, First, Pages, paged
from graphql_schema.context import Info
from graphql_schema.fields import Parent, own
from graphql_schema.refs import ServiceRef, TeamRef, UserRef
from graphql_schema.related import Page, cut, newest
from graphql_schema.row import Item, Row
from graphql_schema.scalars import Day
from policies.errors import InvalidError

MOST_DAYS = 400
"""Days that one answer adds up."""

MONTHS = newest(USAGE_OF.into("UsageMonth"))
"""From an asset to its usage, by month."""

COUNTERS = ("reads", "calls", "distinctUsers", "costUsd")
"""The counters of a day."""

Consumer = Annotated[
    Union[TeamRef, UserRef, ServiceRef],  # noqa: UP007 - strawberry reads unions so
    strawberry.union("Consumer", description="Who uses an asset."),
]
Days = Annotated[int | None, strawberry.argument(description=f"Today and the days before it, 1 to {MOST_DAYS}.")]
Counts = Mapping[str, Any]
Use = tuple[str, Counts]
"""A day and its counters."""


def _reads() -> Any:
    return own("How often it was read.")


def _calls() -> Any:
    return own("How often it was called.")


def _cost() -> Any:
    return own("What that cost in US dollars; null where nobody said.")


def _last() -> Any:
    return own("The last of these days on which it was used; null where there is none.")


@strawberry.type(description="Usage on one day.")
class UsageByDay:
    """Usage on one day."""

    day: Day = own("The day.")
    reads: float = _reads()
    calls: float = _calls()
    cost_usd: float | None = _cost()


@strawberry.type(description="Usage by one consumer.")
class UsageByConsumer:
    """Usage by one consumer."""

    consumer: Consumer | None = own("Who used it.")
    reads: float = _reads()
    calls: float = _calls()
    cost_usd: float | None = _cost()
    last_used_at: Day | None = _last()


async def _consumers(root: Parent, info: Info, first: First = 20, after: After = None) -> Any:
    page, binding = paged(info, first, after, *root["scope"])
    return Pages(cut(root["items"], page), page, binding, lambda item: item.edge)


@strawberry.type(description="Usage over some days, by consumers that the viewer may know of.")
class Usage:
    """Usage over some days."""

    reads: float = _reads()
    calls: float = _calls()
    cost_usd: float | None = _cost()
    distinct_consumers: int = own("How many consumers used it.")
    consumers: Connection[UsageByConsumer] = strawberry.field(
        description="Usage by consumer, who used it most first.", resolver=_consumers
    )
    by_day: list[UsageByDay] = own("Usage by day, the oldest first; days without any are left out.")
    last_used_at: Day | None = _last()


async def _usage(root: Parent, info: Info, days: Days = 30) -> Any:
    span = 30 if days is None else days
    if not 1 <= span <= MOST_DAYS:
        raise InvalidError(f"`days` is {span}; ask for 1 to {MOST_DAYS}.")
    begin = datetime.now(UTC).date() - timedelta(days=span - 1)
    reader = info.context.reader
    found = await reader.related(root, MONTHS, Page(since=_month(begin)))
    months = [item.row.record for item in found.items]
    urns = list(dict.fromkeys(month["consumer"] for month in months))
    known = {row.urn: row for row in await reader.nodes(urns) if row is not None}
    uses: dict[str, list[Use]] = defaultdict(list)
    for month in months:
        if month["consumer"] in known:
            uses[month["consumer"]] += _used(month["days"], begin.isoformat())
    return _source([(known[urn], used) for urn, used in uses.items() if used], (root.urn, span))


asset_usage: Any = strawberry.field(
    description="How much it was used and by whom; what consumers use that the viewer may not know of does not count.",
    resolver=_usage,
)


def _source(by_consumer: Sequence[tuple[Row, list[Use]]], scope: tuple[Any, ...]) -> dict[str, Any]:
    """The source of a :class:`Usage`."""
    every = [use for _, used in by_consumer for use in used]
    days: dict[str, list[Counts]] = defaultdict(list)
    for day, counts in every:
        days[day].append(counts)
    return {
        **_total(counts for _, counts in every),
        "distinctConsumers": len(by_consumer),
        "items": sorted((_item(*each) for each in by_consumer), key=lambda item: item.position),
        "byDay": [{"day": day, **_total(days[day])} for day in sorted(days)],
        "lastUsedAt": max(days, default=None),
        "scope": scope,
    }


def _item(consumer: Row, used: Sequence[Use]) -> Item:
    total = _total(counts for _, counts in used)
    node = {"consumer": consumer, **total, "lastUsedAt": max(day for day, _ in used)}
    return Item(consumer, (-(total["reads"] + total["calls"]), consumer.urn), node)


def _used(days: Mapping[str, Counts], begin: str) -> list[Use]:
    """The days from ``begin`` on which there was any usage."""
    return [(day, counts) for day, counts in days.items() if day >= begin and any(map(counts.get, COUNTERS))]


def _total(counts: Iterable[Counts]) -> dict[str, Any]:
    """The sums of counters; a cost that nobody gave stays unknown."""
    days = list(counts)
    costs = [day["costUsd"] for day in days if "costUsd" in day]
    return {
        "reads": fsum(day.get("reads", 0) for day in days),
        "calls": fsum(day.get("calls", 0) for day in days),
        "costUsd": fsum(costs) if costs else None,
    }


def _month(day: date) -> int:
    """When the month of a day begins, in epoch milliseconds."""
    return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * 1000
