"""Unhealthy assets of some teams, by statuses that the names state."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.ports.health_report import HealthReport
from graphql_schema.ports.lineage_query import Completeness
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.row import Row
from graphql_schema.ports.shared_results import SharedResults
from graphql_schema.work import unhealthy_assets as module
from graphql_schema.work.unhealthy_assets import unhealthy_assets

ADS = "mlg://team/test/default/ads"


class WithHealth(PlainGraph):
    """The health of an asset is the begin of its name; ``budgets`` limited that of the asset named ``ended``."""

    ended = ""
    budgets: tuple[str, ...] = ()

    async def health(self, source: Row) -> HealthReport:
        """See GraphReader."""
        budgets = self.budgets if source.record["name"] == self.ended else ()
        completeness = Completeness(budgets, False, 1, 0, None, self.pin)  # noqa: FBT003 - as declared
        return HealthReport(source.record["name"].partition("-")[0].upper(), (), completeness)


@pytest.fixture
def graph() -> WithHealth:
    """Return datasets of team ads, one of each status and another unhealthy one, a model, and one of no team."""
    graph = WithHealth()
    names = ("degraded-1", "healthy-1", "unknown-1", "unhealthy-2", "unhealthy-1")
    for number, name in enumerate(names):
        graph.add("DATASET", name, ownerTeam=ADS, updatedAt=number)
    graph.add("MODEL_VERSION", "unhealthy-3", version="1", ownerTeam=ADS, updatedAt=9)
    graph.add("DATASET", "unhealthy-4", ownerTeam="", updatedAt=9)
    return graph


def _context(graph: PlainGraph) -> SimpleNamespace:
    """Return the context of an operation over a graph."""
    return SimpleNamespace(reader=graph, budget=OperationBudget(), once=SharedResults().get)


async def found(graph: PlainGraph, *kinds: str, limit: int = 20) -> tuple[list[str], int, int, bool]:
    """Return the names of the assets, the total, the number of examined ones, and whether these are all."""
    info = cast("Any", SimpleNamespace(context=_context(graph)))
    source = await unhealthy_assets(info, [ADS], [AssetKind[kind] for kind in kinds], limit)
    names = [row.record["name"] for row in source["nodes"]]
    return names, source["total"], source["examined"], source["complete"]


async def test_the_worst_first(graph: WithHealth) -> None:
    """Unhealthy assets come before degraded ones, each by id; versions are examined if requested."""
    assert await found(graph) == (["unhealthy-1", "unhealthy-2", "degraded-1"], 3, 5, True)
    assert await found(graph, limit=1) == (["unhealthy-1"], 3, 5, True)
    assert await found(graph, "MODEL_VERSION") == (["unhealthy-3"], 1, 1, True)


async def test_aliases_compute_the_health_once(graph: WithHealth, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each alias would begin hundreds of calls at once; they differ in the number of assets that they list."""
    info, calls = cast("Any", SimpleNamespace(context=_context(graph))), list[str]()
    health = graph.health

    async def counted(row: Row) -> HealthReport:
        calls.append(row.urn)
        return await health(row)

    monkeypatch.setattr(graph, "health", counted)
    sources = await asyncio.gather(*(unhealthy_assets(info, [ADS], None, limit) for limit in range(4)))
    assert [len(each["nodes"]) for each in sources] == [0, 1, 2, 3]
    assert len(calls) == len({*calls}) == sources[0]["examined"]


async def test_hidden_health_is_not_examined(graph: WithHealth) -> None:
    """An asset that hides its health, or the evidence for it, is left out."""
    for field in ("health", "incidents"):
        graph.hidden = {"DATASET": {field}}
        assert await found(graph) == ([], 0, 0, True)


@pytest.mark.parametrize("budget", ["EDGES", "NODES", "TIME"])
async def test_an_uncertain_status_does_not_count(graph: WithHealth, budget: str) -> None:
    """If a budget cut the walk of an asset, healthy or not, the result is not complete; a list of causes may end."""
    graph.budgets = (budget,)
    graph.ended = "unhealthy-1"
    assert await found(graph) == (["unhealthy-2", "degraded-1"], 2, 4, False)
    graph.ended = "healthy-1"
    assert await found(graph) == (["unhealthy-1", "unhealthy-2", "degraded-1"], 3, 4, False)
    graph.budgets = ("CAUSES",)
    assert await found(graph) == (["unhealthy-1", "unhealthy-2", "degraded-1"], 3, 5, True)


async def test_more_assets_than_are_examined(graph: WithHealth, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were changed last are examined, and the result is not complete."""
    monkeypatch.setattr(module, "MAX_EXAMINED", 2)
    assert await found(graph) == (["unhealthy-1", "unhealthy-2"], 2, 2, False)


async def test_assets_that_others_own_take_no_places(graph: WithHealth, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer assets of another team, which made the team a further owner, come after those of the team."""
    monkeypatch.setattr(module, "MAX_EXAMINED", 7)
    for number in range(7):
        graph.add("DATASET", f"healthy-9{number}", ownerTeam="", owners=[ADS], updatedAt=100)
    assert await found(graph) == (["unhealthy-1", "unhealthy-2", "degraded-1"], 3, 7, False)
