"""Assets that nobody has used for some days: what ``("idle", "usedAt", days)`` of a listing means to its caller.

The index holds the last day of use by teams and users, whom everybody may know of, and apart from that by services.
That decides most assets. What a service uses that the caller may not know of counts nowhere, and who knows of which
service is no matter of an index; so where services make the difference, their months are read and judged, in one
request before that of the listing, and what turns out to be idle all the same is named to the index by its id. Whoever
may know of everything is spared that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from app.graph.reading.level.hop_plan import HopSpec, adjacency
from app.graph.reading.level.index_filter import alive, filter_of, mask_condition, rows_clause
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import EDGE_CAP
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.kinds import ATTACHED_KINDS, KINDS
from graphql_schema.catalog.relations import USAGE_OF, USED_BY
from graphql_schema.ports.conditions import Condition, ListingQuery
from graphql_schema.ports.row import AccessGrade
from graphql_schema.rules.usage_days import begin_of, has_usage
from policies.errors import InvalidError, LimitError
from policies.predicate import Everything, Predicate, conjunction

MAX_UNDECIDED: Final = 1_000
"""Assets of one listing that may be idle or not, depending on services that the caller may know of or not."""

_MONTHS: Final = HopSpec("in", (USAGE_OF.name,), (ATTACHED_KINDS["UsageMonth"].code,), 0)
_SERVICES: Final = HopSpec("out", (USED_BY.name,), (KINDS["Service"].code,), 0)


@dataclass(frozen=True, slots=True)
class UndecidedAssets:
    """Assets of a listing, of which the usage by services that the caller knows of decides.

    ``young`` are those that are too young to be idle unless they were used before.
    """

    where: Condition
    begin: date
    young: bool

    def clause(self) -> Condition:
        """Which assets these are, by what the index knows."""
        at = begin_of(self.begin)
        if self.young:
            return ("and", ("below", "usedAt", 1), ("above", "servedAt", 0), ("above", "begins", at - 1))
        old: Condition = ("or", ("above", "usedAt", 0), ("below", "begins", at))
        return ("and", ("below", "usedAt", at), ("above", "servedAt", at - 1), old)

    def idle(self, last: str | None) -> bool:
        """Whether an asset is, that services which the caller knows of used last on this day, if ever."""
        return not self.young if last is None else last < self.begin.isoformat()

    @property
    def since(self) -> int:
        """The first month that matters."""
        return 0 if self.young else begin_of(self.begin.replace(day=1))


class UnusedAssets:
    """Settles what is idle in the listings of one operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._judge = rows.row_policy
        self._today = datetime.fromtimestamp(rows.now // 1000, UTC).date()

    async def settled(self, listings: Sequence[ListingQuery]) -> list[ListingQuery]:
        """The listings with clauses that the index answers for the caller; raises LimitError where too much is unsure.

        What asks for nothing of the sort stays as it is.
        """
        asked = {(listing.where, days): None for listing in listings for days in _days(listing.where)}
        if not asked:
            return list(listings)
        if self._judge.instant.past:
            raise InvalidError("`unusedForDays` counts back from today; leave it out, or `asOf`.")
        unsure = [
            UndecidedAssets(where, self._begin(days), young)
            for where, days in asked
            for young in (False, True)
            if not self._knows_all
        ]
        found = iter(await self._found(unsure) if unsure else [()] * 2 * len(asked))
        named = {key: (*next(found), *next(found)) for key in asked}
        return [replace(each, where=self._settle(each.where, each.where, named)) for each in listings]

    @property
    def _knows_all(self) -> bool:
        return isinstance(self._judge.rows_filter(), Everything)

    def _begin(self, days: int) -> date:
        return self._today - timedelta(days=days - 1)

    def _shown(self) -> Predicate:
        """The rows on which the caller sees what being idle is made of."""
        return conjunction((self._judge.shown("usedAt"), self._judge.shown("begins")))

    def _settle(
        self, clause: Condition, where: Condition, named: dict[tuple[Condition, int], tuple[str, ...]]
    ) -> Condition:
        """A part of a listing's clause, with what is idle told as far as the caller may know it."""
        op, *rest = clause
        if op in {"and", "or", "not"}:
            return (op, *(self._settle(part, where, named) for part in rest))
        if op != "idle":
            return clause
        at = begin_of(self._begin(rest[1]))
        used: tuple[Condition, ...] = (("above", "usedAt", 0), *([("above", "servedAt", 0)] if self._knows_all else []))
        sure: Condition = ("and", ("below", "usedAt", at), ("below", "servedAt", at),
                        ("or", *used, ("below", "begins", at)), rows_clause(self._shown()))  # fmt: skip
        return ("settled", ("or", sure, ("in", "urn", named[where, rest[1]])))

    async def _found(self, unsure: Sequence[UndecidedAssets]) -> list[tuple[str, ...]]:
        """The ids of those that are idle as far as the caller may know, of each lot; one request for all."""
        hops = [hop for number, each in enumerate(unsure) for hop in _hops(number, each.since)]
        answer = await self._rows.fetch(LevelRequest(hops=hops, listings=[self._listing(each) for each in unsure]))
        return [tuple(self._idle(number, each, answer)) for number, each in enumerate(unsure)]

    def _listing(self, unsure: UndecidedAssets) -> dict[str, Any]:
        """The index query for them: whatever else the listing asks, and nothing whose usage the caller may not see."""
        discovered = self._judge.rows_filter()
        where = mask_condition(_relaxed(unsure.where, wanted=True), self._judge.shown, discovered)
        living = alive(self._judge.instant, self._judge.shown, discovered)
        seen = (where, unsure.clause(), rows_clause(self._shown()), living, rows_clause(discovered))
        return {"f": filter_of(*seen), "o": "urn", "d": False, "n": MAX_UNDECIDED + 1, "c": False, "t": []}

    def _idle(self, number: int, unsure: UndecidedAssets, answer: LevelResponse) -> Iterator[str]:
        """Of the assets in an answer, those that no service which the caller knows of has used of late."""
        vids = answer.listings[number]["x"]
        if len(vids) > MAX_UNDECIDED:
            raise LimitError(
                f"More than {MAX_UNDECIDED} assets need their usage read to decide `unusedForDays`; narrow the filter, "
                "by `kinds`, `ownerTeams` or `domains`.",
                limit=MAX_UNDECIDED,
            )
        months, services = (adjacency(answer.edges[2 * number + step]) for step in (0, 1))
        for asset in self._rows.found(vids, answer):
            if asset.access.grade is not AccessGrade.READ or "usage" in asset.access.hidden:
                continue
            known = [
                month
                for month, _ in months.get(asset.vid, ())
                if self._rows.found([vid for vid, _ in services.get(month, ())], answer)
            ]
            days = (row.record["days"] for row in self._rows.found(known, answer))
            used = (day for each in days for day, counts in each.items() if has_usage(counts))
            if unsure.idle(max(used, default=None)):
                yield asset.urn


def _hops(number: int, since: int) -> Iterator[dict[str, Any]]:
    """From the assets that a listing of a question finds to their months, and on to the services that used them."""
    yield replace(_MONTHS, parent=-2 - number).wire((), t=True, n=EDGE_CAP, since=since)
    yield replace(_SERVICES, parent=2 * number).wire(())


def _days(clause: Condition) -> Iterator[int]:
    """The numbers of days that a clause asks for."""
    op, *rest = clause
    if op == "idle":
        yield rest[1]
    elif op in {"and", "or", "not"}:
        for part in rest:
            yield from _days(part)


def _relaxed(clause: Condition, *, wanted: bool) -> Condition:
    """What a clause asks beside who is idle: no less than it finds; ``wanted`` is false under a `not`."""
    op, *rest = clause
    if op == "not":
        return ("not", _relaxed(rest[0], wanted=not wanted))
    if op in {"and", "or"}:
        return (op, *(_relaxed(part, wanted=wanted) for part in rest))
    return clause if op != "idle" else ("and",) if wanted else ("or",)
