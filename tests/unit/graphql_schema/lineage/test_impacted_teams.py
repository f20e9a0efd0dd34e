"""Teams that a change concerns, with the reasons: as owners, as users, and as on-call teams."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.lineage import impacted_teams
from graphql_schema.ports.record import Json
from graphql_schema.ports.row import Row
from graphql_schema.ports.turns import loop_turns

Run = Callable[..., Awaitable[ExecutionResult]]
ROOT, MODEL = "mlg://dataset/test/default/clicks", "mlg://model/test/default/ranker"
TEAMS = """query ($root: ID!, $reasons: [ImpactReason!], $days: Int) {
  impact(roots: [$root], asOf: "2024-11-24T12:00:00Z") { teams(reasons: $reasons, days: $days) {
    team { name } assets reasons } } }"""
OWNED = {"rank": (1, ["OWNS"])}
"""The owner team of the one affected asset with a visible one."""
YESTERDAY = {"night": (0, ["USES"])}
"""The team that used the model the day before the instant."""


class ConcernedGraph(PlainGraph):
    """A dataset that feeds a model of team rank, and four teams that own nothing downstream."""

    def __init__(self) -> None:
        super().__init__()
        self.teams = {name: self.add("TEAM", name) for name in ("ads", "rank", "night", "web", "people")}
        self.add("DATASET", "clicks", ownerTeam=self.teams["ads"])
        self.add("MODEL", "ranker", ownerTeam=self.teams["rank"])
        self.join("FEEDS", ROOT, MODEL)
        self.ada = self.add("USER", "ada")
        self.join("MEMBER_OF", self.ada, self.teams["people"])
        self.api = self.add("SERVICE", "api", ownerTeam=self.teams["web"])

    def use(self, consumer: str, asset: str, day: str = "2024-11-24", reads: int = 1) -> None:
        """Record reads of an asset on one day."""
        name = f"{consumer}-{asset}-{day}"
        month = self.add("USAGE_MONTH", name, consumer=consumer, subjects=[asset], days={day: {"reads": reads}})
        self.join("USAGE_OF", month, asset, at=1)


@pytest.fixture
def graph() -> ConcernedGraph:
    """Return the graph."""
    return ConcernedGraph()


async def teams(run: Run, *reasons: str, days: int | None = None) -> dict[str, tuple[int, list[str]]]:
    """Return the number of assets and the reasons of each team, in order."""
    found = await run(TEAMS, root=ROOT, reasons=list(reasons), days=days)
    assert found.errors is None
    listed: list[dict[str, Any]] = found.data["impact"]["teams"]
    return {each["team"]["name"]: (each["assets"], each["reasons"]) for each in listed}


async def test_a_team_that_uses_an_asset_is_listed(run: Run, graph: ConcernedGraph) -> None:
    """A user of an affected asset or of a root is listed without owning anything; owners come first, then ids."""
    assert await teams(run) == OWNED
    graph.use(graph.teams["night"], MODEL)
    graph.use(graph.teams["ads"], ROOT)
    found = await teams(run)
    assert found == {**OWNED, "ads": (0, ["USES"]), "night": (0, ["USES"])}
    assert list(found) == ["rank", "ads", "night"]


async def test_use_by_members_and_services_is_use_by_the_team(run: Run, graph: ConcernedGraph) -> None:
    """The teams of a person who reads an asset are listed, and the owner team of a service that calls it."""
    graph.use(graph.ada, ROOT)
    graph.use(graph.api, MODEL)
    assert await teams(run) == {**OWNED, "people": (0, ["USES"]), "web": (0, ["USES"])}


async def test_several_reasons_are_in_order(run: Run, graph: ConcernedGraph) -> None:
    """A team that owns, uses and is on call has all three reasons, and one of them selects it."""
    graph.join("OWNED_BY", MODEL, graph.teams["rank"], kinds=["TECHNICAL", "ONCALL"])
    graph.join("OWNED_BY", MODEL, graph.teams["night"], kinds=["ONCALL"])
    graph.join("OWNED_BY", MODEL, graph.teams["web"], kinds=["STEWARD"])
    graph.join("OWNED_BY", MODEL, graph.ada, kinds=["ONCALL"])
    graph.use(graph.teams["rank"], MODEL)
    assert await teams(run) == {"rank": (1, ["OWNS", "USES", "ONCALL"]), "night": (0, ["ONCALL"])}
    assert await teams(run, "USES") == {"rank": (1, ["USES"])}
    assert await teams(run, "ONCALL", "OWNS") == {"rank": (1, ["OWNS", "ONCALL"]), "night": (0, ["ONCALL"])}


async def test_a_team_on_call_for_many_assets_is_found_once(
    run: Run, graph: ConcernedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred teams of a domain may be on call for ten thousand assets: a million rows."""
    for number in range(5):
        used = graph.add("DATASET", f"used{number}")
        graph.join("DERIVES", ROOT, used)
        graph.join("OWNED_BY", used, graph.teams["night"], kinds=["ONCALL"])
    counts, found = list[int](), impacted_teams._Found  # noqa: SLF001 - how many rows are passed on

    def noted(rows: Sequence[Row], complete: bool = True) -> object:  # noqa: FBT001, FBT002 - as the observed class
        counts.append(len(rows))
        return found(rows, complete)

    monkeypatch.setattr(impacted_teams, "_Found", noted)
    assert await teams(run, "ONCALL") == {"night": (0, ["ONCALL"])}
    assert {*counts} == {1}


async def test_on_call_for_the_root_alone_is_no_reason(run: Run, graph: ConcernedGraph) -> None:
    """Roots are changed and not affected, so only their users are listed."""
    graph.join("OWNED_BY", ROOT, graph.teams["night"], kinds=["ONCALL"])
    assert await teams(run) == OWNED


@pytest.mark.parametrize(("days", "more"), [(1, {}), (2, YESTERDAY), (None, YESTERDAY)])
async def test_only_usage_in_the_requested_days_counts(
    run: Run, graph: ConcernedGraph, days: int | None, more: dict[str, Any]
) -> None:
    """Reads of yesterday count in the last two days; a day without reads, or after the instant, never counts."""
    graph.use(graph.teams["night"], MODEL, "2024-11-23")
    graph.use(graph.teams["web"], MODEL, "2024-11-25")
    graph.use(graph.teams["ads"], MODEL, reads=0)
    assert await teams(run, days=days) == {**OWNED, **more}


async def test_a_hidden_consumer_is_not_listed(run: Run, graph: ConcernedGraph) -> None:
    """A consumer that the viewer does not see adds no team."""
    graph.use("mlg://team/test/default/hidden", MODEL)
    graph.use("mlg://service/test/default/hidden", MODEL)
    assert await teams(run) == OWNED


async def test_hidden_usage_and_owners_add_no_team(run: Run, graph: ConcernedGraph) -> None:
    """Teams that follow from a field that is hidden on the asset are left out."""
    graph.use(graph.teams["night"], MODEL)
    graph.use(graph.teams["ads"], ROOT)
    graph.join("OWNED_BY", MODEL, graph.teams["web"], kinds=["ONCALL"])
    assert set(await teams(run)) == {"rank", "ads", "night", "web"}
    graph.hidden = {"MODEL": {"usage", "owners"}}
    assert await teams(run) == {**OWNED, "ads": (0, ["USES"])}
    graph.hidden = {"MODEL": {"usage", "owners", "ownerTeam"}, "DATASET": {"usage"}, "SERVICE": {"ownerTeam"}}
    graph.use(graph.api, ROOT)
    assert await teams(run) == {}


async def test_days_out_of_range_are_refused(run: Run) -> None:
    """The days are those of `usage`."""
    found = await run(TEAMS, root=ROOT, days=0)
    assert found.errors[0].extensions == {"code": "INVALID"}


async def test_the_affected_assets_are_examined_in_turns(
    run: Run, graph: ConcernedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Aliases with other days share one walk, and so examine thousands of assets each in one iteration otherwise."""
    for number in range(5):
        graph.join("DERIVES", ROOT, graph.add("DATASET", f"used{number}", ownerTeam=graph.teams["rank"]))
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)  # each turn is over when it has begun
    turns, examined, read = 0, list[int](), Row.visible_value

    async def count_iterations() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def visible_value(row: Row, field: str) -> Json:
        examined.append(turns)
        return read(row, field)

    monkeypatch.setattr(Row, "visible_value", visible_value)
    counting = asyncio.create_task(count_iterations())
    assert await teams(run) == {"rank": (6, ["OWNS"])}
    counting.cancel()
    assert len(examined) >= 6
    assert len({*examined}) == len(examined)
