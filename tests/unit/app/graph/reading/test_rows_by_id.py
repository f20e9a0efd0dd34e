"""Very many rows by id, such as the far ends of a page of changes, are requested in turns."""

import asyncio
import gc
from collections.abc import Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.estates.plain_rows import plain_row

from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.level.shared_batches import SharedBatches
from app.graph.reading.rows_by_id import IDS_AT_ONCE, RowsById
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.row import Row
from policies.errors import LimitError

HIDDEN, ABSENT = 3, 5
"""Of each ten ids, the last digit of one that is hidden, and that of one that does not exist."""


class Policy:
    """Keeps the ids that it reports as hidden."""

    def __init__(self) -> None:
        self.reported: list[str] = []

    def report_hidden_id(self, urn: str, _vid: int, record: Any) -> None:
        """See RowPolicy."""
        if record is not None:
            self.reported.append(urn)


class Rows:
    """The rows of an operation; ``sizes`` has the number of vertices of each request."""

    def __init__(self) -> None:
        self.budget = OperationBudget()
        self.row_policy = Policy()
        self.sizes: list[int] = []

    def vid(self, urn: str) -> int:
        """See VisibleRows."""
        return int(urn.rpartition("/")[2])

    async def fetch(self, request: LevelRequest, **_ends: Any) -> LevelResponse:
        """See VisibleRows."""
        self.sizes.append(len(request.vertices))
        records = {vid: plain_row("DATASET", f"{vid}").record for vid in request.vertices if vid % 10 != ABSENT}
        return LevelResponse([], records, [])

    def led_to(self, vid: int, _response: LevelResponse) -> int:
        """See VisibleRows."""
        return vid

    def row(self, vid: int, response: LevelResponse) -> Row | None:
        """See VisibleRows."""
        found = response.records.get(vid)
        return None if found is None or vid % 10 == HIDDEN else plain_row("DATASET", f"{vid}", vid=vid)


def urns(count: int) -> list[str]:
    """Return ids of datasets."""
    return [f"mlg://dataset/test/default/{number}" for number in range(count)]


@pytest.fixture
def requested(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of ids that were requested from one pause of an operation to the next."""
    between = [0]
    get = SharedBatches[str, Row | None].get

    def counted(batches: SharedBatches[str, Row | None], keys: Sequence[str], load: Any) -> Any:
        between[-1] += len(keys)
        return get(batches, keys, load)

    async def pause(_budget: OperationBudget) -> None:
        between.append(0)

    monkeypatch.setattr(SharedBatches, "get", counted)
    monkeypatch.setattr(OperationBudget, "pause", pause)
    return between


@pytest.mark.parametrize("count", [0, 1, IDS_AT_ONCE, IDS_AT_ONCE + 1, 5 * IDS_AT_ONCE + 7])
async def test_ids_are_requested_in_turns(requested: list[int], count: int) -> None:
    """Each id has its row, hidden and absent ones have none, and few are requested between two pauses."""
    rows = Rows()
    given = urns(count)
    found = await RowsById(cast("VisibleRows", rows)).many(given)
    expected = [None if number % 10 in {HIDDEN, ABSENT} else urn for number, urn in enumerate(given)]
    assert [None if row is None else row.urn for row in found] == expected
    assert rows.row_policy.reported == given[HIDDEN::10]
    assert sum(rows.sizes) == sum(requested) == count
    assert max(requested) <= IDS_AT_ONCE


async def test_an_operation_that_ends_between_two_turns_logs_no_error() -> None:
    """What was requested before fails as well; its error is that of the operation, so asyncio has nothing to log."""
    logged: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
    rows = Rows()
    end = LimitError("The operation reached its limit.")

    async def pause() -> None:
        if turns:
            rows.budget.end(end)
            await asyncio.sleep(0)
        turns.append(None)
        rows.budget.check()

    async def fetch(*_: Any, **_ends: Any) -> LevelResponse:
        await asyncio.sleep(0)
        raise end

    turns: list[None] = []
    rows.budget = cast("OperationBudget", SimpleNamespace(pause=pause, end=rows.budget.end, check=rows.budget.check))
    rows.fetch = fetch  # type: ignore[method-assign]
    by_id = RowsById(cast("VisibleRows", rows))
    with suppress(LimitError):
        await by_id.many(urns(3 * IDS_AT_ONCE))
    assert len(turns) == 2
    for _ in range(10):
        await asyncio.sleep(0)
    forget_frames(end)
    gc.collect()
    assert not logged


async def test_calls_of_the_same_moment_send_one_request_in_any_case() -> None:
    """Each of 50,000 columns has a call: requests of their own would take three times the CPU of the query."""
    rows = Rows()
    by_id = RowsById(cast("VisibleRows", rows))
    for sent in (1, 2):
        await asyncio.gather(*(by_id.many([], constant_time=True) for _ in range(100)))
        assert rows.sizes == [0] * sent
    found = await asyncio.gather(*(by_id.many(urns(2), constant_time=True) for _ in range(100)))
    assert {len(each) for each in found} == {2}
    assert sorted(rows.sizes) == [0, 0, 0, 2]
