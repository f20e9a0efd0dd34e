"""Fields over relations: one row, all rows, and pages whose filter applies before they are cut."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.operation_budget import OperationBudget

Run = Callable[..., Awaitable[ExecutionResult]]
SERVICE = "mlg://service/test/default/api"
DEPLOYMENTS = """query ($id: ID!, $active: Boolean, $first: Int) { asset(id: $id) { ... on Service {
  deployments(activeOnly: $active, first: $first) { totalCount nodes { name } } } } }"""


@pytest.fixture
def estate(graph: PlainGraph) -> PlainGraph:
    """Add a service with six deployments, of which every third is active."""
    graph.add("SERVICE", "api")
    for number in range(6):
        urn = graph.add("DEPLOYMENT", f"d{number}", status="RETIRED" if number % 3 else "ACTIVE")
        graph.join("SERVED_BY", urn, SERVICE)
    return graph


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(
    ("variables", "total", "names"),
    [
        ({}, 2, ["d0", "d3"]),
        ({"active": True, "first": 1}, 2, ["d0"]),
        ({"active": False, "first": 4}, 6, ["d0", "d1", "d2", "d3"]),
        ({"active": None, "first": 4}, 6, ["d0", "d1", "d2", "d3"]),
    ],
)
async def test_only_active_deployments_are_listed_unless_requested(
    run: Run, variables: dict[str, Any], total: int, names: list[str]
) -> None:
    """The filter applies before the page is cut, so a page of one is full although others come before."""
    found = (await run(DEPLOYMENTS, id=SERVICE, **variables)).data["asset"]["deployments"]
    assert (found["totalCount"], [node["name"] for node in found["nodes"]]) == (total, names)


async def test_a_hidden_status_is_not_active(run: Run, estate: PlainGraph) -> None:
    """A filter by a hidden field would disclose it, so the row does not match."""
    estate.hidden = {"DEPLOYMENT": {"status"}}
    found = (await run(DEPLOYMENTS, id=SERVICE)).data["asset"]["deployments"]
    assert (found["totalCount"], found["nodes"]) == (0, [])


async def test_a_list_has_all_rows_and_a_single_field_the_first(run: Run, graph: PlainGraph) -> None:
    """A user of three teams has all three, and a field for one row without any is null."""
    user = graph.add("USER", "zoe")
    for name in "abc":
        graph.join("MEMBER_OF", user, graph.add("TEAM", name))
    found = await run("{ users { nodes { teams { name parent { name } } } } }")
    assert found.errors is None
    assert found.data["users"]["nodes"][0]["teams"] == [{"name": name, "parent": None} for name in "abc"]


async def test_a_list_is_foreseen(run: Run, graph: PlainGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lists of thousands of users have millions of teams, and only a foreseen one ends the operation in time."""
    foreseen = list[int]()
    monkeypatch.setattr(OperationBudget, "foresee_items", lambda _, count: foreseen.append(count))
    teams = [graph.add("TEAM", name) for name in "abcdefg"]
    for user, count in (("zoe", 7), ("yan", 5)):
        for team in teams[:count]:
            graph.join("MEMBER_OF", graph.add("USER", user), team)
    assert (await run("{ users { nodes { teams { name } } } }")).errors is None
    assert {5, 7} <= {*foreseen}


@pytest.mark.parametrize(("first", "shown"), [(None, 50), (3, 3), (0, 0)])
async def test_a_field_has_its_own_page_size(run: Run, graph: PlainGraph, first: int | None, shown: int) -> None:
    """A team shows 50 members by default, also if the size is null."""
    team = graph.add("TEAM", "t")
    for number in range(60):
        graph.join("MEMBER_OF", graph.add("USER", f"u{number:02}"), team)
    query = "query ($id: ID!, $first: Int) { team(id: $id) { members(first: $first) { nodes { name } } } }"
    assert len((await run(query, id=team, first=first)).data["team"]["members"]["nodes"]) == shown
    omitted = "query ($id: ID!) { team(id: $id) { members { nodes { name } } } }"
    assert len((await run(omitted, id=team)).data["team"]["members"]["nodes"]) == 50


async def test_a_cursor_belongs_to_the_object_and_its_field(run: Run, graph: PlainGraph) -> None:
    """The cursor of one team is refused on another team, and on another field of the same team."""
    one, two = graph.add("TEAM", "one"), graph.add("TEAM", "two")
    for number in range(3):
        user = graph.add("USER", f"u{number}")
        graph.join("MEMBER_OF", user, one)
        graph.join("MEMBER_OF", user, two)
    query = """query ($id: ID!, $after: Cursor) { team(id: $id) {
      FIELD(first: 1, after: $after) { nodes { name } pageInfo { endCursor } } } }"""
    members = query.replace("FIELD", "members")
    cursor = (await run(members, id=one)).data["team"]["members"]["pageInfo"]["endCursor"]
    assert (await run(members, id=one, after=cursor)).data["team"]["members"]["nodes"] == [{"name": "u1"}]
    for document, team in ((members, two), (query.replace("FIELD", "subteams"), one)):
        refused = await run(document, id=team, after=cursor)
        assert refused.errors is not None
        assert refused.errors[0].extensions["code"] == "INVALID"


@pytest.mark.parametrize("kind", ["Dataset", "FeatureSet"])
@pytest.mark.parametrize("selected", ["totalCount", "nodes { asset { id } }"])
async def test_a_list_may_have_more_fields_for_one_kind(run: Run, graph: PlainGraph, kind: str, selected: str) -> None:
    """What is selected for all kinds and what is added for one are both there, whichever kind comes first."""
    version = graph.add("MODEL_VERSION", "m", version="1")
    ids = [graph.add(code, "source") for code in ("DATASET", "FEATURE_SET")]
    for source in ids:
        graph.join("FEEDS", source, version)
    both = {"totalCount": 1, "nodes": [{"asset": {"id": version}}]}
    (other,) = {"totalCount", "nodes { asset { id } }"} - {selected}
    query = f"""query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Asset {{ __typename downstream {{ {selected} }}
      ... on {kind} {{ downstream {{ {other} }} }} }} }} }}"""
    found = await run(query, ids=ids)
    assert found.errors is None
    for node in found.data["nodes"]:
        expected = both if node["__typename"] == kind else {name: both[name] for name in both if name in selected}
        assert node["downstream"] == expected
