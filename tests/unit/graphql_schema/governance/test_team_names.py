"""Teams by name: the order in which names are tried, and a name that fits several teams."""

from collections.abc import Awaitable, Callable

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.rules.words import title

Run = Callable[..., Awaitable[ExecutionResult]]
TEAM = "query ($name: String!) { team(name: $name) { id } }"


def add(graph: PlainGraph, source: str, name: str, shown: str) -> str:
    """Add a team with a display name, and return its id."""
    urn = f"mlg://team/{source}/default/{name}"
    values = {"source": source, "namespace": "default", "name": name, "displayName": shown}
    titles = [title(name), title(shown)]
    graph.records[urn] = {"id": urn, "kind": "TEAM", "titles": titles, **values}
    return urn


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Search", "mlg://team/catalog/default/Search"),
        ("search", "mlg://team/catalog/default/Search"),
        ("ADS", "mlg://team/hr/default/ads"),
        ("Find things", "mlg://team/catalog/default/Search"),
        ("nobody", None),
    ],
    ids=["exact", "in another case", "of another source", "display name", "none"],
)
async def test_a_team_is_found_by_its_name(run: Run, graph: PlainGraph, name: str, found: str | None) -> None:
    """The exact name comes first, then that of the catalog in any case, then names and display names of all."""
    add(graph, "catalog", "Search", "Find things")
    add(graph, "hr", "search", "Seekers")
    add(graph, "hr", "ads", "Ads")
    result = await run(TEAM, name=name)
    assert result.errors is None
    assert result.data == {"team": found and {"id": found}}


async def test_a_name_of_several_teams_is_refused_with_their_ids(run: Run, graph: PlainGraph) -> None:
    """The caller gets the ids to choose from."""
    ids = [add(graph, source, "ads", "Ads") for source in ("hr", "crm")]
    (error,) = (await run(TEAM, name="Ads")).errors or []
    assert all(urn in error.message for urn in ids)
