"""Fields over listings of assets: the conditions of the source, of the caller, and the scope of cursors."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
ASSETS = """query ($f: AssetFilter, $o: AssetOrder, $first: Int, $after: Cursor) { domains { nodes {
  assets(filter: $f, orderBy: $o, first: $first, after: $after) { totalCount nodes { name }
  pageInfo { endCursor } } } } }"""


@pytest.fixture
def estate(graph: PlainGraph) -> PlainGraph:
    """Add a domain with three assets, and one asset outside of it."""
    domain = graph.add("DOMAIN", "shop")
    for kind, name in (("MODEL", "b"), ("DATASET", "a"), ("MODEL", "c")):
        graph.add(kind, name, domain=domain)
    graph.add("MODEL", "outside", domain="")
    return graph


async def page(run: Run, **variables: Any) -> Any:
    """Return the page of the domain's assets."""
    found = await run(ASSETS, **variables)
    assert found.errors is None
    return found.data["domains"]["nodes"][0]["assets"]


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({}, ["a", "b", "c"]),
        ({"f": None, "o": None}, ["a", "b", "c"]),
        ({"f": {"kinds": ["MODEL"]}}, ["b", "c"]),
        ({"o": {"field": "NAME", "direction": "DESC"}}, ["c", "b", "a"]),
        ({"f": {"name": {"eq": "outside"}}}, []),
    ],
)
async def test_a_filter_narrows_what_belongs_to_the_source(
    run: Run, variables: dict[str, Any], names: list[str]
) -> None:
    """The condition of the domain always applies, and the default order is by id."""
    found = await page(run, **variables)
    assert (found["totalCount"], [node["name"] for node in found["nodes"]]) == (len(names), names)


@pytest.mark.usefixtures("estate")
async def test_a_page_continues_after_its_cursor(run: Run) -> None:
    """The second page begins where the first ended, and the end has no further row."""
    first = await page(run, first=2)
    rest = await page(run, first=2, after=first["pageInfo"]["endCursor"])
    assert [node["name"] for node in (*first["nodes"], *rest["nodes"])] == ["a", "b", "c"]


async def test_a_cursor_belongs_to_its_source_filter_and_order(run: Run, estate: PlainGraph) -> None:
    """The cursor of one domain, filter or order is refused for another."""
    cursor = (await page(run, first=1))["pageInfo"]["endCursor"]
    others: list[dict[str, Any]] = [{"f": {"kinds": ["MODEL"]}}, {"o": {"field": "NAME"}}]
    for variables in others:
        refused = await run(ASSETS, after=cursor, **variables)
        assert refused.errors is not None
        assert {error.extensions["code"] for error in refused.errors} == {"INVALID"}
    del estate.records["mlg://domain/test/default/shop"]
    estate.add("DOMAIN", "other")
    refused = await run(ASSETS, after=cursor)
    assert refused.errors is not None
    assert refused.errors[0].extensions["code"] == "INVALID"
