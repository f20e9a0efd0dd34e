"""A team with its sub-teams: each once, at any depth, within a limit."""

from types import SimpleNamespace
from typing import cast

import pytest
from support.stores.plain_reader import PlainGraph

from graphql_schema.fields.context import Info
from graphql_schema.governance.subteams import MAX_SUBTEAMS, with_subteams
from graphql_schema.ports.row import Row
from policies.errors import Code, LimitError


def team(graph: PlainGraph, name: str, part_of: str | None = None) -> str:
    """Add a team, as a part of another one if given."""
    urn = graph.add("TEAM", name)
    if part_of is not None:
        graph.join("PART_OF", urn, part_of)
    return urn


async def names(graph: PlainGraph, urn: str, *, include: bool | None = True) -> list[str]:
    """Return the names of a team and its sub-teams."""
    root = graph.row(urn)
    assert root is not None
    info = cast("Info", SimpleNamespace(context=SimpleNamespace(reader=graph)))
    found: list[Row] = await with_subteams(root, info, include)
    return [row.record["name"] for row in found]


async def test_teams_at_any_depth_are_included(graph: PlainGraph) -> None:
    """A chain of ten teams takes three requests and leaves none out; the team itself comes first."""
    urn = top = team(graph, "t0")
    for depth in range(1, 10):
        urn = team(graph, f"t{depth}", urn)
    assert (await names(graph, top))[0] == "t0"
    assert sorted(await names(graph, top)) == [f"t{depth}" for depth in range(10)]


@pytest.mark.parametrize("include", [False, None])
async def test_a_team_is_alone_unless_requested(graph: PlainGraph, *, include: bool | None) -> None:
    """Sub-teams are left out, also with null."""
    top = team(graph, "top")
    team(graph, "sub", top)
    assert await names(graph, top, include=include) == ["top"]


async def test_a_team_of_two_parents_is_listed_once(graph: PlainGraph) -> None:
    """A diamond of teams has four teams."""
    top = team(graph, "top")
    left, right = team(graph, "left", top), team(graph, "right", top)
    bottom = team(graph, "bottom", left)
    graph.join("PART_OF", bottom, right)
    assert sorted(await names(graph, top)) == ["bottom", "left", "right", "top"]


async def test_a_cycle_of_teams_ends(graph: PlainGraph) -> None:
    """A wrong import may make teams parts of each other; each is listed once, whatever the length of the cycle."""
    for size in (1, 2, 4, 5, 9):
        urns = [team(graph, f"c{size}-{number}") for number in range(size)]
        for number, urn in enumerate(urns):
            graph.join("PART_OF", urns[(number + 1) % size], urn)
        assert sorted(await names(graph, urns[0])) == sorted(f"c{size}-{number}" for number in range(size))


async def test_the_number_of_teams_is_limited(graph: PlainGraph) -> None:
    """249 sub-teams are combined; one more is refused with the limit, the team itself included."""
    top = team(graph, "top")
    for number in range(249):
        team(graph, f"t{number}", top)
    assert len(await names(graph, top)) == MAX_SUBTEAMS == 250
    team(graph, "more", top)
    with pytest.raises(LimitError, match=r"has more than 249 sub-teams; query one of them at a time") as error:
        await names(graph, top)
    assert (error.value.code, error.value.extensions) == (Code.LIMIT_EXCEEDED, {"limit": 250})
