"""Paths: why two assets are connected."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable

import pytest
from strawberry.types import ExecutionResult
from support.estates.plain_rows import PlainAccess
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.lineage_query import Completeness, FoundPath, PathQuery, PathResult
from graphql_schema.ports.row import MaskedRecord

Run = Callable[..., Awaitable[ExecutionResult]]
A, B = "mlg://dataset/test/default/a", "mlg://model/test/default/b"
PATHS = """query ($from: ID!, $to: ID!, $most: Int, $longest: Int) {
  paths(from: $from, to: $to, maxPaths: $most, maxLength: $longest) {
    paths { length nodes { id } edges { relation } } completeness { state depthReached } unknownRoots } }"""


class OnePath(PlainGraph):
    """Two assets and one path between them; keeps the queries that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[PathQuery] = []
        self.add("DATASET", "a")
        self.add("MODEL", "b")

    async def paths(self, search: PathQuery) -> PathResult:
        """Return the path."""
        self.queries.append(search)
        rows = [row for row in map(self.row, (A, B)) if row is not None]
        edge = MaskedRecord("LineageEdge", "", {"relation": "FEEDS"}, PlainAccess())
        completeness = Completeness(("STEPS",), False, 2, 4, None, self.pin)  # noqa: FBT003 - as declared
        return PathResult([FoundPath(rows, [edge])], ["x"], completeness)


@pytest.fixture
def graph() -> OnePath:
    """Return the two assets."""
    return OnePath()


async def test_a_path_has_its_assets_and_its_edges(run: Run) -> None:
    """The length counts edges, which may be fewer than steps between assets."""
    found = await run(PATHS, **{"from": A, "to": B})
    assert found.errors is None
    assert found.data["paths"] == {
        "paths": [{"length": 1, "nodes": [{"id": A}, {"id": B}], "edges": [{"relation": "FEEDS"}]}],
        "completeness": {"state": "TRUNCATED", "depthReached": 4},
        "unknownRoots": ["x"],
    }


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({}, PathQuery(A, B, 5, 12)),
        ({"most": None, "longest": None}, PathQuery(A, B, 5, 12)),
        ({"most": 1, "longest": 0}, PathQuery(A, B, 1, 0)),
        ({"most": 50, "longest": 50}, PathQuery(A, B, 50, 50)),
    ],
)
async def test_five_paths_of_at_most_twelve_edges_are_searched_by_default(
    run: Run, graph: OnePath, arguments: dict[str, int], query: PathQuery
) -> None:
    """Other numbers up to 50 are accepted."""
    await run(PATHS, **{"from": A, "to": B, **arguments})
    assert graph.queries == [query]


async def test_paths_are_searched_at_an_instant(run: Run) -> None:
    """An instant ahead is refused, as for every field with ``asOf``."""
    document = "query ($a: ID!, $b: ID!, $t: DateTime) { paths(from: $a, to: $b, asOf: $t) { unknownRoots } }"
    assert (await run(document, a=A, b=B, t="2024-01-01T00:00:00Z")).errors is None
    assert (await run(document, a=A, b=B, t="9999-01-01T00:00:00Z")).errors[0].extensions == {"code": "INVALID"}


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        ({"most": 0}, "LIMIT_EXCEEDED", "`maxPaths`"),
        ({"most": 51}, "LIMIT_EXCEEDED", "`maxPaths`"),
        ({"longest": -1}, "LIMIT_EXCEEDED", "`maxLength`"),
        ({"longest": 51}, "LIMIT_EXCEEDED", "`maxLength`"),
        ({"from": "a"}, "INVALID", "'a'"),
        ({"to": "b"}, "INVALID", "'b'"),
    ],
)
async def test_an_invalid_search_is_refused_before_it_is_made(
    run: Run, graph: OnePath, arguments: dict[str, object], code: str, named: str
) -> None:
    """Numbers outside the limits, and ends that are no ids."""
    found = await run(PATHS, **{"from": A, "to": B, **arguments})
    assert found.errors[0].extensions["code"] == code
    assert named in found.errors[0].message
    assert graph.queries == []
