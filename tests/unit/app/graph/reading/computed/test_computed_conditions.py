"""Replacement of computed conditions by ids; the real conditions are tested with a store."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from support.estates.plain_rows import plain_row

from app.graph.reading.computed.computed_conditions import Computed, ComputedConditions
from app.graph.reading.listing_pages import ListingPages
from graphql_schema.execution import many_calls
from graphql_schema.ports.conditions import All, Condition, Contaminated, HealthIs, In, ListingQuery, Negated
from graphql_schema.ports.lineage_query import Completeness, SnapshotTime
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import PageItem, Row, RowPage
from policies.errors import LimitError

ROWS = {name: plain_row("DATASET", name) for name in ("good", "bad", "hidden")}
KINDS = In("kind", ("ds",))


@dataclass(frozen=True)
class Status:
    """The status of an asset, and how much of it was found."""

    status: str
    completeness: Completeness


@dataclass
class Listed:
    """Lists ROWS for every condition, and keeps the conditions."""

    conditions: list[Condition] = field(default_factory=list)

    async def page(self, listing: ListingQuery, page: PageRequest) -> RowPage:
        """Return as many of ROWS as the page has."""
        self.conditions.append(listing.where)
        rows = [*ROWS.values()][: page.first]
        return RowPage(tuple(PageItem(row, ()) for row in rows), has_next=len(rows) < len(ROWS))


def health(budgets: Mapping[str, tuple[str, ...]], maximum: int) -> Computed[HealthIs, Status]:
    """Return the health of ROWS, which is their name, with the budgets that ended its computation."""

    async def report(row: Row) -> Status:
        name = row.record["name"]
        return Status(
            name,
            Completeness(budgets.get(name, ()), policy=False, visited=0, depth=0, hidden=None, pin=SnapshotTime(0, 0)),
        )

    return Computed(
        leaf=HealthIs,
        argument="health",
        advice="`kinds`",
        maximum=maximum,
        among=KINDS,
        shows=lambda row: row.record["name"] != "hidden",
        report=report,
        is_certain=lambda report: report.status == "bad",
        meets=lambda report, leaf: report.status in leaf.statuses,
    )


async def resolved(
    where: Condition, budgets: Mapping[str, tuple[str, ...]] | None = None, *, maximum: int = 3
) -> tuple[Condition, list[Condition]]:
    """Return a condition with ids, and the conditions that were listed for it."""
    listed = Listed()
    conditions = ComputedConditions(cast("ListingPages", listed), [health(budgets or {}, maximum)], OperationBudget())
    return await conditions.resolve(where), listed.conditions


async def test_each_leaf_becomes_the_ids_that_meet_it() -> None:
    """An asset that hides the result meets no leaf; one listing of the rest of the filter is enough for all leaves."""
    rest = In("name", ("x",))
    where = All((rest, HealthIs(("good", "hidden")), Negated(HealthIs(("bad",)))))
    found, listed = await resolved(where)
    assert found == All((rest, In("urn", (ROWS["good"].urn,)), Negated(In("urn", (ROWS["bad"].urn,)))))
    assert len(listed) == 1


async def test_a_filter_without_such_a_leaf_reads_nothing() -> None:
    """Another computed leaf is left for its own computation."""
    where = All((Contaminated(wanted=True), KINDS))
    assert await resolved(where) == (where, [])


async def test_more_candidates_than_the_maximum_are_refused() -> None:
    """The error has the maximum, and the arguments that narrow the filter."""
    with pytest.raises(LimitError, match=r"at most 2 assets.*by `kinds`"):
        await resolved(HealthIs(("good",)), maximum=2)


async def test_a_result_that_a_budget_ended_is_refused_unless_it_is_certain() -> None:
    """DEPTH ends no computation early, and a certain result holds after any budget."""
    for budgets in ({"bad": ("EDGES",)}, {"good": ("DEPTH",)}, {"hidden": ("EDGES",)}):
        found, _ = await resolved(HealthIs(("bad",)), budgets)
        assert found == In("urn", (ROWS["bad"].urn,))
    with pytest.raises(LimitError, match=r"budget EDGES .* 2 assets"):
        await resolved(HealthIs(("bad",)), {"good": ("EDGES",)})


async def test_the_conditions_of_many_lists_compute_few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query of a thousand lists with a filter by health would begin two hundred thousand tasks at once."""
    monkeypatch.setattr(many_calls, "CALLS_AT_ONCE", 3)
    running, most = set[asyncio.Task[None] | None](), list[int]()
    computed = health({}, 3)

    async def report(row: Row) -> Status:
        running.add(asyncio.current_task())
        most.append(len(running))
        await asyncio.sleep(0)
        running.discard(asyncio.current_task())
        return await computed.report(row)

    counted = replace(computed, report=report)
    conditions = ComputedConditions(cast("ListingPages", Listed()), [counted], OperationBudget())
    found = await asyncio.gather(*(conditions.resolve(HealthIs(("good",))) for _ in range(20)))
    assert found == [In("urn", (ROWS["good"].urn,))] * 20
    assert max(most) <= 3
