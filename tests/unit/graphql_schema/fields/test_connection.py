"""Connections: pages of a list, their cursors and their totals."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.estates.plain_rows import plain_row
from support.stores.plain_reader import PlainGraph

from app.graph.records.clock import epoch_milliseconds
from graphql_schema.fields.connection import ConnectionSource
from graphql_schema.fields.context import Context
from graphql_schema.fields.cursors import CursorCodec
from graphql_schema.ports.conditions import ListingQuery
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import PageItem, RowPage
from policies.principal import Principal

Run = Callable[..., Awaitable[ExecutionResult]]
RANKER = "mlg://model/test/default/ranker"
VERSIONS = """query ($id: ID!, $first: Int, $after: Cursor) { asset(id: $id) { ... on Model {
  versions(first: $first, after: $after) { nodes { version } edges { cursor node { version } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }"""
RUNS = """query ($f: AssetFilter, $after: Cursor) {
  assets(filter: $f, first: 1, after: $after) { pageInfo { endCursor } } }"""


class RecordingGraph(PlainGraph):
    """Keeps the page requests of its listings."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[PageRequest] = []

    async def listing(self, listing: ListingQuery, page: PageRequest) -> RowPage:
        """See GraphReader."""
        self.pages.append(page)
        return await super().listing(listing, page)


@pytest.fixture
def graph() -> RecordingGraph:
    """Return a graph with a model of three versions, and two runs."""
    graph = RecordingGraph()
    model = graph.add("MODEL", "ranker")
    for number in (1, 2, 3):
        graph.join("VERSION_OF", graph.add("MODEL_VERSION", "ranker", version=str(number)), model, at=number)
    graph.add("RUN", "r1")
    graph.add("RUN", "r2")
    return graph


async def versions(run: Run, **variables: Any) -> dict[str, Any]:
    """Return a page of the versions of the model."""
    found = await run(VERSIONS, **{"id": RANKER, **variables})
    assert found.errors is None
    page: dict[str, Any] = found.data["asset"]["versions"]
    return page


async def code(run: Run, document: str, *caller: Principal, **variables: object) -> str:
    """Return the code of the one error of a document that must fail."""
    found = await run(document, *caller, **variables)
    assert found.errors is not None
    assert len(found.errors) == 1
    return str(found.errors[0].extensions["code"])


async def test_pages_follow_one_another(run: Run) -> None:
    """Pages of two concatenate to the list, newest first, and each reports whether items precede and follow."""
    first = await versions(run, first=2)
    assert [node["version"] for node in first["nodes"]] == ["3", "2"]
    assert first["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": first["edges"][0]["cursor"],
        "endCursor": first["edges"][1]["cursor"],
    }
    last = await versions(run, first=2, after=first["pageInfo"]["endCursor"])
    assert [node["version"] for node in last["nodes"]] == ["1"]
    assert (last["pageInfo"]["hasNextPage"], last["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_an_empty_page_has_no_cursors(run: Run) -> None:
    """A page of size 0 says whether there is anything."""
    page = await versions(run, first=0)
    assert page["nodes"] == page["edges"] == []
    assert page["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


async def test_a_cursor_is_refused_where_it_was_not_made(run: Run, graph: RecordingGraph, ada: Principal) -> None:
    """A cursor belongs to one caller and one field of one object, and is refused when it was changed."""
    cursor = (await versions(run, first=1))["pageInfo"]["endCursor"]
    assert (await versions(run, first=1, after=cursor))["pageInfo"]["endCursor"] != cursor
    assert await code(run, "query ($c: Cursor) { assets(after: $c) { nodes { id } } }", c=cursor) == "INVALID"
    assert await code(run, VERSIONS, id=graph.add("MODEL", "other"), after=cursor) == "INVALID"
    assert await code(run, VERSIONS, replace(ada, subject="eve"), id=RANKER, after=cursor) == "INVALID"
    assert await code(run, VERSIONS, id=RANKER, after="A" + cursor[1:]) == "INVALID"


async def test_a_cursor_is_refused_under_another_filter(run: Run) -> None:
    """The cursor of a listing belongs to its filter and order."""
    cursor = (await run(RUNS, f={"kinds": ["RUN"]})).data["assets"]["pageInfo"]["endCursor"]
    assert (await run(RUNS, f={"kinds": ["RUN"]}, after=cursor)).errors is None
    assert await code(run, RUNS, f={"kinds": ["MODEL"]}, after=cursor) == "INVALID"


@pytest.mark.parametrize(("first", "fits"), [(-1, False), (0, True), (500, True), (501, False)])
async def test_a_page_has_a_size_within_bounds(run: Run, first: int, *, fits: bool) -> None:
    """A page size outside 0 to 500 is refused with the code of a limit."""
    document = "query ($n: Int) { assets(first: $n) { nodes { id } } }"
    if fits:
        assert (await run(document, n=first)).errors is None
    else:
        assert await code(run, document, n=first) == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    ("document", "first", "counted"),
    [
        ("{ assets { nodes { id } } }", 20, False),
        ("{ assets { pageInfo { hasNextPage } } }", 20, False),
        ("{ assets { __typename } }", 20, False),
        ("{ assets { totalCount } }", 0, True),
        ("{ assets(first: 7) { __typename ...Page } } fragment Page on AssetConnection { totalCount }", 0, True),
        ("{ assets { totalCount nodes @include(if: false) { id } } }", 20, True),
        ("{ assets { ... on AssetConnection { nodes { id } totalCount } } }", 20, True),
        ("{ assets { ...Page } } fragment Page on AssetConnection { pageInfo { endCursor } totalCount }", 20, True),
        ("{ assets { ...Page } } fragment Page on AssetConnection { pageInfo { endCursor } }", 20, False),
        ("{ assets { nodes { id } } assets { totalCount } }", 20, True),
    ],
)
async def test_a_total_and_the_page_are_read_only_if_requested(
    run: Run, graph: RecordingGraph, document: str, first: int, *, counted: bool
) -> None:
    """Counting costs a second read, and a total alone needs no page; the selection decides, fragments included."""
    found = await run(document)
    assert found.errors is None
    assert [(page.first, page.total) for page in graph.pages] == [(first, counted)]
    if counted:
        assert found.data["assets"]["totalCount"] == 6


def test_a_position_is_on_one_page(ada: Principal) -> None:
    """A page has the positions after its cursor up to its last item; an empty page has none."""
    graph = PlainGraph()
    codec = CursorCodec(Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, epoch_milliseconds))
    items = tuple(PageItem(plain_row("MODEL", "m"), (depth, "m")) for depth in (1, 2))
    places = ((0, "m"), (1, "a"), (1, "z"), (2, "m"), (2, "n"))
    first = ConnectionSource(RowPage(items), PageRequest(2), codec)
    assert [first.has(place) for place in places] == [True, True, True, True, False]
    later = ConnectionSource(RowPage(items[1:]), PageRequest(2, (1, "a")), codec)
    assert [later.has(place) for place in places] == [False, False, True, True, False]
    for after in (None, (2, "m")):
        empty = ConnectionSource(RowPage(()), PageRequest(0, after), codec)
        assert [empty.has(place) for place in places] == [False] * len(places)
