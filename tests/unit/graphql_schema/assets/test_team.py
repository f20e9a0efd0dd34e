"""Teams and users: the assets of a team with its sub-teams, and the kind of a user."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
ASSETS = """query ($id: ID!, $sub: Boolean, $after: Cursor, $first: Int) { team(id: $id) {
  assets(includeSubteams: $sub, first: $first, after: $after) { nodes { name } pageInfo { endCursor } } } }"""


@pytest.fixture
def teams(graph: PlainGraph) -> tuple[str, str]:
    """Add a team with one sub-team; each owns a model, and the upper one also in a list of owners."""
    upper, lower = graph.add("TEAM", "search"), graph.add("TEAM", "ranking")
    graph.join("PART_OF", lower, upper)
    graph.add("MODEL", "a", ownerTeam=upper, owners=[upper])
    graph.add("MODEL", "b", ownerTeam=lower, owners=[lower])
    graph.add("MODEL", "c", ownerTeam=lower, owners=[lower, upper])
    graph.add("MODEL", "d", ownerTeam="", owners=[])
    return upper, lower


@pytest.mark.parametrize(("sub", "names"), [(None, ["a", "c"]), (False, ["a", "c"]), (True, ["a", "b", "c"])])
async def test_assets_of_sub_teams_are_listed_on_request(
    run: Run, graph: PlainGraph, teams: tuple[str, str], *, sub: bool | None, names: list[str]
) -> None:
    """A team lists what it owns as owner team or directly; with sub-teams also their assets, each once."""
    del graph
    found = await run(ASSETS, id=teams[0], sub=sub, first=20)
    assert found.errors is None
    assert [node["name"] for node in found.data["team"]["assets"]["nodes"]] == names


async def test_a_cursor_belongs_to_the_choice_of_sub_teams(run: Run, graph: PlainGraph, teams: tuple[str, str]) -> None:
    """A page continues, also after a sub-team was added; with the other choice the cursor is refused."""
    page = (await run(ASSETS, id=teams[0], sub=True, first=2)).data["team"]["assets"]
    assert [node["name"] for node in page["nodes"]] == ["a", "b"]
    cursor = page["pageInfo"]["endCursor"]
    graph.join("PART_OF", graph.add("TEAM", "ads"), teams[0])
    rest = await run(ASSETS, id=teams[0], sub=True, first=2, after=cursor)
    assert [node["name"] for node in rest.data["team"]["assets"]["nodes"]] == ["c"]
    refused = await run(ASSETS, id=teams[0], sub=False, first=2, after=cursor)
    assert refused.errors is not None
    assert refused.errors[0].extensions["code"] == "INVALID"


@pytest.mark.parametrize(
    ("stored", "kind"), [({}, "PERSON"), ({"principalKind": "SERVICE_ACCOUNT"}, "SERVICE_ACCOUNT")]
)
async def test_a_user_is_a_person_unless_registered_otherwise(
    run: Run, graph: PlainGraph, stored: dict[str, str], kind: str
) -> None:
    """The kind of the user is not the kind of the record, which is USER."""
    graph.add("USER", "zoe", **stored)
    assert (await run("{ users { nodes { kind } } }")).data == {"users": {"nodes": [{"kind": kind}]}}


async def test_a_user_lists_its_teams_and_what_it_owns_directly(
    run: Run, graph: PlainGraph, teams: tuple[str, str]
) -> None:
    """The assets of the user's teams are not those of the user."""
    zoe = graph.add("USER", "zoe")
    graph.join("MEMBER_OF", zoe, teams[1])
    graph.add("REPORT", "mine", owners=[zoe])
    found = await run("{ users { nodes { teams { name } assets { nodes { name } } } } }")
    assert found.data == {
        "users": {"nodes": [{"teams": [{"name": "ranking"}], "assets": {"nodes": [{"name": "mine"}]}}]}
    }
