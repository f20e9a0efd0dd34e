"""The lineage around some assets: two walks put together."""

import asyncio
from typing import Any, cast

import pytest
from support.estates.plain_rows import PlainAccess, plain_row

from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.lineage_query import (
    Completeness,
    LineageQuery,
    LineageResult,
    ReachedEdge,
    ReachedNode,
    SnapshotTime,
)
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.relation_query import EVERYTHING
from graphql_schema.ports.row import MaskedRecord
from graphql_schema.scene.neighbourhood import (
    SLOT,
    FoundAsset,
    FoundEdge,
    SceneDirection,
    SceneLineage,
    SceneQuery,
    neighbourhood,
    walks_around,
)

ROOT, NEAR, LOOP = (plain_row("DATASET", name, vid=number) for number, name in enumerate(("root", "near", "loop")))
COMPLETE = Completeness((), False, 3, 2, None, SnapshotTime(1, 2))  # noqa: FBT003 - as declared


class TwoWalks:
    """Returns a fixed result for each direction, and keeps the queries: the reader of a context, and the context."""

    def __init__(self) -> None:
        self.queries: list[LineageQuery] = []
        self.reader = self
        self.budget = OperationBudget()

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """Return ROOT, and NEAR and LOOP at the distances of the direction."""
        self.queries.append(walk)
        up = walk.direction is Direction.IN
        depths = {ROOT: 0, LOOP: 2, **({} if up else {NEAR: 1})} if not up else {ROOT: 0, NEAR: 1, LOOP: 1}
        nodes = [ReachedNode(row, depth, ()) for row, depth in depths.items()]
        record = {"from": LOOP.urn, "to": NEAR.urn, "relation": "DERIVES", "origin": "DECLARED"}
        edges = [ReachedEdge(MaskedRecord("LineageEdge", "", record, PlainAccess()), (1, ""))]
        cut, withheld = (frozenset({LOOP.vid}), frozenset[int]()) if up else (frozenset[int](), frozenset({LOOP.vid}))
        return LineageResult(nodes, edges, ["unknown"], COMPLETE, cut, withheld)


async def found(direction: SceneDirection, pin: SnapshotTime | None = None) -> tuple[TwoWalks, SceneLineage]:
    """Return the walks that were made, and what was put together."""
    walks = TwoWalks()
    query = SceneQuery((ROOT.urn,), direction, 3, EVERYTHING, pin)
    walked = await walks_around(cast("Any", walks), query)
    return walks, await neighbourhood(walks.budget, query, walked)


@pytest.mark.parametrize(
    ("direction", "walked"),
    [
        (SceneDirection.UPSTREAM, [Direction.IN]),
        (SceneDirection.DOWNSTREAM, [Direction.OUT]),
        (SceneDirection.BOTH, [Direction.IN, Direction.OUT]),
    ],
)
async def test_the_walks_of_a_direction(direction: SceneDirection, walked: list[Direction]) -> None:
    """There is one walk for each direction, with roots, depth and filter; each has its completeness."""
    walks, together = await found(direction)
    assert walks.queries == [LineageQuery((ROOT.urn,), each, 3, EVERYTHING) for each in walked]
    walks, _ = await found(direction, SnapshotTime(1, 2))
    pinned = [
        LineageQuery((ROOT.urn,), each, 3, EVERYTHING, SnapshotTime(1, 2), existing_roots=True) for each in walked
    ]
    assert walks.queries == pinned
    assert together.completeness == dict.fromkeys(walked, COMPLETE)
    assert together.unknown == ["unknown"]


@pytest.mark.parametrize(("assets", "edges", "is_long"), [(500, 0, False), (250, 251, True)])
def test_assets_and_edges_make_a_lineage_long(assets: int, edges: int, *, is_long: bool) -> None:
    """What is calculated over many of them does not run in the event loop."""
    edge = MaskedRecord("LineageEdge", "", {}, PlainAccess())
    lineage = SceneLineage(
        {str(number): FoundAsset(ROOT, 0, ()) for number in range(assets)},
        {FoundEdge(str(number), "", "DERIVES", "DECLARED"): edge for number in range(edges)},
    )
    assert lineage.is_long is is_long


async def test_an_asset_that_both_walks_reach_has_its_smaller_distance() -> None:
    """It is upstream if the distances are equal, and has the gaps of both walks; equal edges are one."""
    _, together = await found(SceneDirection.BOTH)
    levels = {urn: (each.level, each.gaps) for urn, each in together.assets.items()}
    assert levels == {ROOT.urn: (0, ()), NEAR.urn: (-1, ()), LOOP.urn: (-1, ("LIMIT", "POLICY"))}
    assert [*together.edges] == [FoundEdge(LOOP.urn, NEAR.urn, "DERIVES", "DECLARED")]


async def test_one_scene_of_an_operation_is_made_at_a_time() -> None:
    """Its memory counts meanwhile: thirty aliases took 1.4 GB together, each for the same 23,000 edges."""
    walks, making, most = TwoWalks(), 0, list[tuple[int, int]]()

    async def make() -> None:
        nonlocal making
        async with walks.budget.slot(SLOT, 1) as hold:
            making += 1
            hold(1_000)
            await asyncio.sleep(0)
            most.append((making, walks.budget.stored))
            making -= 1

    await asyncio.gather(make(), make(), make())
    assert most == [(1, 1_000)] * 3
    assert walks.budget.stored == 0
