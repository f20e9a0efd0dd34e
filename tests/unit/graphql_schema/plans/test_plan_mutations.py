"""The mutations of change plans: the commands that they submit, and the inputs that they refuse."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.commands import AcknowledgeChangeCommand, CloseChangePlanCommand, PlanChangeCommand

Run = Callable[..., Awaitable[ExecutionResult]]
A, B, TEAM = "mlg://dataset/test/default/a", "mlg://dataset/test/default/b", "mlg://team/test/default/t"
PLAN = "mlg://change-plan/catalog/default/p"


def document(name: str) -> str:
    """Return a mutation by name."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    return f"mutation ($input: {kind}!) {{ done: {name}(input: $input) {{ changed errors {{ message inputPath }} }} }}"


async def submitted(run: Run, graph: PlainGraph, name: str, **given: Any) -> Any:
    """Return the command that a mutation submits."""
    found = await run(document(name), input=given)
    assert (found.errors, found.data["done"]["errors"]) == (None, [])
    ((command,), _, _) = graph.registered[-1]
    return command


async def test_a_plan_has_each_root_once_and_the_snapshot_of_the_call(run: Run, graph: PlainGraph) -> None:
    """The depth is that of an impact unless it is given; the snapshot is the read time of the operation."""
    command = await submitted(run, graph, "planChange", roots=[B, A, B], title="move")
    assert command == PlanChangeCommand((B, A), "move", (graph.pin.valid, graph.pin.recorded), 20)
    command = await submitted(
        run, graph, "planChange", roots=[A], title="m", description="d", maxDepth=3, deadline="2030-01-01T00:00:00Z"
    )
    assert command == PlanChangeCommand((A,), "m", (graph.pin.valid, graph.pin.recorded), 3, "d", 1_893_456_000_000)


async def test_acknowledgements_and_outcomes_are_submitted(run: Run, graph: PlainGraph) -> None:
    """An empty reason counts as none."""
    command = await submitted(run, graph, "acknowledgeChange", plan=PLAN, team=TEAM, decision="AGREED", reason="")
    assert command == AcknowledgeChangeCommand(PLAN, TEAM, "AGREED")
    command = await submitted(run, graph, "closeChangePlan", plan=PLAN, outcome="WITHDRAWN", reason="later")
    assert command == CloseChangePlanCommand(PLAN, "WITHDRAWN", "later")


REFUSED: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("planChange", {"roots": [], "title": "t"}, "`roots` has 0 entries", ["roots"]),
    ("planChange", {"roots": [A] * 101, "title": "t"}, "`roots` has 101 entries", ["roots"]),
    ("planChange", {"roots": [A, TEAM], "title": "t"}, "", ["roots", "1"]),
    ("planChange", {"roots": [A], "title": " "}, "`title` needs", ["title"]),
    ("planChange", {"roots": [A], "title": "t", "description": "x" * 10_001}, "`description` needs", ["description"]),
    ("planChange", {"roots": [A], "title": "t", "maxDepth": 0}, "`maxDepth` is 0", ["maxDepth"]),
    ("planChange", {"roots": [A], "title": "t", "maxDepth": 51}, "`maxDepth` is 51", ["maxDepth"]),
    ("acknowledgeChange", {"plan": A, "team": TEAM, "decision": "AGREED"}, "", ["plan"]),
    ("acknowledgeChange", {"plan": PLAN, "team": A, "decision": "AGREED"}, "", ["team"]),
    ("acknowledgeChange", {"plan": PLAN, "team": TEAM, "decision": "OBJECTED"}, "An objection needs", ["reason"]),
    ("closeChangePlan", {"plan": A, "outcome": "DONE"}, "", ["plan"]),
]


@pytest.mark.parametrize(("name", "given", "message", "path"), REFUSED)
async def test_an_invalid_input_is_named(run: Run, name: str, given: dict[str, Any], message: str, path: Any) -> None:
    """Nothing is submitted, and the error has the place in the input."""
    (error,) = (await run(document(name), input=given)).data["done"]["errors"]
    assert error["message"].startswith(message)
    assert error["inputPath"] == path
