"""Resolves :class:`~graphql_schema.ports.conditions.UnusedFor` to conditions that the index answers for one caller.

The index has two days per asset: the last use by a team or a user, who are visible to every caller, and the last use by
a service. A service may be hidden, and its uses then do not count for the caller. The two days decide most assets. For
the others the usage months by services are read, in one request before that of the listing, and the unused ones are
passed to the index by their ids. A caller who discovers every asset needs no such request.

Of the assets without usage in these days, those that are in use by the graph are excluded by their ids, unless the
condition is ``unread`` (:mod:`app.graph.reading.used_assets`).
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from app.graph.reading.access.row_conditions import NOTHING_RESOLVED, ResolvedUsage, RowConditions
from app.graph.reading.level.hop_plan import HopSpec
from app.graph.reading.level.index_filter import even_filter_of
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.level_batcher import LISTINGS_AT_ONCE, LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import EDGE_CAP
from app.graph.reading.used_assets import Candidates, UsedAssets
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.kinds import ATTACHED_KINDS, KINDS
from graphql_schema.catalog.relations import USAGE_OF, USED_BY
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.ports.conditions import (
    NEVER,
    Above,
    All,
    AnyOf,
    Below,
    Condition,
    In,
    Negated,
    UnusedFor,
    nodes,
    without,
)
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.row import AccessGrade
from graphql_schema.rules.asset_uses import KINDS_WITH_USES
from graphql_schema.rules.usage_days import begin_of, has_usage
from policies.blurred_limit import blurred
from policies.errors import InvalidError, LimitError
from policies.predicate import Everything

MAX_UNDECIDED: Final = 1_000
"""Maximum number, blurred, of assets in one :class:`UndecidedAssets`, whose usage by services is read.

Assets count that only hidden services use.
"""

_MONTHS: Final = HopSpec("in", (USAGE_OF.name,), (ATTACHED_KINDS["UsageMonth"].code,), 0)
_SERVICES: Final = HopSpec("out", (USED_BY.name,), (KINDS["Service"].code,), 0)

_WITH_USES: Final = In("kind", tuple(KINDS[name].code for name in KINDS_WITH_USES))

_UNDECIDED_LISTINGS: Final = 2
"""Number of listings of :class:`UndecidedAssets` for each request: one of young assets, and one of the others."""

_Request = tuple[Condition, UnusedFor]
"""A condition of a listing, and an :class:`UnusedFor` inside it."""


def unused_by_index(begin: date, *, sees_all: bool) -> Condition:
    """Return the condition of the assets that are unused since the day ``begin``, whichever services are visible.

    If ``sees_all`` is true, every service is visible to the caller, and the condition selects all unused assets.
    """
    at = begin_of(begin)
    used = (Above("usedAt", 0), Above("servedAt", 0)) if sees_all else (Above("usedAt", 0),)
    return All((Below("usedAt", at), Below("servedAt", at), AnyOf((*used, Below("begins", at)))))


@dataclass(frozen=True, slots=True)
class UndecidedAssets:
    """The assets of a listing that are unused or not, depending on the services that are visible to the caller.

    ``begin`` is the first day of the window. ``young`` selects the assets that began in the window and were only used
    by services. These are unused if a use is visible and the last visible one was before the window: usage may be
    recorded for days before the begin. The others are unused if no visible use was in the window.
    """

    where: Condition
    begin: date
    young: bool

    def condition(self) -> Condition:
        """Return the condition of these assets without that of the listing."""
        at = begin_of(self.begin)
        if self.young:
            return All((Below("usedAt", 1), Above("servedAt", 0), Above("begins", at - 1)))
        old = AnyOf((Above("usedAt", 0), Below("begins", at)))
        return All((Below("usedAt", at), Above("servedAt", at - 1), old))

    def is_unused(self, last_day: str | None) -> bool:
        """Return whether one of these undecided assets is unused, given the day of its last visible use by a service.

        Without such a day, it is unused unless ``young`` is set.
        """
        return not self.young if last_day is None else last_day < self.begin.isoformat()

    @property
    def since(self) -> int:
        """The start of the first usage month to read, in epoch milliseconds."""
        return 0 if self.young else begin_of(self.begin.replace(day=1))


class UnusedAssets:
    """Resolves the :class:`UnusedFor` in the conditions of one operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._policy = rows.row_policy
        self._conditions = RowConditions(rows.row_policy)
        self._today = datetime.fromtimestamp(rows.now // 1000, UTC).date()

    async def resolve(self, conditions: Sequence[Condition]) -> list[ResolvedUsage]:
        """Return the replacements of the :class:`UnusedFor` in each condition, in order.

        Without any UnusedFor, nothing is read. Raises InvalidError if the operation reads the past, LimitError if an
        :class:`UndecidedAssets` has more than :data:`MAX_UNDECIDED` assets, and the errors of :meth:`UsedAssets.ids`.
        If the operation may not read all the listings that this takes, it ends before the first one is made.
        """
        resolved: list[ResolvedUsage] = []
        known: dict[Condition, dict[UnusedFor, Condition]] = {}
        async for each in self._rows.budget.in_turns(conditions):
            inside: dict[UnusedFor, Condition] = dict.fromkeys(_unused_in(each), NEVER)
            resolved.append(known.setdefault(each, inside) if inside else NOTHING_RESOLVED)
        if not known:
            return resolved
        if self._policy.instant.past:
            raise InvalidError("`unusedForDays` counts back from today; remove `unusedForDays` or `asOf`.")
        requests = [(where, unused) for where, replaced in known.items() for unused in replaced]
        self._foresee_listings(requests)
        found = iter(await self._found(requests))
        for replaced in known.values():
            replaced.update({unused: next(found) for unused in replaced})
        return resolved

    def _foresee_listings(self, requests: Sequence[_Request]) -> None:
        """End the operation, and raise LimitError, if the listings to be read for some requests are too many."""
        budget, of_each = self._rows.budget, 0 if self._sees_all else _UNDECIDED_LISTINGS
        listings = sum(of_each + (not unused.unread) for _, unused in requests)
        if budget.listings + listings > budget.limits.listings:
            budget.count_listings(listings)

    async def _found(self, requests: Sequence[_Request]) -> list[Condition]:
        """Return the condition that replaces the UnusedFor of each request."""
        ids = await self._undecided_ids(requests)
        unread = [self._condition(unused, own) for (_, unused), own in zip(requests, ids, strict=True)]
        pairs = [(each, condition) for each, condition in zip(requests, unread, strict=True) if not each[1].unread]
        used = iter(await self._used_ids(pairs))
        found = []
        for (_, unused), condition in zip(requests, unread, strict=True):
            in_use = () if unused.unread else next(used)
            found.append(All((condition, Negated(In("urn", in_use)))) if in_use else condition)
        return found

    async def _used_ids(self, unread: Sequence[tuple[_Request, Condition]]) -> list[tuple[str, ...]]:
        """Return the ids of the assets that are in use by the graph among those without usage, for each request."""
        candidates = []
        async for (where, unused), condition in self._rows.budget.in_turns(unread):
            listed = self._conditions.mask(without(where, UnusedFor))
            filtered = even_filter_of(listed, condition, _WITH_USES, self._conditions.visible())
            candidates.append(Candidates(filtered, self._begin(unused)))
        return await UsedAssets(self._rows).ids(candidates)

    @property
    def _sees_all(self) -> bool:
        return isinstance(self._policy.rows_filter(), Everything)

    def _begin(self, unused: UnusedFor) -> date:
        return self._today - timedelta(days=unused.days - 1)

    def _usage_shown(self) -> Condition:
        """Return the condition of the rows that show their last use and their begin to the caller."""
        return self._conditions.shows("usedAt", "begins")

    def _condition(self, unused: UnusedFor, ids: tuple[str, ...]) -> Condition:
        """Return the condition that the index finds an asset unused and shows it, or that its id is in ``ids``."""
        decided = unused_by_index(self._begin(unused), sees_all=self._sees_all)
        return AnyOf((All((decided, self._usage_shown())), In("urn", ids)))

    async def _undecided_ids(self, requests: Sequence[_Request]) -> list[tuple[str, ...]]:
        """Return the ids of the undecided assets that are unused, for each request.

        All are read in one level request, unless these are more than LISTINGS_AT_ONCE listings.
        """
        if self._sees_all:
            return [() for _ in requests]
        undecided = [
            UndecidedAssets(where, self._begin(unused), young) for where, unused in requests for young in (False, True)
        ]
        found: list[tuple[str, ...]] = []
        for begin in range(0, len(undecided), LISTINGS_AT_ONCE):
            found += await self._read_undecided(undecided[begin : begin + LISTINGS_AT_ONCE])
        return [(*old, *young) for old, young in zip(found[::2], found[1::2], strict=True)]

    async def _read_undecided(self, undecided: Sequence[UndecidedAssets]) -> list[tuple[str, ...]]:
        """Return the ids of the unused assets of each element, by one level request."""
        hops = [hop for number, each in enumerate(undecided) for hop in _hops(number, each.since)]
        listings = [self._index_query(each).wire() async for each in self._rows.budget.in_turns(undecided)]
        response = await self._rows.fetch(LevelRequest(hops=hops, listings=listings))
        with self._rows.budget.reading_on():
            return await run_in_parts(self._all_unused_ids(undecided, response), between=self._rows.budget.check)

    def _all_unused_ids(
        self, undecided: Sequence[UndecidedAssets], response: LevelResponse
    ) -> Generator[None, None, list[tuple[str, ...]]]:
        """Return the result of :meth:`_unused_ids` for each element; the response may have very many usage records."""
        found = []
        for number, each in enumerate(undecided):
            found.append(tuple((yield from self._unused_ids(number, each, response))))
        return found

    def _index_query(self, undecided: UndecidedAssets) -> IndexQuery:
        """Return the listing of undecided assets, without those that hide their usage from the caller."""
        listed = self._conditions.mask(without(undecided.where, UnusedFor))
        where = even_filter_of(listed, undecided.condition(), self._usage_shown(), self._conditions.visible())
        return IndexQuery(where, MAX_UNDECIDED + 1)

    def _unused_ids(
        self, number: int, undecided: UndecidedAssets, response: LevelResponse
    ) -> Generator[None, None, list[str]]:
        """Return the URNs of the undecided assets that are unused, by the visible usage in the response.

        Pauses after each usage record. Raises LimitError if the listing has more than :data:`MAX_UNDECIDED` assets.
        """
        vids = response.listings[number]["x"]
        if len(vids) > blurred(MAX_UNDECIDED):
            raise LimitError(
                f"More than {MAX_UNDECIDED} assets need their usage read to decide `unusedForDays`; narrow the filter, "
                "by `kinds`, `ownerTeams` or `domains`.",
                limit=MAX_UNDECIDED,
            )
        found, (months, services) = [], (response.edges[2 * number + step] for step in (0, 1))
        for asset in self._rows.found(vids, response):
            if asset.access.grade is not AccessGrade.READ or "usage" in asset.access.hidden:
                continue
            last: str | None = None
            for month, _ in months.get(asset.vid, ()):
                if self._rows.found([vid for vid, _ in services.get(month, ())], response):
                    days = (row.record["days"] for row in self._rows.found([month], response))
                    used = [day for each in days for day, counts in each.items() if has_usage(counts)]
                    last = max([*used, last] if last else used, default=None)
                yield
            if undecided.is_unused(last):
                found.append(asset.urn)
        return found


def _hops(number: int, since: int) -> Iterator[JsonObject]:
    """Yield the hops from the assets of a listing to their usage months from ``since`` on, and on to services."""
    yield replace(_MONTHS, parent=-2 - number).wire((), t=True, n=EDGE_CAP, since=since)
    yield replace(_SERVICES, parent=2 * number).wire(())


def _unused_in(condition: Condition) -> Iterator[UnusedFor]:
    return (node for node in nodes(condition) if isinstance(node, UnusedFor))
