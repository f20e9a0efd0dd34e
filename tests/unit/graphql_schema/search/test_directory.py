"""The directory of a search through the built schema, over rows that are all candidates."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable

from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
QUERY = """query ($after: Cursor, $kinds: [DirectoryKind!]) { search(text: "churn") {
  directory(kinds: $kinds, first: 1, after: $after) {
    totalCount nodes { entry { __typename } } pageInfo { hasNextPage endCursor } } } }"""


async def test_a_cursor_belongs_to_its_kinds(run: Run, graph: PlainGraph) -> None:
    """The total counts all pages; a cursor continues the same entries, and is refused with other kinds."""
    graph.add("TAG", "churn")
    graph.add("TAG", "other")
    graph.add("TEAM", "churn")
    first = await run(QUERY)
    assert first.data is not None
    page = first.data["search"]["directory"]
    assert (page["totalCount"], page["nodes"]) == (2, [{"entry": {"__typename": "Tag"}}])
    end = page["pageInfo"]["endCursor"]
    last = await run(QUERY, after=end)
    assert last.data is not None
    assert last.data["search"]["directory"]["nodes"] == [{"entry": {"__typename": "Team"}}]
    refused = await run(QUERY, after=end, kinds=["TEAM"])
    assert [error.extensions["code"] for error in refused.errors or ()] == ["INVALID"]
