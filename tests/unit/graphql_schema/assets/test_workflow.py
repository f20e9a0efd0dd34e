"""Workflows: the runs by state and in pages, the newest first."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
RUNS = """query ($id: ID!, $state: RunState, $after: Cursor) { asset(id: $id) { ... on Workflow {
  runs(state: $state, first: 2, after: $after) { totalCount nodes { name } pageInfo { hasNextPage endCursor } } } } }"""


@pytest.fixture
def nightly(graph: PlainGraph) -> str:
    """Add a workflow with five runs, of which the second and the fourth failed."""
    flow = graph.add("WORKFLOW", "nightly")
    for at in range(5):
        graph.join("RUN_OF", graph.add("RUN", f"r{at}", state="FAIL" if at % 2 else "COMPLETE"), flow, at=at)
    return flow


async def test_a_page_of_one_state_is_filled_from_that_state(run: Run, nightly: str) -> None:
    """The filter applies before the page is cut, and the total counts the runs of this state."""
    found = (await run(RUNS, id=nightly, state="COMPLETE")).data["asset"]["runs"]
    assert (found["totalCount"], [node["name"] for node in found["nodes"]]) == (3, ["r4", "r2"])
    rest = (await run(RUNS, id=nightly, state="COMPLETE", after=found["pageInfo"]["endCursor"])).data
    assert [node["name"] for node in rest["asset"]["runs"]["nodes"]] == ["r0"]
    assert not rest["asset"]["runs"]["pageInfo"]["hasNextPage"]


async def test_without_a_state_every_run_is_listed(run: Run, nightly: str) -> None:
    """A null state is no filter."""
    found = (await run(RUNS, id=nightly, state=None)).data["asset"]["runs"]
    assert (found["totalCount"], [node["name"] for node in found["nodes"]]) == (5, ["r4", "r3"])


async def test_a_state_without_runs_is_an_empty_page(run: Run, nightly: str) -> None:
    """There is no run, and no error."""
    found = await run(RUNS, id=nightly, state="ABORT")
    assert found.errors is None
    assert found.data["asset"]["runs"] == {
        "totalCount": 0,
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "endCursor": None},
    }
