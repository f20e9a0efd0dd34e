"""Pages of relations that would read much: later ones, of which a request has few, and lists with many stubs."""

from collections.abc import Callable, Sequence
from threading import get_ident
from typing import Any, cast

import pytest
from support.estates.plain_rows import hiding, plain_row

from app.graph.reading import relation_pages
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.relation_items import Steps
from app.graph.reading.relation_pages import MAX_LATER_PAGES, RelatedPages
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.catalog.properties import FIRST_REGISTERED
from graphql_schema.catalog.relations import DERIVES, FEEDS, PRODUCES, VERSION_OF
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Position
from graphql_schema.ports.relation_query import (
    ALL_IN_PARTS,
    REGISTERED,
    PageRequest,
    RelationQuery,
    newest_first,
    related,
)
from graphql_schema.ports.row import PageItem, Row
from graphql_schema.ports.turns.sorted_parts import sorted_in_parts
from policies.errors import Code, LimitError
from policies.predicate import Everything, Predicate

DERIVED, FED = related(DERIVES.out()), related(FEEDS.out())
FAR = range(10, 60)
"""Vertex ids of the far ends of each list."""


class Policy:
    """Hides nothing."""

    instant = ReadTime(0)

    def rows_filter(self) -> Predicate:
        """See RowPolicy."""
        return Everything()

    def hides(self, _fields: Any) -> bool:
        """See RowPolicy."""
        return False


class Rows:
    """The rows of an operation, of lists with equal far ends; ``later`` counts the windows of later pages."""

    def __init__(self) -> None:
        self.budget = OperationBudget()
        self.row_policy = Policy()
        self.later = 0

    async def fetch(self, request: LevelRequest, **_ends: Any) -> LevelResponse:
        """See VisibleRows."""
        (hop,) = request.hops
        self.later += hop["a"] >= 0
        found = [(vid, {"relation": hop["ls"][0]}) for vid in FAR if vid > hop["a"]][: hop["n"]]
        return LevelResponse([{source: [*found] for source in hop["xs"]}], {}, [])

    def row(self, vid: int, _response: LevelResponse) -> Row | None:
        """See VisibleRows."""
        return plain_row("DATASET", f"d{vid}", vid=vid)


def source(vid: int) -> Row:
    """Return an asset with lists."""
    return plain_row("DATASET", f"s{vid}", vid=vid)


def after(place: int, first: int = 3) -> PageRequest:
    """Return the request for the page behind one of the far ends."""
    return PageRequest(first, (FAR[place],))


async def test_one_list_has_few_later_pages() -> None:
    """Five pages behind the first are read of a list, also repeatedly; the sixth says what to do and reads nothing."""
    rows = Rows()
    pages = RelatedPages(cast("VisibleRows", rows))
    for _ in range(2):
        for place in range(MAX_LATER_PAGES):
            page = await pages.page(source(1), DERIVED, after(place))
            assert [item.row.vid for item in page.items] == [*FAR[place + 1 : place + 4]]
    assert rows.later == MAX_LATER_PAGES
    for refused in (after(0, first=4), after(MAX_LATER_PAGES)):
        with pytest.raises(LimitError, match="in separate requests") as caught:
            await pages.page(source(1), DERIVED, refused)
        assert (caught.value.code, caught.value.extensions["limit"]) == (Code.LIMIT_EXCEEDED, "laterPages")
    with pytest.raises(LimitError):
        await pages.pages([source(2), source(1)], DERIVED, after(MAX_LATER_PAGES))
    assert rows.later == MAX_LATER_PAGES


async def test_other_pages_do_not_count() -> None:
    """First pages of any size, and later pages of other objects and lists, are read beside five of one list."""
    pages = RelatedPages(cast("VisibleRows", Rows()))
    for place in range(MAX_LATER_PAGES):
        await pages.page(source(1), DERIVED, after(place))
    for number in range(1, 30):
        assert len((await pages.page(source(1), DERIVED, PageRequest(number))).items) == number
        assert len((await pages.page(source(1 + number), DERIVED, after(0))).items) == 3
    assert len((await pages.page(source(1), FED, after(0))).items) == 3


class Versions(Rows):
    """The rows of an operation, of a list whose edges are too many unless the store leaves out stubs."""

    async def fetch(self, request: LevelRequest, **_ends: Any) -> LevelResponse:
        """See VisibleRows."""
        (hop,) = request.hops
        self.later += 1
        if hop["since"] < FIRST_REGISTERED:
            raise LimitError("too many")
        found = [(10, {"relation": "VERSION_OF", "at": 2}), (11, {"relation": "VERSION_OF", "at": 1})]
        return LevelResponse([{source: [*found] for source in hop["xs"]}], {}, [])

    def row(self, vid: int, _response: LevelResponse) -> Row | None:
        """See VisibleRows; the later version hides its `hydration`."""
        access = hiding("hydration") if vid == 10 else None
        return plain_row("DATASET_VERSION", "s", access, vid=vid, version=f"{vid}", hydration="FULL")


LISTED = newest_first(VERSION_OF.into("DatasetVersion"))


@pytest.mark.parametrize("total", [False, True])
async def test_the_store_leaves_out_stubs_of_a_large_list(*, total: bool) -> None:
    """A list of registered versions is then read again, and lacks rows that hide whether they are stubs."""
    rows = Versions()
    page = PageRequest(5, keep=REGISTERED, total=total)
    found = await RelatedPages(cast("VisibleRows", rows)).page(source(1), LISTED, page)
    assert ([item.row.vid for item in found.items], found.has_next, rows.later) == ([11], False, 2)


async def test_a_large_list_with_stubs_is_refused() -> None:
    """Nothing is left out of a list that shall have all versions: it is read once, and the level is refused."""
    rows = Versions()
    with pytest.raises(LimitError, match="too many"):
        await RelatedPages(cast("VisibleRows", rows)).page(source(1), LISTED, PageRequest(5))
    assert rows.later == 1


async def test_an_operation_that_has_ended_reads_no_list_again() -> None:
    """The error that ended the operation is raised, and no further request is sent."""
    rows = Versions()
    with pytest.raises(LimitError, match="rows"):
        rows.budget.count_rows(1_000_000)
    with pytest.raises(LimitError, match="rows"):
        await RelatedPages(cast("VisibleRows", rows)).page(source(1), LISTED, PageRequest(5, keep=REGISTERED))
    assert rows.later == 1


class ManyEdges(Rows):
    """The rows of an operation, of lists with edges of several labels that are too many to be read at once."""

    async def fetch(self, request: LevelRequest, **_ends: Any) -> LevelResponse:
        """See VisibleRows."""
        (hop,) = request.hops
        self.later += 1
        if not hop["n"]:
            raise LimitError("too many")
        behind = (vid for vid in FAR if vid > hop["a"])
        found = [(vid, {"relation": label}) for vid in behind for label in hop["ls"][: 1 + vid % len(hop["ls"])]]
        return LevelResponse([{source: [*found[: hop["n"]]] for source in hop["xs"]}], {}, [])


@pytest.mark.parametrize("size", [2, 3, 4, 5, 8, 50])
async def test_a_part_of_the_edges_that_ends_between_two_labels_loses_none(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each edge of a list of edges is an item, once, wherever the parts end in which it is read."""
    monkeypatch.setattr(relation_pages, "PART", size)
    rows = ManyEdges()
    uses = RelationQuery(((DERIVES.out(),), (PRODUCES.out(),)), per_edge=True)
    page = await RelatedPages(cast("VisibleRows", rows)).page(source(1), uses, ALL_IN_PARTS)
    expected = {(vid, label) for vid in FAR for label in ("DERIVES", "PRODUCES")[: 1 + vid % 2]}
    assert len(page.items) == len(expected)
    assert {(item.row.vid, (item.edge or {})["relation"]) for item in page.items} == expected
    assert not page.has_next


async def test_what_is_read_in_parts_is_ordered_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts have the order of vertex ids; to sort all items of them at once would hold the event loop."""
    threads = set[int]()

    def observed(items: Sequence[PageItem], key: Callable[[PageItem], Position]) -> Steps[list[PageItem]]:
        threads.add(get_ident())
        return (yield from sorted_in_parts(items, key))

    monkeypatch.setattr(relation_pages, "sorted_in_parts", observed)
    monkeypatch.setattr(relation_pages, "MANY_EDGES", 3)
    monkeypatch.setattr(relation_pages, "PART", 8)
    page = await RelatedPages(cast("VisibleRows", ManyEdges())).page(source(1), DERIVED, ALL_IN_PARTS)
    positions = [item.position for item in page.items]
    assert (len(positions), positions) == (len(FAR), sorted(positions))
    assert threads
    assert get_ident() not in threads
