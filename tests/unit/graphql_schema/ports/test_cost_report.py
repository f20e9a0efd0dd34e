"""What a response discloses of its cost and its plan, and what a second execution forgets."""

from graphql_schema.ports.cost_report import CostReport, PlanReport
from graphql_schema.ports.operation_budget import OperationBudget


def test_the_cost_has_estimate_limits_and_use_without_rows() -> None:
    """Rows are left out: hidden ones are among them."""
    budget = OperationBudget()
    budget.count_items(3)
    budget.count_rows(5)
    found = CostReport(estimate={"objects": 4}, limits={"objects": 9}).extension(budget)
    used = {"items": 3, "values": 0, "characters": 0}
    assert found == {"estimate": {"objects": 4}, "limits": {"objects": 9}, "used": used}


def test_a_plan_without_steps_was_executed_by_graphql_core() -> None:
    """An operation that begins again forgets the steps of its first execution."""
    report = PlanReport()
    report.objects[1] += 2
    report.steps = [{"path": "a"}]
    assert report.extension() == {"execution": "VECTORS", "steps": [{"path": "a"}]}
    report.clear()
    assert report.extension() == {"execution": "GRAPHQL_CORE", "steps": []}
    assert not report.objects
