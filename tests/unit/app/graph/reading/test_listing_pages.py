"""Pages of listings that are read in parts; what a page has is proven with a store."""

from dataclasses import dataclass, field
from typing import cast

import pytest
from support.stores.writers import NOW, person, shipped_policy, urn

from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.level.level_batcher import LargeLevelError, LevelBatcher, LevelRequest, LevelResponse
from app.graph.reading.listing_pages import PART_BYTES, ListingPages
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import stub
from graphql_schema.ports.conditions import ALWAYS, ListingQuery
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import RowPage

IDS = [urn(f"dataset d{number:03}") for number in range(100)]
LARGEST = 30
"""Number of records that a request with a bound may read."""


@dataclass
class Store:
    """Lists assets with these ids, in order; ``read`` has the numbers of those that each request read."""

    ids: list[str]
    largest: int = LARGEST
    instant: ReadTime = field(default_factory=lambda: ReadTime(NOW))
    budget: OperationBudget = field(default_factory=OperationBudget)
    read: list[int] = field(default_factory=list)
    requests: list[LevelRequest] = field(default_factory=list)

    async def fetch(self, request: LevelRequest) -> LevelResponse:
        """See LevelBatcher."""
        (listing,) = request.listings
        self.requests.append(request)
        after = [test[2] for branches in listing["f"] for branch in branches for test in branch if test[0] == "above"]
        ids = [each for each in self.ids if each > max(map(str, after), default="")][: listing["n"]]
        if request.refused_from and len(ids) > self.largest:
            raise LargeLevelError
        self.read.append(len(ids))
        self.budget.count_rows(len(ids))
        vids = [vertex_id("default", each) for each in ids]
        records = {vid: stub("default", each, "root", NOW) for vid, each in zip(vids, ids, strict=True)}
        return LevelResponse([], records, [{"x": vids, "s": [], "n": -1}])


async def page_of(store: Store, first: int) -> RowPage:
    """Return a page in parts of the assets of a store, for an administrator."""
    policy = RowPolicy(shipped_policy().access(person("root", roles="admin")), "default", PolicyReport("v1"))
    rows = VisibleRows(cast("LevelBatcher", store), policy)
    return await ListingPages(rows).page(ListingQuery(ALWAYS), PageRequest(first, in_parts=True))


@pytest.mark.parametrize(("count", "first"), [(100, 100), (100, 70), (20, 100), (0, 100)])
async def test_a_page_is_complete_if_it_is_read_in_parts(count: int, first: int) -> None:
    """Each part has few enough records, and all are in the page once, in order. It counts as no list."""
    store = Store(IDS[:count])
    page = await page_of(store, first)
    assert ([item.row.urn for item in page.items], page.has_next) == (IDS[: min(count, first)], count > first)
    assert max(store.read) <= LARGEST
    assert {(each.continues, each.refused_from) for each in store.requests} == {(True, PART_BYTES)}


@pytest.mark.parametrize(("before", "count"), [(0, 50), (30, 25), (51, 0)])
async def test_a_page_in_parts_ends_when_half_is_read(before: int, count: int) -> None:
    """It then has as much as was read, none if half was read before, and a next page."""
    store = Store(IDS, budget=OperationBudget(UsageLimits(rows=100)))
    store.budget.count_rows(before)
    page = await page_of(store, 100)
    assert ([item.row.urn for item in page.items], page.has_next) == (IDS[:count], True)


async def test_a_record_that_is_too_large_ends_the_page() -> None:
    """A page whose next record is refused by itself ends before it."""
    page = await page_of(Store(IDS, largest=0), 100)
    assert (page.items, page.has_next) == ((), True)
