"""The field `myWork`: its teams, and the limits of its arguments."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
TEAM = "mlg://team/test/default/search"


async def test_teams_are_those_of_the_token_that_are_visible(run: Run, graph: PlainGraph) -> None:
    """A team that the graph does not have is left out."""
    assert (await run("{ myWork { teams { id } } }")).data == {"myWork": {"teams": []}}
    graph.add("TEAM", "search")
    assert (await run("{ myWork { teams { id } } }")).data == {"myWork": {"teams": [{"id": TEAM}]}}


@pytest.mark.parametrize("field", ["approvals", "unhealthy"])
async def test_the_size_of_a_list_is_limited(run: Run, field: str) -> None:
    """Null counts as the default."""
    for first, message in ((501, "`first` is 501; give 0 to 500."), (-1, "`first` is -1; give 0 to 500.")):
        found = await run(f"{{ myWork {{ {field}(first: {first}) {{ total }} }} }}")
        assert [error.message for error in found.errors or ()] == [message]
    assert (await run(f"{{ myWork {{ {field}(first: null) {{ total }} }} }}")).data == {"myWork": {field: {"total": 0}}}


async def test_an_error_costs_only_its_list(run: Run) -> None:
    """The list that cannot be read is null, and the other ones are returned."""
    some = "{ nodes { __typename } }"
    for field in ("approvals", "incidents", "unhealthy", "unused"):
        found = await run(f"{{ myWork {{ bad: {field}(first: 501) {some} good: {field} {some} }} }}")
        assert found.data == {"myWork": {"bad": None, "good": {"nodes": []}}}
        assert [error.path for error in found.errors or ()] == [["myWork", "bad"]]
