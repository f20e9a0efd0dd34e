"""Lineage over many levels: pages of nodes with the edges among them."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

import threading
from collections.abc import Awaitable, Callable, Generator
from itertools import pairwise
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.estates.plain_rows import PlainAccess, plain_row
from support.estates.wide_lineage import ROOT, WideLineage, noted_threads
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_aside, run_in_parts
from graphql_schema.lineage import traversal
from graphql_schema.lineage.traversal import EDGE_BYTES, MAX_PAGE_EDGES, NODE_BYTES, counts_by_kind
from graphql_schema.ports.lineage_query import (
    Completeness,
    LineageQuery,
    LineageResult,
    ReachedEdge,
    ReachedNode,
    SnapshotTime,
)
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.relation_query import LineageItemFilter
from graphql_schema.ports.row import MaskedRecord

Run = Callable[..., Awaitable[ExecutionResult]]
A, B, C, D = (f"mlg://dataset/test/default/{name}" for name in "abcd")
LINEAGE = """query ($roots: [ID!]!, $direction: LineageDirection!, $depth: Int, $filter: LineageFilter, $first: Int,
  $after: Cursor) { lineage(roots: $roots, direction: $direction, maxDepth: $depth, filter: $filter, first: $first,
  after: $after) { nodes { totalCount nodes { asset { id } depth } pageInfo { endCursor } } edges { from to }
  countsByKind { kind count } completeness { state asOf } unknownRoots } }"""


class ChainGraph(PlainGraph):
    """Four datasets, each derived from the one before; keeps the lineage queries that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[LineageQuery] = []
        self.copies = 1
        for name in "abcd":
            self.add("DATASET", name)

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """Return all four nodes with their edges, for any query, at its read time if it has one."""
        self.queries.append(walk)
        pin = walk.pin or SnapshotTime(5_000, 6_000)
        nodes = [ReachedNode(row, depth, ()) for depth, urn in enumerate((A, B, C, D)) if (row := self.row(urn))]
        edges = [
            ReachedEdge(MaskedRecord("LineageEdge", "", {"from": a.row.urn, "to": b.row.urn}, PlainAccess()), b.place)
            for a, b in pairwise(nodes)
        ] * self.copies
        return LineageResult(nodes, edges, ["x"], Completeness((), False, 4, 3, None, pin))  # noqa: FBT003 - as declared


@pytest.fixture
def graph() -> ChainGraph:
    """Return the chain."""
    return ChainGraph()


async def lineage(run: Run, **variables: Any) -> dict[str, Any]:
    """Return a page of the lineage of the first dataset."""
    found = await run(LINEAGE, **{"roots": [A], "direction": "DOWNSTREAM", **variables})
    assert found.errors is None
    page: dict[str, Any] = found.data["lineage"]
    return page


async def test_the_arguments_become_one_query(run: Run, graph: ChainGraph) -> None:
    """Roots, direction, depth and filter reach the reader; the depth is 5 unless another is given."""
    await lineage(run, roots=[B, A, B], direction="UPSTREAM", depth=7, filter={"kinds": ["RUN"]})
    await lineage(run)
    await lineage(run, depth=None)
    assert graph.queries == [
        LineageQuery((B, A), Direction.IN, 7, LineageItemFilter(kinds=("RUN",))),
        LineageQuery((A,), Direction.OUT, 5),
        LineageQuery((A,), Direction.OUT, 5),
    ]


async def test_a_lineage_is_read_at_an_instant(run: Run) -> None:
    """An instant ahead is refused, as for every field with ``asOf``."""
    document = (
        "query ($id: ID!, $t: DateTime) { lineage(roots: [$id], direction: UPSTREAM, asOf: $t) { unknownRoots } }"
    )
    assert (await run(document, id=A, t="2024-01-01T00:00:00Z")).errors is None
    assert (await run(document, id=A, t="9999-01-01T00:00:00Z")).errors[0].extensions == {"code": "INVALID"}


async def test_pages_of_nodes_concatenate(run: Run, graph: ChainGraph) -> None:
    """A page lists the edges that it adds, totals are those of all pages, and all pages have one time."""
    first = await lineage(run, first=2)
    assert [(node["asset"]["id"], node["depth"]) for node in first["nodes"]["nodes"]] == [(A, 0), (B, 1)]
    assert first["edges"] == [{"from": A, "to": B}]
    assert (first["nodes"]["totalCount"], first["countsByKind"]) == (4, [{"kind": "DATASET", "count": 4}])
    second = await lineage(run, first=2, after=first["nodes"]["pageInfo"]["endCursor"])
    assert [node["asset"]["id"] for node in second["nodes"]["nodes"]] == [C, D]
    assert second["edges"] == [{"from": B, "to": C}, {"from": C, "to": D}]
    assert graph.queries[1].pin == SnapshotTime(5_000, 6_000)


@pytest.mark.parametrize(("graph", "is_long"), [(WideLineage(3), False), (WideLineage(600), True)])
async def test_a_large_lineage_is_put_into_pages_in_the_side_thread(
    run: Run, graph: WideLineage, monkeypatch: pytest.MonkeyPatch, *, is_long: bool
) -> None:
    """The event loop serves others while its edges are put in order; a small lineage is done at once."""
    noted = noted_threads(monkeypatch, traversal, "node_pages")
    page = await lineage(run, roots=[ROOT], first=2)
    assert (page["nodes"]["totalCount"], len(page["edges"])) == (graph.count + 1, 1)
    assert noted == {("node_pages", await run_aside(threading.get_ident) if is_long else threading.get_ident())}


@pytest.mark.parametrize("graph", [WideLineage(600)])
async def test_a_large_lineage_is_put_into_pages_in_parts(
    run: Run, graph: WideLineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others have turns of the side thread after each edge."""
    steps: list[int] = []

    async def counted(generator: Generator[None, None, object], *, is_long: bool) -> object:
        return await run_in_parts(_counted(generator, steps), is_long=is_long)

    monkeypatch.setattr(traversal, "run_in_parts", counted)
    await lineage(run, roots=[ROOT], first=2)
    assert len(steps) % graph.count == 0 < len(steps)  # once for each path of execution


def _counted(generator: Generator[None, None, object], steps: list[int]) -> Generator[None, None, object]:
    """Return the result of a generator, and add an element to ``steps`` for each of its pauses."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value
        steps.append(1)
        yield


async def test_completeness_and_unknown_roots_are_those_of_the_result(run: Run) -> None:
    """The instant is the one that the result was read at."""
    page = await lineage(run)
    assert page["completeness"] == {"state": "COMPLETE", "asOf": "1970-01-01T00:00:05Z"}
    assert page["unknownRoots"] == ["x"]


async def test_the_lineage_of_one_asset_begins_there(run: Run, graph: ChainGraph) -> None:
    """The field of an asset has the same arguments without roots."""
    document = """query ($id: ID!, $depth: Int) { asset(id: $id) {
      lineage(direction: UPSTREAM, maxDepth: $depth) { unknownRoots } } }"""
    for depth in (2, None):
        assert (await run(document, id=C, depth=depth)).errors is None
    assert graph.queries == [LineageQuery((C,), Direction.IN, 2), LineageQuery((C,), Direction.IN, 5)]


async def test_a_cursor_of_another_walk_is_refused(run: Run) -> None:
    """A position has no meaning in the list of another query."""
    cursor = (await lineage(run, first=1))["nodes"]["pageInfo"]["endCursor"]
    found = await run(LINEAGE, roots=[A], direction="UPSTREAM", after=cursor)
    assert found.errors[0].extensions == {"code": "INVALID"}


async def test_too_many_edges_are_refused_only_if_they_are_requested(run: Run, graph: ChainGraph) -> None:
    """A page lists at most 10,000 edges; its nodes are returned without them, and its edges in smaller pages."""
    graph.copies = MAX_PAGE_EDGES // 3 + 1
    found = await run(LINEAGE, roots=[A], direction="DOWNSTREAM")
    assert found.errors[0].extensions == {"code": "LIMIT_EXCEEDED", "limit": 10_000}
    nodes = "query ($id: ID!) { lineage(roots: [$id], direction: DOWNSTREAM) { nodes { totalCount } } }"
    assert (await run(nodes, id=A)).data == {"lineage": {"nodes": {"totalCount": 4}}}
    first = await lineage(run, first=2)
    second = await lineage(run, first=2, after=first["nodes"]["pageInfo"]["endCursor"])
    assert [len(first["edges"]), len(second["edges"])] == [graph.copies, 2 * graph.copies]


def test_nodes_are_counted_by_kind_in_order() -> None:
    """Kinds are in alphabetical order, and a kind without nodes is left out."""
    rows = [plain_row(kind, "x") for kind in ("RUN", "DATASET", "RUN")]
    assert counts_by_kind([ReachedNode(row, 0, ()) for row in rows]) == [
        {"kind": "DATASET", "count": 1},
        {"kind": "RUN", "count": 2},
    ]


async def test_equal_pages_are_made_once_and_count_as_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten aliases whose objects are not selected have one page of two assets, on each of the two paths."""
    counted = list[int]()
    monkeypatch.setattr(OperationBudget, "count_stored", lambda _, count: counted.append(count))
    fields = f'lineage(roots: ["{A}"], direction: DOWNSTREAM, first: 2) {{ completeness {{ state }} }}'
    found = await run("{ " + " ".join(f"l{number}: {fields}" for number in range(10)) + " }")
    assert found.errors is None
    assert counted == [2 * NODE_BYTES + EDGE_BYTES] * 2
