"""How many records a list of attached records reads at once; what it returns is proven with a store."""

from typing import cast

import pytest

from app.graph.reading import attached_records
from app.graph.reading.attached_records import MAX_BATCH_SIZE, AttachedRecords
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import EDGE_CAP
from app.graph.reading.rows_by_id import RowsById
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.relations import MAX_PLAN_ROOTS
from graphql_schema.ports.conditions import ALWAYS
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.record import Record
from graphql_schema.ports.relation_query import PageRequest
from policies.errors import LimitError

STORED = 5_000


class HiddenRows:
    """Rows over a store whose records are all hidden; ``sizes`` are those of the batches that were read.

    ``continues`` states of each whether it goes on with an earlier one.
    """

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.continues: list[bool] = []
        self.read = 0
        self.budget = OperationBudget()

    async def fetch(self, request: LevelRequest, *, ends: bool = False) -> LevelResponse:  # noqa: ARG002 - as VisibleRows
        """Return the next records, of which there are STORED."""
        (listing,) = request.listings
        self.sizes.append(listing["n"])
        self.continues.append(request.continues)
        vids = range(self.read, min(self.read + listing["n"], STORED))
        self.read = vids.stop
        self.budget.rows += len(vids)
        records: dict[int, Record] = {vid: {"id": f"mlg://incident/{vid}", "createdAt": vid} for vid in vids}
        return LevelResponse([{} for _ in request.hops], records, [{"x": [*vids], "n": -1}])

    def found(self, vids: list[int], response: LevelResponse) -> list[int]:  # noqa: ARG002 - as VisibleRows
        """Return no row."""
        return []

    def hide(self, vid: int) -> None:
        """Do nothing: all are hidden."""


async def test_no_batch_exceeds_the_maximal_size() -> None:
    """Also the first batch is bounded, if a total is counted or everything is wanted; it once had 10,001 records."""
    rows = HiddenRows()
    lists = AttachedRecords(cast("VisibleRows", rows), cast("RowsById", None))
    page = await lists.page("Incident", ALWAYS, PageRequest(None, total=True), newest_first=True)
    assert (page.items, page.total, rows.read) == ((), 0, STORED)
    assert max(rows.sizes) <= MAX_BATCH_SIZE


async def test_a_small_first_batch_is_followed_by_larger_ones() -> None:
    """A page of few records reads few at first, and more while these are hidden."""
    rows = HiddenRows()
    lists = AttachedRecords(cast("VisibleRows", rows), cast("RowsById", None))
    await lists.page("Incident", ALWAYS, PageRequest(10), newest_first=True)
    assert rows.sizes == [11, 100, 200, 400, 800, 1_600, 2_000]


@pytest.mark.parametrize("page", [PageRequest(500), PageRequest(20, total=True), PageRequest(2_000, in_parts=True)])
async def test_a_batch_of_plans_has_no_more_edges_than_a_request_may_read(page: PageRequest) -> None:
    """Plans with as many roots as they may have end no list; 500 of them in one batch did."""
    rows = HiddenRows()
    lists = AttachedRecords(cast("VisibleRows", rows), cast("RowsById", None))
    found = await lists.page("ChangePlan", ALWAYS, page, newest_first=True)
    assert (found.items, found.has_next, rows.read) == ((), False, STORED)
    assert max(rows.sizes) * MAX_PLAN_ROOTS < EDGE_CAP


async def test_a_page_in_parts_ends_when_half_is_read() -> None:
    """It has a next page then, as there may be more records; another page reads on."""
    rows = HiddenRows()
    rows.budget.limits = UsageLimits(rows=1_000)
    lists = AttachedRecords(cast("VisibleRows", rows), cast("RowsById", None))
    page = await lists.page("ChangePlan", ALWAYS, PageRequest(2_000, in_parts=True), newest_first=True)
    assert (page.items, page.has_next) == ((), True)
    assert 500 < rows.read < 1_000
    await lists.page("ChangePlan", ALWAYS, PageRequest(2_000), newest_first=True)
    assert rows.read == STORED


async def test_a_page_in_parts_ends_after_as_many_records_as_are_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another page is an error then."""
    monkeypatch.setattr(attached_records, "MAX_SCANNED", 1_000)
    lists = AttachedRecords(cast("VisibleRows", HiddenRows()), cast("RowsById", None))
    page = await lists.page("ChangePlan", ALWAYS, PageRequest(2_000, in_parts=True), newest_first=True)
    assert (page.items, page.has_next) == ((), True)
    with pytest.raises(LimitError, match="1000 records were examined"):
        await lists.page("ChangePlan", ALWAYS, PageRequest(2_000), newest_first=True)


@pytest.mark.usefixtures("lowest_limits")
async def test_how_many_records_are_examined_is_lower_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """No caller counts hidden records by the number of own ones at which a list is refused."""
    monkeypatch.setattr(attached_records, "MAX_SCANNED", STORED + STORED // 8)
    lists = AttachedRecords(cast("VisibleRows", HiddenRows()), cast("RowsById", None))
    with pytest.raises(LimitError):
        await lists.page("ChangePlan", ALWAYS, PageRequest(2_000), newest_first=True)


async def test_what_hidden_records_make_necessary_is_not_counted() -> None:
    """The first batch of a page, and that of its total, count as a list; the number of others would disclose hidden."""
    rows = HiddenRows()
    lists = AttachedRecords(cast("VisibleRows", rows), cast("RowsById", None))
    await lists.page("Incident", ALWAYS, PageRequest(10, total=True), newest_first=True)
    assert (len(rows.continues), rows.continues.count(False)) == (4, 2)
