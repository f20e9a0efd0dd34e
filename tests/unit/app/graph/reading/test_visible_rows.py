"""Responses that many parts of an operation wait for."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.graph.commits.sensitivity_floors import FloorView
from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest, LevelResponse
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.turns import loop_turns


class Responses:
    """Returns the same empty response to all requests at once."""

    def __init__(self) -> None:
        self.budget = OperationBudget()
        self.arrived = asyncio.Event()

    async def fetch(self, _request: LevelRequest) -> LevelResponse:
        """See LevelBatcher."""
        await self.arrived.wait()
        return LevelResponse([], {}, [])


async def test_those_who_get_a_response_continue_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nineteen walks of one operation each put ten thousand vertices together, 0.2 s in one iteration of the loop."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)
    store, policy = Responses(), SimpleNamespace(floors=FloorView("default"))
    rows = VisibleRows(cast("LevelBatcher", store), cast("RowPolicy", policy))
    request: Any = LevelRequest()
    waiting = [asyncio.ensure_future(rows.fetch(request)) for _ in range(19)]
    await asyncio.sleep(0)
    store.arrived.set()
    at_once = list[int]()
    while not all(each.done() for each in waiting):
        await asyncio.sleep(0)
        at_once.append(sum(each.done() for each in waiting) - sum(at_once))
    assert max(at_once) < 10
