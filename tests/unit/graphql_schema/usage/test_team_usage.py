"""Usage by team: of what a team owns, and of what a team uses."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

import threading
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.estates.wide_lineage import noted_threads
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution.side_thread import run_aside, run_in_parts
from graphql_schema.lineage import impacted_teams
from graphql_schema.ports.conditions import ListingQuery
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import Row, RowPage
from graphql_schema.usage import asset_usage, team_usage

Run = Callable[..., Awaitable[ExecutionResult]]
SEARCH, VECTORS, ADS = (f"mlg://team/test/default/{name}" for name in ("search", "vectors", "ads"))
ADA, API = "mlg://user/test/default/ada", "mlg://service/test/default/api"
USAGE = """query ($id: ID!, $sub: Boolean) { nodes(ids: [$id], asOf: "2024-11-24T12:00:00Z") { ... on Team {
  usage(includeSubteams: $sub) { reads consumers { nodes { reads consumer { ... on Node { id } } } } }
  consumption(includeSubteams: $sub) { reads consumers { nodes { reads consumer { ... on Node { id } } } } } } } }"""

BETWEEN = """query ($id: ID!, $from: Date, $to: Date) { nodes(ids: [$id], asOf: "2024-11-24T12:00:00Z") { ... on Team {
  usage(from: $from, to: $to) { reads } consumption(from: $from, to: $to) { reads } } } }"""


class TeamGraph(PlainGraph):
    """A team with a member and a sub-team. It owns a service directly, and a dataset as its owning team only."""

    has_more_assets = False

    def __init__(self) -> None:
        super().__init__()
        for name in ("search", "vectors", "ads"):
            self.add("TEAM", name)
        self.join("PART_OF", VECTORS, SEARCH)
        self.join("MEMBER_OF", self.add("USER", "ada"), SEARCH)
        self.add("SERVICE", "api", ownerTeam="", owners=[SEARCH])
        self.clicks = self.add("DATASET", "clicks", ownerTeam=SEARCH, owners=[""])
        self.embeddings = self.add("DATASET", "embeddings", ownerTeam=VECTORS, owners=[VECTORS])
        self.orders = self.add("DATASET", "orders", ownerTeam=ADS, owners=[ADS])

    def use(self, consumer: str, asset: str, reads: int, day: str = "2024-11-24") -> None:
        """Record reads of an asset on one day."""
        month = self.add(
            "USAGE_MONTH",
            f"{consumer}-{asset}-{day}",
            consumer=consumer,
            subjects=[asset],
            days={day: {"reads": reads}},
        )
        self.join("USAGE_OF", month, asset, at=1)
        self.join("USED_BY", month, consumer, at=1)

    async def listing(self, listing: ListingQuery, page: PageRequest) -> RowPage:
        """See GraphReader."""
        found = await super().listing(listing, page)
        return RowPage(found.items, has_next=True) if self.has_more_assets else found


@pytest.fixture
def graph() -> TeamGraph:
    """Return the teams with what they own."""
    return TeamGraph()


async def usage(run: Run, field: str, *, sub: bool = False) -> dict[str, float]:
    """Return the reads of ``usage`` or ``consumption`` by consumer, which add up to the total."""
    found = await run(USAGE, id=SEARCH, sub=sub)
    assert found.errors is None
    result = found.data["nodes"][0][field]
    reads = {node["consumer"]["id"]: node["reads"] for node in result["consumers"]["nodes"]}
    assert result["reads"] == sum(reads.values())
    return reads


@pytest.mark.parametrize(
    ("fields", "times"),
    [
        ("... on Team { usage { reads } again: usage(days: 30) { lastUsedAt } }", 1),
        ("... on Team { consumption { reads } with: consumption(includeSubteams: true) { reads } }", 2),
        ("... on Dataset { usage { reads } other: usage(days: 7) { reads } }", 2),
    ],
    ids=["usage", "consumption", "asset"],
)
async def test_equal_usage_is_added_up_once(
    run: Run, graph: TeamGraph, monkeypatch: pytest.MonkeyPatch, fields: str, times: int
) -> None:
    """A team that owns hundreds of assets of a page is examined once for each span, on both paths of execution."""
    add_up, calls = asset_usage.added_up, list[int]()

    def noted(*given: Any) -> Any:
        calls.append(1)
        return add_up(*given)

    monkeypatch.setattr(asset_usage, "added_up", noted)
    graph.use(ADA, graph.clicks, 3)
    found = await run(f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {fields} }} }}", ids=[SEARCH, graph.clicks] * 20)
    assert found.errors is None
    assert len({*map(repr, found.data["nodes"])}) == 2
    assert len(calls) == 2 * times


async def test_incidents_of_a_team_are_read_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The assets of a team are two lists, however often the team is in the response, on both paths of execution."""
    list_rows, calls = TeamGraph.listing, list[int]()

    async def noted(self: TeamGraph, *given: Any) -> RowPage:
        calls.append(1)
        return await list_rows(self, *given)

    monkeypatch.setattr(TeamGraph, "listing", noted)
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Team { incidents { nodes { id } } } } }"
    found = await run(query, ids=[SEARCH] * 20)
    assert found.errors is None
    assert len(calls) == 2 * 2


@pytest.mark.parametrize(
    "fields",
    [
        '{ team(id: "SEARCH") { usage { reads } } }',
        '{ team(id: "SEARCH") { incidents { nodes { id } } } }',
        '{ impact(roots: ["CLICKS"]) { teams(reasons: [ONCALL]) { team { id } } } }',
        '{ impact(roots: ["CLICKS"]) { teams(reasons: [USES]) { team { id } } } }',
    ],
)
async def test_many_assets_are_read_in_one_call(
    run: Run, graph: TeamGraph, monkeypatch: pytest.MonkeyPatch, fields: str
) -> None:
    """A team can own thousands of assets, and an impact reach them: a task for each of them would hold the loop."""
    sizes: list[int] = []
    together = TeamGraph.related_to_all

    async def noted(
        self: TeamGraph, sources: Sequence[Row], related: RelationQuery, page: PageRequest
    ) -> list[RowPage]:
        sizes.append(len(sources))
        return await together(self, sources, related, page)

    monkeypatch.setattr(TeamGraph, "related_to_all", noted)
    for number in range(30):
        graph.join("DERIVES", graph.clicks, graph.add("DATASET", f"d{number}", ownerTeam=SEARCH, owners=[SEARCH]))
    found = await run(fields.replace("SEARCH", SEARCH).replace("CLICKS", graph.clicks))
    assert found.errors is None
    assert max(sizes) >= 30


async def test_much_usage_is_added_up_in_the_side_thread(
    run: Run, graph: TeamGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop serves others while the days of many usage records are examined; a few are added up at once."""
    noted = noted_threads(monkeypatch, asset_usage, "used_days")
    teams_noted = noted_threads(monkeypatch, impacted_teams, "used_days")
    impact = "query ($id: ID!) { impact(roots: [$id]) { teams(reasons: [USES]) { team { id } } } }"
    of_asset = "query ($id: ID!) { asset(id: $id) { usage { reads } } }"
    for number, is_long in ((1, False), (asset_usage.MANY_MONTHS + 1, True)):
        for day in range(number):
            graph.use(SEARCH, graph.clicks, 1, f"{2000 + day}-11-24")
        thread = await run_aside(threading.get_ident) if is_long else threading.get_ident()
        for query in (USAGE, of_asset, impact):
            noted.clear()
            teams_noted.clear()
            found = await run(query, id=SEARCH if query is USAGE else graph.clicks)
            assert found.errors is None
            assert (teams_noted if query is impact else noted) == {("used_days", thread)}


async def test_the_assets_of_much_consumption_are_examined_in_the_side_thread(
    run: Run, graph: TeamGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may record usage by a team: the assets of many records are found in parts; those of few at once."""
    noted: dict[str, tuple[int, int]] = {}

    def counted(steps: Any) -> Generator[None, None, Any]:
        number = 0
        while True:
            try:
                next(steps)
            except StopIteration as end:
                noted[steps.__name__] = number, threading.get_ident()
                return end.value
            number += 1
            yield

    async def run_counted(steps: Any, **options: Any) -> Any:
        return await run_in_parts(counted(steps), **options)

    monkeypatch.setattr(team_usage, "run_in_parts", run_counted)
    for number, is_long in ((1, False), (asset_usage.MANY_MONTHS + 1, True)):
        for day in range(number):
            graph.use(SEARCH, graph.clicks, 1, f"{2000 + day}-11-24")
        thread = await run_aside(threading.get_ident) if is_long else threading.get_ident()
        noted.clear()
        assert (await run(USAGE, id=SEARCH)).errors is None
        assert noted == {"_used": (number, thread), "_shown": (number + 1, thread)}


async def test_usage_is_that_of_the_assets_which_the_team_owns(run: Run, graph: TeamGraph) -> None:
    """All consumers of these assets count; what the team reads of others does not."""
    graph.use(ADS, graph.clicks, 5)
    graph.use(SEARCH, graph.clicks, 1)
    graph.use(SEARCH, graph.orders, 7)
    assert await usage(run, "usage") == {ADS: 5, SEARCH: 1}


async def test_consumption_is_that_of_the_team_its_members_and_its_services(run: Run, graph: TeamGraph) -> None:
    """Each consumer counts once, of whichever asset; consumers of other teams do not count."""
    graph.use(SEARCH, graph.orders, 1)
    graph.use(ADA, graph.orders, 2)
    graph.use(API, graph.clicks, 4)
    graph.use(ADS, graph.clicks, 8)
    graph.use(VECTORS, graph.orders, 16)
    assert await usage(run, "consumption") == {SEARCH: 1, ADA: 2, API: 4}


@pytest.mark.parametrize(
    ("given", "reads"),
    [
        ({}, 1),
        ({"from": "2024-10-01"}, 3),
        ({"from": "2024-10-02"}, 1),
        ({"to": "2024-10-30"}, 2),
        ({"from": "2024-10-01", "to": "2024-11-23"}, 2),
        ({"from": "2024-10-02", "to": "2024-11-23"}, 0),
    ],
)
async def test_days_are_added_up_from_one_to_another(
    run: Run, graph: TeamGraph, given: dict[str, str], reads: int
) -> None:
    """Both fields add up the days between `from` and `to`, these included."""
    graph.use(SEARCH, graph.clicks, 1)
    graph.use(SEARCH, graph.clicks, 2, "2024-10-01")
    found = await run(BETWEEN, id=SEARCH, **given)
    assert found.errors is None
    assert found.data["nodes"] == [{"usage": {"reads": reads}, "consumption": {"reads": reads}}]


async def test_sub_teams_count_if_they_are_requested(run: Run, graph: TeamGraph) -> None:
    """Both fields include the assets and usage of sub-teams."""
    graph.use(VECTORS, graph.embeddings, 5)
    assert (await usage(run, "usage"), await usage(run, "consumption")) == ({}, {})
    for field in ("usage", "consumption"):
        assert await usage(run, field, sub=True) == {VECTORS: 5}


async def test_an_asset_whose_usage_is_hidden_does_not_count(run: Run, graph: TeamGraph) -> None:
    """Neither its consumers nor what its consumers read of it is added; other assets count."""
    graph.use(SEARCH, graph.clicks, 1)
    graph.use(ADA, "mlg://model/test/default/hidden", 2)
    graph.hidden = {"DATASET": {"usage"}}
    assert (await usage(run, "usage"), await usage(run, "consumption")) == ({}, {})


async def test_a_hidden_consumer_does_not_count(run: Run, graph: TeamGraph) -> None:
    """A consumer that the viewer does not see is left out of totals as well."""
    graph.use("mlg://team/test/default/hidden", graph.clicks, 3)
    graph.use(ADS, graph.clicks, 5)
    assert await usage(run, "usage") == {ADS: 5}


async def test_a_team_that_owns_too_much_is_a_limit_error(run: Run, graph: TeamGraph) -> None:
    """One field adds up the usage of at most 10,000 assets."""
    graph.has_more_assets = True
    found = await run("query ($id: ID!) { node(id: $id) { ... on Team { usage { reads } } } }", id=SEARCH)
    assert found.errors[0].extensions == {"code": "LIMIT_EXCEEDED", "limit": 10_000}
