"""The list of all change plans."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]


@pytest.mark.parametrize(("closed", "titles"), [(None, ["2", "1", "0"]), (False, ["2", "0"]), (True, ["1"])])
async def test_plans_are_listed_newest_first(
    run: Run,
    graph: PlainGraph,
    closed: bool | None,  # noqa: FBT001 - a parameter of the test
    titles: list[str],
) -> None:
    """Without the argument all are listed, with it closed plans or the others."""
    for at, state in enumerate(("OPEN", "CLOSED", "OPEN")):
        graph.add("CHANGE_PLAN", str(at), title=str(at), state=state, subjects=[], createdAt=at)
    query = "query ($closed: Boolean) { changePlans(closed: $closed) { totalCount nodes { title } } }"
    found = (await run(query, closed=closed)).data["changePlans"]
    assert ([node["title"] for node in found["nodes"]], found["totalCount"]) == (titles, len(titles))
