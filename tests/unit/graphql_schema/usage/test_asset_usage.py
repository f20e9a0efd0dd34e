"""Usage of an asset: the counters of its days, added up by consumer and by day."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strawberry.types import ExecutionResult
from support.estates.plain_rows import plain_row
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import Row, RowPage
from graphql_schema.ports.turns import loop_turns
from graphql_schema.usage.asset_usage import MANY_COUNTS, ROW_BYTES, Months, Span, added_up, added_up_in_turn

Run = Callable[..., Awaitable[ExecutionResult]]
ADS, SEARCH, BO = plain_row("TEAM", "ads"), plain_row("TEAM", "search"), plain_row("USER", "bo")
SPAN = Span(3, date(2026, 11, 24))


def month(consumer: Row, **days: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a consumer's month; ``d24`` are the counters of 2026-11-24."""
    return {"consumer": consumer.urn, "days": {f"2026-11-{day[1:]}": counts for day, counts in days.items()}}


def usage(*months: dict[str, Any], known: Sequence[Row] = (ADS, SEARCH, BO)) -> dict[str, Any]:
    """Return the usage over the span, as its GraphQL type reads it."""
    found = run_at_once(added_up(months, known, SPAN, ("scope",)))
    found["consumers"] = [(item.row.record["name"], dict(item.edge or {})) for item in found.pop("items")]
    return found


def test_a_span_ends_with_its_last_day() -> None:
    """Today is one of the days, so three days end with today and begin the day before yesterday."""
    assert SPAN.first == date(2026, 11, 22)
    assert Span(1, date(2026, 3, 1)).first == date(2026, 3, 1)


def test_counters_are_added_up_by_consumer_and_by_day() -> None:
    """The heaviest consumer comes first, then by id; days are in order, and a day without usage is left out."""
    found = usage(
        month(BO, d23={"reads": 4}, d24={"calls": 3}),
        month(ADS, d24={"reads": 1, "costUsd": 0.5}),
        month(SEARCH, d22={"reads": 1, "costUsd": 0.25}, d23={"reads": 0}),
    )
    assert (found["reads"], found["calls"], found["costUsd"], found["distinctConsumers"]) == (6, 3, 0.75, 3)
    assert found["byDay"] == [
        {"day": "2026-11-22", "reads": 1, "calls": 0, "costUsd": 0.25},
        {"day": "2026-11-23", "reads": 4, "calls": 0, "costUsd": None},
        {"day": "2026-11-24", "reads": 1, "calls": 3, "costUsd": 0.5},
    ]
    assert found["lastUsedAt"] == "2026-11-24"
    assert [name for name, _ in found["consumers"]] == ["bo", "ads", "search"]
    assert found["consumers"][0][1] == {
        "consumer": BO,
        "reads": 4,
        "calls": 3,
        "costUsd": None,
        "lastUsedAt": "2026-11-24",
    }
    assert found["scope"] == ("scope", 3)


def test_days_outside_the_span_do_not_count() -> None:
    """A month may begin before the span, or continue after the instant of ``asOf``."""
    found = usage(month(ADS, d21={"reads": 1}, d22={"reads": 2}, d24={"reads": 4}, d25={"reads": 8}))
    assert (found["reads"], found["lastUsedAt"]) == (6, "2026-11-24")


def test_a_hidden_consumer_does_not_count() -> None:
    """Neither its counters nor its days are added, and a consumer without usage in the span is none."""
    found = usage(
        month(ADS, d24={"reads": 1}), month(BO, d23={"reads": 9}), month(SEARCH, d21={"reads": 1}), known=[ADS, SEARCH]
    )
    assert (found["reads"], found["distinctConsumers"], [each["day"] for each in found["byDay"]]) == (
        1,
        1,
        ["2026-11-24"],
    )


def test_without_usage_costs_are_unknown() -> None:
    """Counts are zero, and a cost that no client recorded stays null."""
    assert usage() == {
        "reads": 0,
        "calls": 0,
        "costUsd": None,
        "distinctConsumers": 0,
        "byDay": [],
        "lastUsedAt": None,
        "scope": ("scope", 3),
        "consumers": [],
    }


def test_months_of_one_consumer_are_joined() -> None:
    """A span over the end of a month reads two records of a consumer, who is counted once."""
    found = usage(month(ADS, d23={"reads": 1}), month(ADS, d24={"reads": 2}))
    assert (found["reads"], found["distinctConsumers"]) == (3, 1)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ADS, SEARCH, BO]),
            st.integers(20, 26),
            st.integers(0, 9),
            st.sampled_from([None, 0.5, 0.0]),
        ),
        max_size=8,
    )
)
def test_totals_are_the_sums_of_the_days_and_of_the_consumers(uses: list[tuple[Row, int, int, float | None]]) -> None:
    """Over any usage, total, days and consumers agree with a loop over the records."""
    months = [
        month(who, **{f"d{day}": {"reads": reads} | ({} if cost is None else {"costUsd": cost})})
        for who, day, reads, cost in uses
    ]
    counted = [(who, reads, cost) for who, day, reads, cost in uses if 22 <= day <= 24 and (reads or cost)]
    costs = [cost for _, _, cost in counted if cost is not None]
    found = usage(*months)
    assert found["reads"] == sum(reads for _, reads, _ in counted) == sum(day["reads"] for day in found["byDay"])
    assert found["reads"] == sum(values["reads"] for _, values in found["consumers"])
    assert found["costUsd"] == (sum(costs) if costs else None)
    assert found["distinctConsumers"] == len({who.urn for who, _, _ in counted})


class UsageGraph(PlainGraph):
    """A dataset that two teams used, one of them hidden, on a day and 30 days before; keeps the pages that it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[PageRequest] = []
        self.is_cut = False
        clicks, team = self.add("DATASET", "clicks"), self.add("TEAM", "search")
        for consumer, counts in ((team, {"reads": 5}), ("mlg://team/test/default/hidden", {"reads": 7})):
            days = {"2024-11-24": counts, "2024-10-25": counts}
            name = consumer.rpartition("/")[2]
            self.join("USAGE_OF", self.add("USAGE_MONTH", name, consumer=consumer, days=days), clicks, at=1)

    async def related(self, source: Row, related: RelationQuery, page: PageRequest) -> RowPage:
        """See GraphReader."""
        self.pages.append(page)
        return replace(await super().related(source, related, page), has_next=self.is_cut)


USAGE = """query ($id: ID!, $days: Int) { asset(id: $id, asOf: "2024-11-24T12:00:00Z") { usage(days: $days) {
  reads distinctConsumers consumers { totalCount nodes { consumer { ... on Team { id } } reads } } } } }"""
CLICKS = "mlg://dataset/test/default/clicks"


@pytest.fixture
def graph() -> UsageGraph:
    """Return the dataset with its usage."""
    return UsageGraph()


@pytest.mark.parametrize(("days", "reads"), [(None, 5), (30, 5), (31, 10), (1, 5), (400, 10)])
async def test_the_last_days_are_added_up(run: Run, days: int | None, reads: int) -> None:
    """The day of ``asOf`` and those before it, 30 unless another number is given; a hidden team is no consumer."""
    found = await run(USAGE, id=CLICKS, days=days)
    assert found.errors is None
    assert found.data["asset"]["usage"] == {
        "reads": reads,
        "distinctConsumers": 1,
        "consumers": {
            "totalCount": 1,
            "nodes": [{"consumer": {"id": "mlg://team/test/default/search"}, "reads": reads}],
        },
    }


async def test_only_months_of_the_span_are_read(run: Run, graph: UsageGraph) -> None:
    """Months are read from the begin of the first one on, in parts if they are very many."""
    await run(USAGE, id=CLICKS, days=1)
    first = datetime(2024, 11, 1, tzinfo=UTC)
    assert [(page.first, page.since, page.in_parts) for page in graph.pages] == [
        (None, int(first.timestamp()) * 1_000, True)
    ]


@pytest.mark.parametrize("days", [0, 401, -1])
async def test_a_span_has_1_to_400_days(run: Run, days: int) -> None:
    """More days are refused as invalid, before anything is read."""
    found = await run(USAGE, id=CLICKS, days=days)
    assert found.errors[0].extensions == {"code": "INVALID"}


BETWEEN = USAGE.replace("$days: Int", "$from: Date, $to: Date, $days: Int").replace(
    "days: $days", "from: $from, to: $to, days: $days"
)


@pytest.mark.parametrize(
    ("given", "reads"),
    [
        ({"from": "2024-10-25"}, 10),
        ({"from": "2024-10-26"}, 5),
        ({"from": "2024-10-25", "to": "2024-11-23"}, 5),
        ({"from": "2024-11-24", "to": "2024-11-24"}, 5),
        ({"from": "2024-10-26", "to": "2024-11-23"}, 0),
        ({"to": "2024-11-23"}, 5),
        ({"to": "2024-11-23", "days": 29}, 0),
        ({"from": "2024-10-25", "days": 1}, 10),
    ],
)
async def test_days_are_added_up_from_one_to_another(run: Run, given: dict[str, Any], reads: int) -> None:
    """Both days are included; without the first one, the number of days counts back from the last one."""
    found = await run(BETWEEN, id=CLICKS, **given)
    assert found.errors is None
    assert found.data["asset"]["usage"]["reads"] == reads


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"from": "2024-11-24", "to": "2024-11-23"}, "the number of days from `from` to `to` is 0; give 1 to 400"),
        ({"from": "2023-10-21"}, "the number of days from `from` to `to` is 401; give 1 to 400"),
        ({"to": "0001-01-02", "days": 3}, "The 3 days that end with `to`, 0001-01-02, begin before the calendar"),
        ({"to": "2024-11-25"}, "`to` is 2024-11-25, after 2024-11-24, the day that is read"),
    ],
)
async def test_days_between_have_bounds(run: Run, given: dict[str, Any], message: str) -> None:
    """An empty or too long span, and one after the day of ``asOf``, are refused as invalid."""
    found = await run(BETWEEN, id=CLICKS, **given)
    assert found.errors[0].extensions == {"code": "INVALID"}
    assert message in found.errors[0].message


def test_cursors_are_bound_to_given_days() -> None:
    """The scope of given days contains them; that of a number of days remains valid on the next day."""
    days = date(2026, 3, 1), date(2026, 3, 2)
    assert Span(3, days[0]).scope == Span(3, days[1]).scope
    assert Span(3, days[0], fixed=True).scope != Span(3, days[1], fixed=True).scope != Span(3, days[1]).scope


async def test_usage_that_was_read_in_part_is_not_complete(run: Run, graph: UsageGraph) -> None:
    """What was read is added up, and the result says that some usage is missing."""
    query = USAGE.replace("reads distinct", "complete reads distinct")
    assert (await run(query, id=CLICKS)).data["asset"]["usage"]["complete"]
    graph.is_cut = True
    usage = (await run(query, id=CLICKS)).data["asset"]["usage"]
    assert (usage["complete"], usage["reads"]) == (False, 5)


def test_usage_is_added_up_in_parts() -> None:
    """Others have turns of the side thread after each month: the usage of a large team takes seconds."""
    months = [month(consumer, d23={"reads": 1}) for consumer in (ADS, SEARCH, BO) * 20]
    assert sum(1 for _ in added_up(months, (ADS, SEARCH), SPAN, ("scope",))) >= len(months)


def test_the_uses_of_one_day_are_added_up_in_parts() -> None:
    """Thousands of consumers use assets on one day: their counters are added up some at a time, with the same sum."""
    months = [month(ADS, d23={"reads": 0.1, "calls": 1, "costUsd": 0.1})] * (3 * MANY_COUNTS + 1)
    steps = [sum(1 for _ in added_up(given, (ADS,), SPAN, ("scope",))) for given in (months[:1], months)]
    assert steps[1] - steps[0] >= len(months) - 1 + 3
    found = usage(*months)
    assert found["byDay"] == [{"day": "2026-11-23", "reads": 150.1, "calls": 1_501, "costUsd": 150.1}]
    assert (found["reads"], found["costUsd"]) == (150.1, 150.1)


async def test_the_usage_of_many_aliases_is_added_up_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty aliases do it in one iteration of the event loop: the work of each is short, that of all is not."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)  # each turn is over when it has begun
    iterations, done = 0, list[int]()

    async def count_iterations() -> None:
        nonlocal iterations
        while True:
            iterations += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_iterations())
    budget = OperationBudget()

    async def add_up() -> None:
        await added_up_in_turn(budget, Months([], complete=True), [], SPAN, ("scope",))
        done.append(iterations)

    await asyncio.gather(*(add_up() for _ in range(5)))
    counting.cancel()
    assert len({*done}) == len(done) == 5


async def test_the_days_of_usage_count_as_memory() -> None:
    """A query keeps them for each asset and span until its end, also if it does not select them."""
    months, budget = [month(ADS, d22={"reads": 1}, d23={"reads": 2})], OperationBudget()
    found = await added_up_in_turn(budget, Months(months, complete=True), (ADS,), SPAN, ("scope",))
    assert budget.stored == ROW_BYTES * 3
    assert (len(found["byDay"]), len(found["items"])) == (2, 1)
