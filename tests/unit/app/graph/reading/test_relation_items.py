"""Items behind a row that many sources share, such as the lineage of a dataset behind its versions, or many paths.

The paths of three hops lead from a model over its versions and their deployments to services, by several at once.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Generator
from itertools import pairwise
from typing import Any, cast

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.estates.plain_rows import PlainAccess, hiding, plain_row
from support.estates.wide_lineage import noted_threads

from app.graph.reading import relation_items
from app.graph.reading.level.hop_plan import Adjacency, compile_related
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.relation_items import RelationItems
from app.graph.reading.relation_pages import RelatedPages
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.assets.model import SERVICES
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.relation_query import PageRequest, neighbour_query
from graphql_schema.ports.row import PageItem, Row, RowPage
from policies.errors import LimitError
from policies.predicate import Everything, Predicate

VERSIONS, SOURCES = 50, 100
DATASET, FIRST = 0, 1
"""Vertex ids of the dataset and of its first version; those of the other versions and of the sources follow."""

OTHERS = range(VERSIONS + 1, VERSIONS + 1 + SOURCES)
"""Vertex ids of the sources of the dataset; the first version is a source of it as well, and derived from the last."""

UPSTREAM = neighbour_query("DatasetVersion", Direction.IN)
_EDGES: dict[tuple[str, bool], Adjacency] = {
    ("VERSION_OF", False): {vid: [(DATASET, {"relation": "VERSION_OF"})] for vid in range(FIRST, VERSIONS + 1)},
    ("DERIVES", True): {DATASET: [(vid, {"relation": "DERIVES"}) for vid in reversed((FIRST, *OTHERS))]},
    ("DERIVES", False): {FIRST: [(OTHERS[-1], {"relation": "DERIVES"})]},
}
"""By the last label of a hop, and whether it follows another hop, its edges."""


class Policy:
    """Hides nothing."""

    instant = ReadTime(0)

    def rows_filter(self) -> Predicate:
        """See RowPolicy."""
        return Everything()


class Rows:
    """The rows of an operation: versions of one dataset that is derived from many sources."""

    def __init__(self, parent: PlainAccess | None = None, **limits: int) -> None:
        self.budget = OperationBudget(UsageLimits(**limits))
        self.row_policy = Policy()
        versions = (plain_row("DATASET_VERSION", "x", vid=vid, version=f"{vid}") for vid in range(FIRST, VERSIONS + 1))
        sources = (plain_row("DATASET", f"d{vid}", vid=vid) for vid in OTHERS)
        self.known = {row.vid: row for row in (plain_row("DATASET", "x", parent), *versions, *sources)}

    async def fetch(self, request: LevelRequest, **_ends: Any) -> LevelResponse:
        """See VisibleRows."""
        hops = compile_related(UPSTREAM).hops
        assert len(request.hops) == len(hops)
        edges = [dict(_EDGES.get((hop.labels[-1], hop.parent >= 0), {})) for hop in hops]
        return LevelResponse(edges, {}, [])

    def row(self, vid: int, _response: LevelResponse) -> Row | None:
        """See VisibleRows."""
        return self.known[vid]

    def found(self, vids: list[int], _response: LevelResponse) -> list[Row]:
        """See VisibleRows."""
        return [self.known[vid] for vid in vids]


class Accepting:
    """Accepts all items but those of one vertex; ``count`` is their number."""

    def __init__(self, refused: int = -1) -> None:
        self.refused = refused
        self.count = 0

    def __call__(self, item: PageItem) -> bool:
        """See ItemFilter."""
        self.count += 1
        return item.row.vid != self.refused


@pytest.fixture(params=["vectors", "graphql-core"])
def is_vectored(request: pytest.FixtureRequest) -> bool:
    """Return whether the pages are read as by the execution over vectors, or as by resolvers of graphql-core."""
    return str(request.param) == "vectors"


async def read(rows: Rows, page: PageRequest, *, is_vectored: bool) -> list[RowPage]:
    """Return the page of each version."""
    related = RelatedPages(cast("VisibleRows", rows))
    siblings = [rows.known[vid] for vid in range(FIRST, VERSIONS + 1)]
    if is_vectored:
        return await related.pages(siblings, UPSTREAM, page)
    return [*await asyncio.gather(*(related.page(each, UPSTREAM, page) for each in siblings))]


def reached(version: int) -> list[tuple[int, int]]:
    """Return the far end of each edge upstream of a version, and the row before it, in the order of the list."""
    behind = [(vid, DATASET) for vid in (FIRST, *OTHERS) if vid != version]
    return sorted([*behind, (OTHERS[-1], FIRST)] if version == FIRST else behind)


def shown(page: RowPage) -> list[tuple[int, int]]:
    """Return the far end and the row before it for each item of a page."""
    return [(item.row.vid, item.near.vid) for item in page.items if item.near is not None]


@pytest.mark.parametrize("first", [None, 0, 1, 7, SOURCES, SOURCES + 5])
@pytest.mark.parametrize("after", [None, FIRST, OTHERS[0], OTHERS[-3], OTHERS[-1]])
@pytest.mark.parametrize("total", [False, True])
async def test_each_version_has_the_page_of_its_own_list(
    first: int | None,
    after: int | None,
    total: bool,  # noqa: FBT001 - a parameter
    is_vectored: bool,  # noqa: FBT001 - a parameter
) -> None:
    """A page has the edges of the version and of its dataset after the position, and not the version itself."""
    refused = OTHERS[5]
    position = None if after is None else (after, "DERIVES", DATASET)
    page = PageRequest(first, position, total, Accepting(refused))
    pages = await read(Rows(), page, is_vectored=is_vectored)
    for version, found in enumerate(pages, start=FIRST):
        everything = [each for each in reached(version) if each[0] != refused]
        rest = [each for each in everything if after is None or each > (after, DATASET)]
        assert shown(found) == rest[:first]
        assert found.has_next == (first is not None and len(rest) > first)
        assert found.total == (len(everything) if total else None)


async def test_the_items_behind_a_shared_row_are_made_once(is_vectored: bool) -> None:  # noqa: FBT001 - a parameter
    """The edges of the dataset are examined once for all versions, and none of them again for each version."""
    keep = Accepting()
    rows = Rows()
    await read(rows, PageRequest(first=2, keep=keep), is_vectored=is_vectored)
    assert keep.count == len(OTHERS) + 2
    assert rows.budget.paths == VERSIONS * (1 + 3)  # that to the dataset, and three behind it: one more than the page


async def test_too_many_paths_are_refused_before_one_is_followed(
    is_vectored: bool,  # noqa: FBT001 - a parameter
) -> None:
    """A total needs all paths of each version: one more than the limit ends the operation, and no item is made."""
    needed = VERSIONS * (1 + 1 + len(OTHERS))
    keep = Accepting()
    page = PageRequest(first=1, total=True, keep=keep)
    assert len(await read(Rows(paths=needed), page, is_vectored=is_vectored)) == VERSIONS
    count = keep.count
    with pytest.raises(LimitError) as caught:
        await read(Rows(paths=needed - 1), page, is_vectored=is_vectored)
    assert (caught.value.extensions["limit"], keep.count) == ("paths", count)


@pytest.mark.parametrize("field", ["upstream", None])
async def test_paths_behind_a_row_that_hides_them_do_not_count(field: str | None) -> None:
    """The number of paths discloses nothing about a dataset that the caller may not read, or that hides its lineage."""
    rows = Rows(hiding("upstream") if field else None)
    if field is None:
        rows.known[DATASET] = plain_row("DATASET", "x", deletedAt=1)
    pages = await read(rows, PageRequest(total=True), is_vectored=True)
    assert [shown(page) for page in pages] == [[(OTHERS[-1], FIRST)], *[[]] * (VERSIONS - 1)]
    assert rows.budget.paths == 0


async def test_many_paths_over_few_edges_are_followed_in_the_side_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The edges of a dataset with its versions are few, but all paths over them are not: others run meanwhile."""
    noted = noted_threads(monkeypatch, RelationItems, "of")
    await read(Rows(), PageRequest(), is_vectored=True)
    assert noted
    assert threading.get_ident() not in {thread for _, thread in noted}


KINDS = ("MODEL", "MODEL_VERSION", "DEPLOYMENT", "SERVICE")
RELATIONS = ("VERSION_OF", "DEPLOYED_AS", "SERVED_BY")
LAYER = 1_000
"""Vertex ids of one kind are below those of the next: the number of the kind times this, and more."""

Edges = list[tuple[int, int]]
"""Pairs of vertices, each of a kind and of the next one."""


class LayeredRows:
    """The rows of one operation over three layers of edges; ``lookups`` counts how often each is read.

    The vertices in ``barred`` hide the field that paths over them disclose.
    """

    def __init__(self, edges: Edges, barred: frozenset[int] = frozenset()) -> None:
        self.budget = OperationBudget()
        self.row_policy = Policy()
        self.edges = edges
        self.lookups: Counter[int] = Counter()
        vids = {0, *(vid for edge in edges for vid in edge)}
        self.known = {
            vid: plain_row(
                KINDS[vid // LAYER], f"{vid}", hiding("deployments", "service") if vid in barred else None, vid=vid
            )
            for vid in vids
        }

    async def fetch(self, _request: LevelRequest, **_ends: Any) -> LevelResponse:
        """See VisibleRows."""
        hops: list[Adjacency] = [{}, {}, {}]
        for near, far in self.edges:
            number = near // LAYER
            hops[number].setdefault(near, []).append((far, {"relation": RELATIONS[number]}))
        return LevelResponse(hops, {}, [])

    def row(self, vid: int, _response: LevelResponse) -> Row | None:
        """See VisibleRows."""
        self.lookups[vid] += 1
        return self.known[vid]


async def services(rows: LayeredRows, page: PageRequest) -> RowPage:
    """Return a page of the services of the model."""
    return await RelatedPages(cast("VisibleRows", rows)).page(rows.known[0], SERVICES, page)


def first_paths(edges: Edges, barred: frozenset[int]) -> dict[int, list[int]]:
    """Return for each service the first of all paths to it, in the order of the edges, none over barred rows."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_node(0)
    graph.add_edges_from(edges)
    ends = [vid for vid in graph if vid // LAYER == len(KINDS) - 1]
    paths = [path for path in nx.all_simple_paths(graph, 0, ends) if barred.isdisjoint(path[1:-1])]
    place = {edge: number for number, edge in enumerate(edges)}
    paths.sort(key=lambda path: [place[edge] for edge in pairwise(path)])
    return {path[-1]: path[1:-1] for path in reversed(paths)}


def layered(count: int) -> Edges:
    """Return all edges from a model over as many versions, deployments and services."""
    layers = [[0], *([kind * LAYER + number for number in range(count)] for kind in (1, 2, 3))]
    return [(near, far) for one, next_ in pairwise(layers) for near in one for far in next_]


_ENDS = st.tuples(st.integers(0, 3), st.integers(0, 3))


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3), unique=True),
    st.lists(_ENDS, unique=True),
    st.lists(_ENDS, unique=True),
    st.frozensets(st.sampled_from([LAYER, LAYER + 1, 2 * LAYER, 2 * LAYER + 1])),
    st.none() | st.integers(0, 4),
)
async def test_a_service_has_the_first_of_all_paths_to_it(
    versions: list[int],
    deployed: list[tuple[int, int]],
    served: list[tuple[int, int]],
    barred: frozenset[int],
    first: int | None,
) -> None:
    """Services, their order and the rows on the path to each equal those of an enumeration of all paths."""
    edges = [(0, LAYER + number) for number in versions]
    edges += [(LAYER + near, 2 * LAYER + far) for near, far in deployed]
    edges += [(2 * LAYER + near, 3 * LAYER + far) for near, far in served]
    page = await services(LayeredRows(edges, barred), PageRequest(first))
    paths = first_paths(edges, barred)
    expected = [(vid, paths[vid]) for vid in sorted(paths)]
    assert [(item.row.vid, [row.vid for row in item.via]) for item in page.items] == expected[:first]
    assert page.has_next == (first is not None and len(expected) > first)


async def test_each_edge_of_many_paths_is_followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 216,000 paths over 7,260 edges, one leads on from each row: no more items are made than edges."""
    compared: list[PageItem] = []
    rank_of = relation_items.rank_of

    def rank(item: PageItem) -> tuple[bool, int]:
        compared.append(item)
        return rank_of(item)

    monkeypatch.setattr(relation_items, "rank_of", rank)
    edges = layered(60)
    rows = LayeredRows(edges)
    page = await services(rows, PageRequest(first=20, total=True))
    assert ([item.row.vid for item in page.items], page.total) == ([3 * LAYER + number for number in range(20)], 60)
    assert rows.budget.paths == 60 + 60 * 60 + 60**3
    assert sum(rows.lookups.values()) <= 2 * len(edges)
    assert len(compared) <= 2 * len(edges)


async def test_others_have_turns_between_the_edges_of_one_source() -> None:
    """The paths of one model are counted and followed in steps, of which none makes more than 200 items."""
    rows = LayeredRows([(0, LAYER), (LAYER, 2 * LAYER), *((2 * LAYER, 3 * LAYER + number) for number in range(900))])
    items = RelationItems(cast("VisibleRows", rows), SERVICES, PageRequest(), await rows.fetch(LevelRequest()))
    lookups = [sum(rows.lookups.values()) for _ in items.steps([rows.known[0]])]
    assert max(later - earlier for earlier, later in pairwise(lookups)) <= 200


async def test_items_of_an_operation_that_has_ended_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client may have left: they would be made all the same, beside those of the next operations."""
    rows, steps = LayeredRows(layered(60)), list[int]()

    def made(*_: object) -> Generator[None, None, list[list[PageItem]]]:
        rows.budget.end(LimitError("The client has left."))
        for number in range(10_000):
            steps.append(sum(range(10_000 + number)))  # a part has some twenty of these
            yield
        return []

    monkeypatch.setattr(RelationItems, "steps", made)
    with pytest.raises(LimitError, match="has left"):
        await services(rows, PageRequest())
    assert 0 < len(steps) < 5_000
