"""Plans that wait for the viewer: which are examined, and which are left out."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.plans import pending_plans
from graphql_schema.plans.pending_plans import MAX_PLANS
from graphql_schema.ports.conditions import Condition
from graphql_schema.ports.lineage_query import LineageQuery, LineageResult
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import RowPage

Run = Callable[..., Awaitable[ExecutionResult]]
QUERY = """query ($first: Int) { myWork { plans(first: $first) {
  total examined complete nodes { plan { id } teams { id } } } } }"""
TEAM = "mlg://team/test/default/search"
ANSWERED = {TEAM: {"decision": "AGREED", "by": "ada", "at": 1}}


def add(
    graph: PlainGraph, at: int, *, state: str = "OPEN", acknowledgements: object = None, author: str = "ada"
) -> str:
    """Add a plan about the dataset `root` and return its id."""
    values = {
        "plannedBy": author,
        "state": state,
        "acknowledgements": acknowledgements or {},
        "createdAt": at,
        "maxDepth": 20,
        "snapshot": [1, 1],
    }
    return graph.add("CHANGE_PLAN", f"p{at}", subjects=["mlg://dataset/test/default/root"], **values)


@pytest.fixture
def estate(graph: PlainGraph) -> PlainGraph:
    """Add a dataset, and one downstream of it that a team of the viewer owns."""
    graph.add("TEAM", "search")
    graph.join("DERIVES", graph.add("DATASET", "root"), graph.add("DATASET", "mine", ownerTeam=TEAM))
    return graph


async def test_open_plans_without_an_decision_wait(run: Run, estate: PlainGraph) -> None:
    """Closed plans and those that the team has acknowledged do not; `first` cuts the list and not the total."""
    old, new = add(estate, 1), add(estate, 4)
    add(estate, 2, state="CLOSED")
    add(estate, 3, acknowledgements=ANSWERED)
    found = (await run(QUERY, first=1)).data["myWork"]["plans"]
    nodes = [{"plan": {"id": new}, "teams": [{"id": TEAM}]}]
    assert found == {"total": 2, "examined": 3, "complete": True, "nodes": nodes}
    found = (await run(QUERY)).data["myWork"]["plans"]
    assert [node["plan"]["id"] for node in found["nodes"]] == [new, old]


async def test_the_newest_plans_are_examined(run: Run, estate: PlainGraph) -> None:
    """More open plans than are examined are reported."""
    for at in range(MAX_PLANS + 1):
        add(estate, at)
    found = (await run(QUERY, first=0)).data["myWork"]["plans"]
    assert found == {"total": MAX_PLANS, "examined": MAX_PLANS, "complete": False, "nodes": []}


async def test_the_plans_of_one_author_keep_no_others_out(run: Run, estate: PlainGraph) -> None:
    """After many plans of one author, the older plan of another is examined, and listed in its place by time."""
    old = add(estate, 0, author="zoe")
    for at in range(1, 300):
        add(estate, at)
    found = (await run(QUERY, first=MAX_PLANS)).data["myWork"]["plans"]
    assert (found["total"], found["examined"], found["complete"]) == (MAX_PLANS, MAX_PLANS, False)
    assert found["nodes"][-1]["plan"]["id"] == old


async def test_plans_that_are_not_read_are_reported(
    run: Run, estate: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many plans of many roots are not all read; those that are read are examined."""
    newest = add(estate, 1)
    read = PlainGraph.attached_records

    async def cut(graph: PlainGraph, kind: str, where: Condition, page: PageRequest) -> RowPage:
        return replace(await read(graph, kind, where, page), has_next=page.in_parts)

    monkeypatch.setattr(PlainGraph, "attached_records", cut)
    found = (await run(QUERY)).data["myWork"]["plans"]
    assert [node["plan"]["id"] for node in found["nodes"]] == [newest]
    assert (found["examined"], found["complete"]) == (1, False)


async def test_few_plans_that_affect_much_are_examined(
    run: Run, estate: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An author whose first plan affects more than may be examined has one, and another author has the others."""
    monkeypatch.setattr(pending_plans, "MAX_WALKED", 1)
    other = add(estate, 0, author="zoe")
    newest = [add(estate, at) for at in range(1, 5)][-1]
    found = (await run(QUERY)).data["myWork"]["plans"]
    assert [node["plan"]["id"] for node in found["nodes"]] == [newest, other]
    assert (found["examined"], found["complete"]) == (2, False)


async def test_a_cut_impact_is_reported_and_is_the_last_of_its_author(
    run: Run, estate: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a limit cut may concern the team; the next plan of its author, and not that of another, is left out."""
    other = add(estate, 0, author="zoe")
    newest = [add(estate, at) for at in range(1, 3)][-1]
    found = (await run(QUERY)).data["myWork"]["plans"]
    assert (found["examined"], found["complete"]) == (3, True)
    walk = PlainGraph.walk

    async def cut(graph: PlainGraph, query: LineageQuery) -> LineageResult:
        result = await walk(graph, query)
        return replace(result, completeness=replace(result.completeness, budgets=("EDGES",)))

    monkeypatch.setattr(PlainGraph, "walk", cut)
    found = (await run(QUERY)).data["myWork"]["plans"]
    assert [node["plan"]["id"] for node in found["nodes"]] == [newest, other]
    assert (found["examined"], found["complete"]) == (2, False)
