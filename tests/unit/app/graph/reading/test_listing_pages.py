"""Pages of listings that are read in parts; what a page has is proven with a store."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest
from support.stores.writers import NOW, person, shipped_policy, urn
from support.unpaused_calls import UnpausedCalls

from app.graph.commits.sensitivity_floors import FloorView
from app.graph.reading import listing_pages
from app.graph.reading.access.row_conditions import RowConditions
from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.level.level_batcher import LargeLevelError, LevelBatcher, LevelRequest, LevelResponse
from app.graph.reading.listing_pages import PART_BYTES, ListingPages
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import stub
from graphql_schema.ports.conditions import ALWAYS, In, ListingQuery
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.record import JsonObject, Position
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import RowPage
from policies.errors import LimitError

IDS = [urn(f"dataset d{number:03}") for number in range(100)]
LARGEST = 30
"""Number of records that a request with a bound may read."""


@dataclass
class Store:
    """Lists assets with these ids, in order; ``read`` has the numbers of those that each request read."""

    ids: list[str]
    largest: int = LARGEST
    first_weigh: int = 1
    instant: ReadTime = field(default_factory=lambda: ReadTime(NOW))
    budget: OperationBudget = field(default_factory=OperationBudget)
    read: list[int] = field(default_factory=list)
    requests: list[LevelRequest] = field(default_factory=list)
    refuses: int = -1
    running: int = 0
    most_at_once: int = 0

    async def fetch(self, request: LevelRequest) -> LevelResponse:
        """See LevelBatcher; the request with the number ``refuses`` is refused."""
        self.requests.append(request)
        self.running += 1
        self.most_at_once = max(self.running, self.most_at_once)
        await asyncio.sleep(0)
        self.running -= 1
        if len(self.requests) == self.refuses:
            raise LargeLevelError
        ids = [each for listing in request.listings for each in self.listed(listing)]
        if request.refused_from and sum(self.weight(each) for each in ids) > self.largest:
            raise LargeLevelError
        self.read.append(len(ids))
        self.budget.count_rows(len(ids))
        self.budget.count_stored(1_000 * len(ids))
        records = {vertex_id("default", each): stub("default", each, "root", NOW) for each in ids}
        found = [[vertex_id("default", each) for each in self.listed(listing)] for listing in request.listings]
        listings: list[JsonObject] = [{"x": vids, "s": [], "n": -1} for vids in found]
        return LevelResponse([], records, listings, weights=dict.fromkeys(records, 1_000))

    def listed(self, listing: JsonObject) -> list[str]:
        """Return the ids that a listing has."""
        after = [test[2] for branches in listing["f"] for branch in branches for test in branch if test[0] == "above"]
        return [each for each in self.ids if each > max(map(str, after), default="")][: listing["n"]]

    def weight(self, urn: str) -> int:
        """Return as how many a record counts: the first five can be large."""
        return self.first_weigh if urn < IDS[5] else 1


def pages_of(store: Store, floors: frozenset[str] = frozenset(), *, masks: bool = False) -> ListingPages:
    """Return the listings of a store for an administrator; a floor hides the assets with these ids, or masks fields."""
    policy = RowPolicy(shipped_policy().access(person("root", roles="admin")), "default", PolicyReport("v1"))
    if floors:
        hidden = {vertex_id("default", each) for each in floors}
        policy.raised_by_floor = lambda vid, record: record is not None and vid in hidden  # type: ignore[method-assign]
        if not masks:
            row = policy.row
            policy.row = lambda vid, record: None if vid in hidden else row(vid, record)  # type: ignore[method-assign]
            policy.discovers = lambda vid, record: bool(record) and vid not in hidden  # type: ignore[method-assign]
        policy.floors = cast("FloorView", SimpleNamespace(any=True, with_floor=lambda _vid, record: record))
    return ListingPages(VisibleRows(cast("LevelBatcher", store), policy))


async def page_of(store: Store, first: int, floors: frozenset[str] = frozenset()) -> RowPage:
    """Return a page in parts of the assets of a store."""
    return await pages_of(store, floors).page(ListingQuery(ALWAYS), PageRequest(first, in_parts=True))


@pytest.mark.parametrize(("count", "first"), [(100, 100), (100, 70), (20, 100), (0, 100)])
async def test_a_page_is_complete_if_it_is_read_in_parts(count: int, first: int) -> None:
    """Each part has few enough records, and all are in the page once, in order. It counts as no list."""
    store = Store(IDS[:count])
    page = await page_of(store, first)
    assert ([item.row.urn for item in page.items], page.has_next) == (IDS[: min(count, first)], count > first)
    assert max(store.read) <= LARGEST
    assert {(each.continues, each.refused_from) for each in store.requests} == {(True, PART_BYTES)}


async def test_few_large_records_do_not_shorten_all_parts() -> None:
    """Behind five large ones, parts become long again."""
    store = Store(IDS, first_weigh=14)
    assert len((await page_of(store, 100)).items) == 100
    assert len(store.requests) <= 40


async def test_assets_that_a_floor_hides_lose_no_others() -> None:
    """Behind them, a part that may be refused reads on without becoming longer."""
    hidden = frozenset(IDS[:90:2])
    store = Store(IDS, largest=10)
    page = await page_of(store, 40, hidden)
    visible = [each for each in IDS if each not in hidden]
    assert ([item.row.urn for item in page.items], page.has_next) == (visible[:40], True)


async def test_assets_that_a_floor_hides_do_not_end_the_operation() -> None:
    """A page of which the floor hides all ends when a quarter is read, and then has a next page."""
    store = Store(IDS, largest=10, budget=OperationBudget(UsageLimits(rows=100)))
    page = await page_of(store, 40, frozenset(IDS))
    assert (page.items, page.has_next) == ((), True)
    assert 25 < store.budget.rows <= 25 + 10


async def test_what_a_floor_hides_counts_no_longer() -> None:
    """Hundreds of large assets that it hides would end each list that reads on behind them."""
    store = Store(IDS, budget=OperationBudget(UsageLimits(stored=95_000)))
    listing = ListingQuery(ALWAYS)
    page = await pages_of(store, frozenset(IDS[:90])).page(listing, PageRequest(10))
    assert [item.row.urn for item in page.items] == IDS[90:]
    assert store.budget.rows >= 100


async def test_the_filters_of_a_page_are_made_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has up to three, one for its total; each may take 16 ms."""
    calls = UnpausedCalls(monkeypatch)
    calls.observe(listing_pages, "even_filter_of")
    await pages_of(Store(IDS)).page(ListingQuery(ALWAYS), PageRequest(10, total=True))
    assert calls.longest == 1


async def test_what_a_floor_masks_counts() -> None:
    """It is not in the page, but the operation keeps its row."""
    store = Store(IDS, budget=OperationBudget(UsageLimits(stored=95_000)))
    with pytest.raises(LimitError, match="stored"):
        await pages_of(store, frozenset(IDS[:90]), masks=True).page(ListingQuery(ALWAYS), PageRequest(10))


async def test_several_lists_release_what_a_floor_hides_once() -> None:
    """They share a level, in which each record counts once; all that is visible goes on counting."""
    store = Store(IDS[:20])
    pages = pages_of(store, frozenset(IDS[:10]))
    listings = [ListingQuery(In("stage", (stage,))) for stage in "abcde"]
    await asyncio.gather(*(pages.page(each, PageRequest(20)) for each in listings))
    assert store.budget.stored == 5 * 20_000 - 10_000


async def test_nothing_reads_on_after_a_list_that_is_refused() -> None:
    """Of two lists under a floor, the second part of the first one is refused, and both are read in turns."""
    store = Store(IDS, refuses=2)
    pages = pages_of(store, frozenset(IDS[:90]))
    listings = [ListingQuery(In("stage", (stage,))) for stage in "ab"]
    found = await asyncio.gather(*(pages.page(each, PageRequest(5, in_parts=True)) for each in listings))
    assert [[item.row.urn for item in page.items] for page in found] == [IDS[90:95]] * 2
    assert store.most_at_once == 1


async def test_several_pages_in_parts_stay_within_a_quarter() -> None:
    """Five lists that are requested together take turns of one part, so what one has read counts for the next."""
    store = Store(IDS, budget=OperationBudget(UsageLimits(rows=240)))
    pages = pages_of(store)
    listings = [ListingQuery(In("stage", (stage,))) for stage in "abcde"]
    found = await asyncio.gather(*(pages.page(each, PageRequest(100, in_parts=True)) for each in listings))
    assert [len(page.items) for page in found] == [25, 25, 25, 0, 0]
    assert all(page.has_next for page in found)
    assert 60 < store.budget.rows <= 60 + LARGEST


async def test_small_pages_in_parts_are_read_together() -> None:
    """Five lists with few assets are one request."""
    store = Store(IDS[:5])
    pages = pages_of(store)
    listings = [ListingQuery(In("stage", (stage,))) for stage in "abcde"]
    found = await asyncio.gather(*(pages.page(each, PageRequest(100, in_parts=True)) for each in listings))
    assert [len(page.items) for page in found] == [5] * 5
    assert len(store.requests) == 1


@pytest.mark.parametrize(("before", "count"), [(0, 50), (30, 25), (51, 0)])
async def test_a_page_in_parts_ends_when_a_quarter_is_read(before: int, count: int) -> None:
    """It then has as much as was read, none if a quarter was read before, and a next page."""
    store = Store(IDS, budget=OperationBudget(UsageLimits(rows=200)))
    store.budget.count_rows(before)
    page = await page_of(store, 100)
    assert ([item.row.urn for item in page.items], page.has_next) == (IDS[:count], True)


async def test_a_record_that_is_too_large_ends_the_page() -> None:
    """A page whose next record is refused by itself ends before it."""
    page = await page_of(Store(IDS, largest=0), 100)
    assert (page.items, page.has_next) == ((), True)


@pytest.mark.parametrize(
    ("hides", "after", "vid", "value"),
    [
        (False, None, 1, NOW),
        (True, None, 1, NOW),
        (True, None, 2, None),
        (True, (None, "x"), 1, None),
        (False, None, 2, NOW),
    ],
)
async def test_a_page_goes_on_in_the_query_that_found_its_last_row(
    monkeypatch: pytest.MonkeyPatch, after: Position | None, vid: int, value: int | None, *, hides: bool
) -> None:
    """A raise that is stored after the index was read hides the row: a cursor without its value failed each time."""
    store = cast("LevelBatcher", Store([]))
    pages = ListingPages(
        VisibleRows(store, RowPolicy(shipped_policy().access(person("bo")), "default", PolicyReport("v1")))
    )
    monkeypatch.setattr(RowConditions, "hides", lambda *_: hides)
    record = {**stub("default", IDS[0], "root", NOW), "createdAt": NOW, "sensitivity": "RESTRICTED"}
    found: list[JsonObject] = [{"x": [1], "s": [], "n": -1}, {"x": [2], "s": [], "n": -1}]
    assert pages._position("createdAt", after, vid, found, record) == (value, IDS[0])  # noqa: SLF001 - as of a cursor
