"""Usage of an asset and its consumers, added up from daily counters."""

from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import Annotated, NamedTuple, Union

import strawberry

from graphql_schema.catalog.relations import USAGE_OF
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.connection import After, Connection, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, stored_field
from graphql_schema.fields.refs import ServiceRef, TeamRef, UserRef
from graphql_schema.fields.scalars import Day
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject, Position, Record
from graphql_schema.ports.relation_query import ALL_IN_PARTS, RelationQuery, newest_first, slice_page
from graphql_schema.ports.row import PageItem, Row
from graphql_schema.ports.turns.sorted_parts import sorted_in_parts
from graphql_schema.rules.money import MoneySum
from graphql_schema.rules.usage_days import Counts, begin_of, has_usage
from graphql_schema.usage.exact_sum import ExactSum
from policies.errors import InvalidError

MAX_DAYS = 400
"""Maximal number of days that one result adds up."""


MANY_MONTHS = 100
"""Number of usage records above which their days are examined in the side thread; that many take about 8 ms."""


MANY_COUNTS = 500
"""Number of counters of one day that are added up between two pauses; that many take about a millisecond."""


ROW_BYTES = 400
"""Bytes of memory, by estimate, of the usage of one day, or of one consumer."""


MONTHS = newest_first(USAGE_OF.into("UsageMonth"))
"""From an asset to its usage records, newest month first."""


Consumer = Annotated[
    Union[TeamRef, UserRef, ServiceRef],  # noqa: UP007 - strawberry reads unions so
    strawberry.union("Consumer", description="A team, user or service that uses an asset."),
]
"""A team, user or service that uses an asset."""


Days = Annotated[
    int | None,
    strawberry.argument(
        description="Number of days in UTC, up to and including `to` if given, else today or the day of `asOf`; 1 to "
        f"{MAX_DAYS}. Without effect if `from` is given."
    ),
]


From = Annotated[
    Day | None,
    strawberry.argument(
        name="from", description=f"The first day, in UTC, at most {MAX_DAYS - 1} days before `to`; replaces `days`."
    ),
]


To = Annotated[
    Day | None,
    strawberry.argument(description="The last day, in UTC, included. Default: today, or the day of `asOf`."),
]


Use = tuple[str, Counts]
"""A day in ISO format, and its counters."""


Month = Record
"""Record of the usage of one asset by one consumer in one month."""


class Months(NamedTuple):
    """Usage records; ``complete`` is false if some were left out, because they are too many to read."""

    records: Sequence[Month]
    complete: bool


def _reads() -> SchemaField:
    return stored_field("Number of reads.")


def _calls() -> SchemaField:
    return stored_field("Number of calls.")


def _cost() -> SchemaField:
    return stored_field(
        "Cost in US dollars: the exact decimal sum, rounded once to a millionth; null if no day with usage has a cost."
    )


def _last() -> SchemaField:
    return stored_field("The last day with usage among the requested days; null if there is none.")


@strawberry.type(description="Usage on one day.")
class UsageByDay:
    """Usage on one day."""

    day: Day = stored_field("The day, in UTC.")
    reads: float = _reads()
    calls: float = _calls()
    cost_usd: float | None = _cost()


@strawberry.type(description="Usage by one consumer.")
class UsageByConsumer:
    """Usage by one consumer."""

    consumer: Consumer | None = stored_field("The team, user or service.")
    reads: float = _reads()
    calls: float = _calls()
    cost_usd: float | None = _cost()
    last_used_at: Day | None = _last()


async def _consumers(root: Parent, info: Info, first: First = 20, after: After = None) -> Resolved:
    """Return a page of the consumers of a :class:`Usage`."""
    page, binding = page_request_of(info, first, after, *root["scope"])
    return ConnectionSource(slice_page(root["items"], page), page, binding, lambda item: item.edge)


@strawberry.type(description="Usage over some days by consumers that are visible to the viewer.")
class Usage:
    """Usage over some days by consumers that are visible to the viewer."""

    reads: float = _reads()
    calls: float = _calls()
    cost_usd: float | None = _cost()
    distinct_consumers: int = stored_field("Number of visible consumers with usage.")
    consumers: Connection[UsageByConsumer] = strawberry.field(
        description="Usage by consumer, ordered by the sum of reads and calls, most first; ties by id.",
        resolver=_consumers,
    )
    by_day: list[UsageByDay] = stored_field("Usage by day, oldest first; days without usage are left out.")
    last_used_at: Day | None = _last()
    complete: bool = stored_field(
        "Whether all usage records of these days were added up: one for each asset, consumer and month. If not, some "
        "are left out, because they, or the assets, are too much to read; request fewer days, or single sub-teams or "
        "assets."
    )


async def _usage(root: Parent, info: Info, days: Days = 30, from_: From = None, to: To = None) -> Resolved:
    span = span_of(info, days, from_, to)
    return await info.context.once(("usage", root.vid, span), lambda: _usage_of(root, info, span))


asset_usage: SchemaField = strawberry.field(
    description="Usage of the asset over some days; consumers that are not visible to the viewer do not count.",
    resolver=_usage,
)


async def _usage_of(root: Row, info: Info, span: "Span") -> JsonObject:
    """Return the source of the usage of an asset."""
    months = await months_of(info, [root], MONTHS, span)
    known = await consumers_of(info, months)
    return await added_up_in_turn(info.context.budget, months, known, span, (root.urn,))


@dataclass(frozen=True, slots=True)
class Span:
    """A number of ``days`` in UTC, up to the day ``last`` inclusive; ``fixed``: the caller gave `from` or `to`."""

    days: int
    last: date
    fixed: bool = False

    @property
    def first(self) -> date:
        """First day of the span."""
        return self.last - timedelta(days=self.days - 1)

    @property
    def scope(self) -> Position:
        """The values that a cursor is bound to; cursors of a span that is not ``fixed`` stay valid on the next day."""
        return (self.days, self.last.isoformat()) if self.fixed else (self.days,)


def span_of(info: Info, days: int | None, first: str | None = None, last: str | None = None) -> Span:
    """Return the days from ``first`` to ``last``; without ``first``, the ``days`` days that end with ``last``.

    ``last`` None is the day of the read time, ``days`` None is 30. Raises InvalidError if the number of days is out of
    range, or if ``last`` is after the day of the read time.
    """
    today = datetime.fromtimestamp(info.context.now() // 1000, UTC).date()
    end = today if last is None else date.fromisoformat(last)
    if end > today:
        raise InvalidError(f"`to` is {end}, after {today}, the day that is read; give that day or an earlier one.")
    if first is None:
        name, wanted = "`days`", 30 if days is None else days
    else:
        name, wanted = "the number of days from `from` to `to`", (end - date.fromisoformat(first)).days + 1
    if not 1 <= wanted <= MAX_DAYS:
        raise InvalidError(f"{name} is {wanted}; give 1 to {MAX_DAYS}.")
    if wanted > end.toordinal():
        raise InvalidError(f"The {wanted} days that end with `to`, {end}, begin before the calendar; give a later day.")
    return Span(wanted, end, first is not None or last is not None)


async def months_of(info: Info, rows: Sequence[Row], rel: RelationQuery, span: Span) -> Months:
    """Return the usage records that a relation reaches from rows, from the month of the first day of the span on."""
    page = replace(ALL_IN_PARTS, since=begin_of(span.first.replace(day=1)))
    found = await info.context.reader.related_to_all(rows, rel, page)
    items = chain.from_iterable(each.items for each in found)
    records = [item.row.record async for item in info.context.budget.in_turns(items)]
    return Months(records, not any(each.has_next for each in found))


async def consumers_of(info: Info, months: Months) -> list[Row]:
    """Return the visible consumers of usage records."""
    urns = list({month["consumer"]: None async for month in info.context.budget.in_turns(months.records)})
    return [row for row in await info.context.reader.nodes(urns, constant_time=True) if row is not None]


async def added_up_in_turn(
    budget: OperationBudget, months: Months, known: Sequence[Row], span: Span, scope: Position
) -> JsonObject:
    """Return what :func:`added_up` returns, in a turn, and whether it is complete.

    Many usage records are added up in the side thread. The result counts as memory of the operation, which keeps it.
    """
    await budget.pause()
    steps = added_up(months.records, known, span, scope)
    found = await run_in_parts(steps, is_long=len(months.records) > MANY_MONTHS)
    budget.count_stored(ROW_BYTES * (len(found["byDay"]) + len(found["items"])))
    return {**found, "complete": months.complete}


@dataclass(slots=True)
class _Sums:
    """What is added up of some days: the sum of each counter, and the last of these days."""

    reads: ExactSum = field(default_factory=ExactSum)
    calls: ExactSum = field(default_factory=ExactSum)
    cost: MoneySum | None = None
    last: str = ""

    def add(self, counts: Sequence[Counts], last: str) -> None:
        """Add the counters of days, of which one is the ``last``."""
        self.reads.add(each["reads"] for each in counts if "reads" in each)
        self.calls.add(each["calls"] for each in counts if "calls" in each)
        costs = [each["costUsd"] for each in counts if "costUsd" in each]
        if costs:
            self.cost = self.cost or MoneySum()
            self.cost.add(costs)
        self.last = max(self.last, last)

    def add_all(self, other: "_Sums") -> None:
        """Add what was added to others."""
        self.reads.add_sum(other.reads)
        self.calls.add_sum(other.calls)
        if other.cost is not None:
            self.cost = self.cost or MoneySum()
            self.cost.add_sum(other.cost)

    def total(self) -> JsonObject:
        """Return the sums; the cost is None if no day has one."""
        cost = self.cost and self.cost.rounded()
        return {"reads": self.reads.rounded(), "calls": self.calls.rounded(), "costUsd": cost}


def added_up(
    months: Iterable[Month], known: Iterable[Row], span: Span, scope: Position
) -> Generator[None, None, JsonObject]:
    """Add up the use on the days of the span, and return the source of a :class:`Usage` without ``complete``.

    Pauses after each month, and after MANY_COUNTS of the uses of a day. Uses of consumers that are not in ``known`` are
    left out.

    ``scope`` is what the list of consumers depends on besides the days; it binds cursors, as in
    :func:`graphql_schema.fields.connection.page_request_of`.
    """
    rows = {row.urn: row for row in known}
    consumers, days, every = defaultdict[str, _Sums](_Sums), defaultdict[str, list[Counts]](list), _Sums()
    for month in months:
        used = used_days(month["days"], span) if month["consumer"] in rows else []
        for day, counts in used:
            days[day].append(counts)
        if used:
            consumers[month["consumer"]].add([counts for _, counts in used], max(day for day, _ in used))
        yield
    items = []
    for urn, sums in consumers.items():
        every.add_all(sums)
        items.append(_item(rows[urn], sums))
        yield
    ordered = yield from sorted_in_parts(items, attrgetter("position"))
    by_day = []
    for day in sorted(days):
        of_day = _Sums()
        for begin in range(0, len(days[day]), MANY_COUNTS):
            of_day.add(days[day][begin : begin + MANY_COUNTS], day)
            yield
        by_day.append({"day": day, **of_day.total()})
    return {
        **every.total(),
        "distinctConsumers": len(items),
        "items": ordered,
        "byDay": by_day,
        "lastUsedAt": max(days, default=None),
        "scope": (*scope, *span.scope),
    }


def _item(consumer: Row, sums: _Sums) -> PageItem:
    """Return the item of one consumer, at its position: the most usage first, then by id."""
    total = sums.total()
    node = {"consumer": consumer, **total, "lastUsedAt": sums.last}
    return PageItem(consumer, (-(total["reads"] + total["calls"]), consumer.urn), node)


def used_days(days: Mapping[str, Counts], span: Span) -> list[Use]:
    """Return the days of a span on which there was usage, with their counters."""
    first, last = span.first.isoformat(), span.last.isoformat()
    return [(day, counts) for day, counts in days.items() if first <= day <= last and has_usage(counts)]
