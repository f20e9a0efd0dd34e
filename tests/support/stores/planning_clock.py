"""A clock of the plan of transactions, by which each item takes as long as a test says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.graph.writing import batch_planner, group_plan, plan_time
from graphql_schema.ports.outcomes import WriteOutcome


@dataclass
class PlanningClock:
    """``seconds`` has the time of the plan of single items by URN; others take none. ``planned`` has the URNs in order.

    ``call`` is called with each item before it is planned.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    planned: list[str] = field(default_factory=list)
    call: Callable[[str], None] = lambda _: None
    _now: float = 0.0

    def start(self, monkeypatch: pytest.MonkeyPatch) -> "PlanningClock":
        """Replace the clock and the planner of items until the test ends."""

        def plan(command: Any, *given: Any, **options: Any) -> WriteOutcome:
            self.call(command.urn)
            self.planned.append(command.urn)
            self._now += self.seconds.get(command.urn, 0.0)
            return batch_planner.plan_item(command, *given, **options)

        monkeypatch.setattr(plan_time, "thread_time", lambda: self._now)
        monkeypatch.setattr(group_plan, "plan_item", plan)
        return self
