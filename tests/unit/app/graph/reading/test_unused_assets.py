"""Assets without usage: decided by the index, or by the services visible to the caller."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.estates.plain_rows import plain_row
from support.loop_iterations import LoopIterations
from support.stores.writers import NOW, person, shipped_policy

from app.graph.reading.access.row_conditions import RowConditions
from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.level.level_batcher import LISTINGS_AT_ONCE, LevelBatcher, LevelRequest, LevelResponse
from app.graph.reading.unused_assets import UndecidedAssets, UnusedAssets, unused_by_index
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.ports.conditions import ALWAYS, All, AnyOf, Condition, In, UnusedFor, matches
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.turns import loop_turns
from graphql_schema.rules.usage_days import begin_of
from policies.errors import LimitError

BEGIN = date(2026, 3, 10)
"""The first day of the window."""

days = st.integers(-60, 5).map(lambda offset: BEGIN + timedelta(days=offset))


@dataclass(frozen=True)
class Usage:
    """An asset: the day of its begin, the days of use by teams and users, and by visible and hidden services."""

    begins: date
    open: tuple[date, ...]
    visible: tuple[date, ...]
    hidden: tuple[date, ...]

    def unused(self, *, sees_all: bool) -> bool:
        """Return whether the asset is unused for the caller: the definition."""
        used = (*self.open, *self.visible, *(self.hidden if sees_all else ()))
        return max(used) < BEGIN if used else self.begins < BEGIN

    def meets(self, condition: Condition) -> bool:
        """Return whether the index finds the asset by a condition."""
        values = {"begins": begin_of(self.begins)}
        for key, used in (("usedAt", self.open), ("servedAt", (*self.visible, *self.hidden))):
            values[key] = begin_of(max(used)) if used else 0
        return matches(condition, values.get)


few = st.lists(days, max_size=2).map(tuple)
usages = st.builds(Usage, days, few, few, few)


@given(usages)
def test_the_index_decides_everything_for_a_caller_who_sees_all(usage: Usage) -> None:
    """Without hidden services, the condition is the definition."""
    assert usage.meets(unused_by_index(BEGIN, sees_all=True)) is usage.unused(sees_all=True)


@given(usages)
def test_usage_by_services_decides_the_rest(usage: Usage) -> None:
    """An asset is unused if the index says so, or if it is undecided and its visible uses since a month say so."""
    found = usage.meets(unused_by_index(BEGIN, sees_all=False))
    for young in (False, True):
        undecided = UndecidedAssets(ALWAYS, BEGIN, young)
        if usage.meets(undecided.condition()):
            assert not found
            read = [day.isoformat() for day in usage.visible if begin_of(day) >= undecided.since]
            found = undecided.is_unused(max(read, default=None))
    assert found is usage.unused(sees_all=False)


@dataclass
class EmptyBatcher:
    """Answers each request as a store without assets does, and keeps the number of its listings."""

    instant: ReadTime = field(default_factory=lambda: ReadTime(NOW))
    budget: OperationBudget = field(default_factory=OperationBudget)
    requested: list[int] = field(default_factory=list)

    async def fetch(self, request: LevelRequest) -> LevelResponse:
        """Return empty listings and hops."""
        self.requested.append(len(request.listings))
        return LevelResponse([{} for _ in request.hops], {}, [{"x": []} for _ in request.listings])


def unused_assets(batcher: EmptyBatcher, *, sees_all: bool = False) -> UnusedAssets:
    """Return the resolution for an engineer, or for a caller who discovers every asset."""
    caller = person("root", roles="admin") if sees_all else person("ada", "team ranking", roles="engineer")
    policy = RowPolicy(shipped_policy().access(caller), "default", PolicyReport("v1"))
    return UnusedAssets(VisibleRows(cast("LevelBatcher", batcher), policy))


def filters(number: int, *days: UnusedFor) -> list[Condition]:
    """Return as many different conditions, each with all these days in alternatives."""
    return [All((In("name", (str(each),)), AnyOf(days))) for each in range(number)]


DAYS = (UnusedFor(7), UnusedFor(30), UnusedFor(30, unread=True))
"""The days of a filter, which take three listings each, and two if `unread`."""


@pytest.mark.parametrize(("sees_all", "within"), [(False, 187), (True, 750)])
async def test_too_many_listings_are_refused_before_one_is_made(
    monkeypatch: pytest.MonkeyPatch, *, sees_all: bool, within: int
) -> None:
    """An operation reads 1,500 listings: what is beyond takes no work, and what is within is read."""
    batcher = EmptyBatcher()
    await unused_assets(batcher, sees_all=sees_all).resolve(filters(within, *DAYS))
    assert sum(batcher.requested) == within * (2 if sees_all else 8)
    made = LoopIterations()
    monkeypatch.setattr(RowConditions, "mask", made.observed("mask", RowConditions.mask))
    with pytest.raises(LimitError, match=f"{within * (2 if sees_all else 8) + (2 if sees_all else 8)} listings"):
        await unused_assets(EmptyBatcher(), sees_all=sees_all).resolve(filters(within + 1, *DAYS))
    assert not made.of


async def test_usage_records_are_examined_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One asset may have 50,000 of them: 0.3 s of the side thread, for which others wait."""
    days = ["2025-06-02", "2024-11-30", "2025-06-01"]
    months: dict[int, Any] = {vid: {"days": {day: {"reads": 1}}} for vid, day in enumerate(days, 100)}
    service = plain_row("SERVICE", "api", vid=200)
    rows = {1: plain_row("DATASET", "a", vid=1), 200: service} | {
        vid: plain_row("USAGE_MONTH", f"u{vid}", vid=vid, **values) for vid, values in months.items()
    }
    edges: list[dict[int, list[Any]]] = [{1: [(vid, {}) for vid in months]}, {vid: [(200, {})] for vid in months}]
    assets, response, found = unused_assets(EmptyBatcher()), LevelResponse(edges, {}, [{"x": [1]}]), []
    monkeypatch.setattr(assets._rows, "found", lambda vids, _: [rows[vid] for vid in vids])  # noqa: SLF001 - all visible

    def examined(begin: date) -> Iterator[None]:
        undecided = [UndecidedAssets(ALWAYS, begin, young=False)]
        found.append((yield from assets._all_unused_ids(undecided, response)))  # noqa: SLF001 - its pauses

    assert [len([*examined(date(2025, 6, day))]) for day in (2, 3)] == [len(days)] * 2
    assert found == [[()], [(rows[1].urn,)]]


async def test_listings_are_made_in_turns_and_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The filters of one level are made in turns, and a request has LISTINGS_AT_ONCE: the store does not interrupt it.

    The filters of one page have one request for what is undecided, and one for what is in use.
    """
    batcher = EmptyBatcher()
    (found,) = await unused_assets(batcher).resolve(filters(1, *DAYS))
    assert batcher.requested == [6, 2]
    assert [*found] == [*DAYS]
    batcher.requested.clear()
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)  # each listing is a turn
    iterations = LoopIterations()
    monkeypatch.setattr(RowConditions, "mask", iterations.observed("mask", RowConditions.mask))
    async with iterations.counting():
        resolved = await unused_assets(batcher).resolve([*filters(60, *DAYS), ALWAYS, *filters(60, *DAYS)])
    assert batcher.requested == [LISTINGS_AT_ONCE] * 3 + [60, LISTINGS_AT_ONCE, 20]
    assert len(iterations.of["mask"]) == sum(batcher.requested)
    assert resolved[:60] == resolved[61:]
    assert not resolved[60]
