"""Impact: what changes downstream if some assets change, counted and listed."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.relations import Direction
from graphql_schema.lineage.traversal import NODE_BYTES
from graphql_schema.ports.lineage_query import LineageQuery, LineageResult, SnapshotTime
from graphql_schema.ports.operation_budget import OperationBudget

Run = Callable[..., Awaitable[ExecutionResult]]
CLICKS, ADS, RANKING = (
    "mlg://dataset/test/default/clicks",
    "mlg://team/test/default/ads",
    "mlg://team/test/default/rank",
)
IMPACT = """query ($roots: [ID!]!, $depth: Int, $first: Int, $after: Cursor, $kinds: [AssetKind!]) {
  impact(roots: $roots, maxDepth: $depth) { total countsByKind { kind count } countsByDepth
    services { nodes { asset { id } depth via } } experiments { nodes { asset { id } } }
    assets(first: $first, after: $after, kinds: $kinds) { totalCount nodes { asset { id } depth }
      pageInfo { endCursor } }
    teams { team { id } assets } completeness { state depthReached } unknownRoots } }"""


class CountingGraph(PlainGraph):
    """Keeps the lineage queries that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[LineageQuery] = []

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """See GraphReader."""
        self.queries.append(walk)
        return await super().walk(walk)


@pytest.fixture
def graph() -> CountingGraph:
    """Return a dataset that feeds two models; one of them is served and tested."""
    graph = CountingGraph()
    for name in ("ads", "rank"):
        graph.add("TEAM", name)
    clicks = graph.add("DATASET", "clicks", ownerTeam=ADS)
    model = graph.add("MODEL", "ranker", ownerTeam=RANKING)
    graph.join("FEEDS", clicks, model)
    graph.join("FEEDS", clicks, graph.add("MODEL", "another", ownerTeam=RANKING))
    deployment = graph.add("DEPLOYMENT", "d1", ownerTeam=ADS)
    graph.join("DEPLOYED_AS", model, deployment)
    graph.join("SERVED_BY", deployment, graph.add("SERVICE", "search", ownerTeam="mlg://team/test/default/hidden"))
    cell = graph.add("EXPERIMENT_CELL", "treatment", ownerTeam=RANKING)
    graph.join("TESTED_IN", deployment, cell)
    graph.join("CELL_OF", cell, graph.add("EXPERIMENT", "vectors", ownerTeam=ADS))
    return graph


def urn(kind: str, name: str) -> str:
    """Return the id of an asset of the graph."""
    return f"mlg://{kind}/test/default/{name}"


async def impact(run: Run, *roots: str, **variables: Any) -> dict[str, Any]:
    """Return the impact of the roots."""
    found = await run(IMPACT, roots=list(roots), **variables)
    assert found.errors is None
    result: dict[str, Any] = found.data["impact"]
    return result


async def test_impact_counts_everything_downstream_except_the_roots(run: Run) -> None:
    """Totals by kind in order, and by depth from 1 on; the roots have depth 0 and are left out (design 3.6)."""
    found = await impact(run, CLICKS)
    assert (found["total"], found["countsByDepth"]) == (6, [2, 1, 2, 1])
    assert {each["kind"]: each["count"] for each in found["countsByKind"]} == {
        "DEPLOYMENT": 1,
        "EXPERIMENT": 1,
        "EXPERIMENT_CELL": 1,
        "MODEL": 2,
        "SERVICE": 1,
    }


async def test_services_and_experiments_are_listed_with_a_path(run: Run) -> None:
    """``via`` leads from a root to the service."""
    found = await impact(run, CLICKS)
    path = [CLICKS, urn("model", "ranker"), urn("deployment", "d1"), urn("service", "search")]
    assert found["services"]["nodes"] == [{"asset": {"id": path[-1]}, "depth": 3, "via": path}]
    assert found["experiments"]["nodes"] == [{"asset": {"id": urn("experiment", "vectors")}}]


async def test_assets_are_paged_by_depth_then_id(run: Run) -> None:
    """Kinds restrict the list and its total."""
    first = (await impact(run, CLICKS, first=2))["assets"]
    assert [node["asset"]["id"] for node in first["nodes"]] == [urn("model", "another"), urn("model", "ranker")]
    second = (await impact(run, CLICKS, first=2, after=first["pageInfo"]["endCursor"]))["assets"]
    assert [node["asset"]["id"] for node in second["nodes"]] == [
        urn("deployment", "d1"),
        urn("experiment-cell", "treatment"),
    ]
    models = (await impact(run, CLICKS, kinds=["MODEL"]))["assets"]
    assert (models["totalCount"], [node["depth"] for node in models["nodes"]]) == (2, [1, 1])


async def test_teams_are_ordered_by_how_much_they_own(run: Run) -> None:
    """Each asset counts for its owning team; a team that the viewer does not see is left out."""
    assert (await impact(run, CLICKS))["teams"] == [
        {"team": {"id": RANKING}, "assets": 3},
        {"team": {"id": ADS}, "assets": 2},
    ]
    assert (await impact(run, urn("model", "ranker")))["teams"] == [
        {"team": {"id": ADS}, "assets": 2},
        {"team": {"id": RANKING}, "assets": 1},
    ]


async def test_a_hidden_owner_counts_for_no_team(run: Run, graph: CountingGraph) -> None:
    """The number of assets of a team would disclose who owns them."""
    graph.hidden = {"MODEL": {"ownerTeam"}, "EXPERIMENT_CELL": {"ownerTeam"}}
    assert (await impact(run, CLICKS))["teams"] == [{"team": {"id": ADS}, "assets": 2}]


async def test_fields_of_one_impact_share_one_walk(run: Run, graph: CountingGraph) -> None:
    """Counts, lists and teams make equal queries, which the reader answers once; a page after a cursor pins its time.

    tests/security/test_one_caller.py proves that equal reads of an operation are one read.
    """
    found = await impact(run, CLICKS)
    assert {*graph.queries} == {LineageQuery((CLICKS,), Direction.OUT, 20)}
    graph.queries.clear()
    await impact(run, CLICKS, after=found["assets"]["pageInfo"]["endCursor"])
    assert {query.pin for query in graph.queries} == {None, SnapshotTime(0, 0)}


async def test_an_impact_is_read_at_an_instant(run: Run) -> None:
    """An instant ahead is refused, as for every field with ``asOf``."""
    document = "query ($id: ID!, $t: DateTime) { impact(roots: [$id], asOf: $t) { total } }"
    assert (await run(document, id=CLICKS, t="2024-01-01T00:00:00Z")).errors is None
    assert (await run(document, id=CLICKS, t="9999-01-01T00:00:00Z")).errors[0].extensions == {"code": "INVALID"}


async def test_an_unknown_root_is_named(run: Run) -> None:
    """The result of the other roots is returned."""
    found = await impact(run, urn("dataset", "none"), urn("model", "ranker"), depth=1)
    assert (found["unknownRoots"], found["total"]) == ([urn("dataset", "none")], 1)
    assert found["completeness"] == {"state": "COMPLETE", "depthReached": 1}


async def test_without_anything_downstream_the_counts_are_empty(run: Run) -> None:
    """No depth is listed, not even with a zero."""
    found = await impact(run, urn("model", "another"))
    assert (found["total"], found["countsByDepth"], found["countsByKind"], found["teams"]) == (0, [], [], [])


async def test_the_impact_of_one_asset_begins_there(run: Run, graph: CountingGraph) -> None:
    """The field of an asset has the same arguments without roots."""
    document = "query ($id: ID!) { asset(id: $id) { impact(maxDepth: 1, filter: {kinds: [MODEL]}) { total } } }"
    found = await run(document, id=CLICKS)
    assert found.data["asset"]["impact"] == {"total": 2}
    assert (graph.queries[0].roots, graph.queries[0].depth, graph.queries[0].keep.kinds) == ((CLICKS,), 1, ("MODEL",))


async def test_equal_pages_are_made_once_and_count_as_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten aliases whose objects are not selected have one page of two assets, on each of the two paths."""
    counted = list[int]()
    monkeypatch.setattr(OperationBudget, "count_stored", lambda _, count: counted.append(count))
    fields = f'impact(roots: ["{CLICKS}"]) {{ assets(first: 2) {{ pageInfo {{ hasNextPage }} }} }}'
    found = await run("{ " + " ".join(f"l{number}: {fields}" for number in range(10)) + " }")
    assert found.errors is None
    assert counted == [2 * NODE_BYTES] * 2
