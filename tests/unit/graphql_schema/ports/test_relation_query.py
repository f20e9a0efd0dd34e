"""Relation queries: the paths of a field, pages of a list, and filters that are applied after the policy."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.estates.plain_rows import hiding, plain_row

from graphql_schema.catalog.relations import (
    CONTAINS,
    FEEDS,
    INPUT_TO,
    PRODUCES,
    RUN_OF,
    VERSION_OF,
    Direction,
    Hop,
    Relation,
)
from graphql_schema.ports.conditions import In
from graphql_schema.ports.relation_query import (
    COUNT_LIMIT,
    LineageItemFilter,
    PageRequest,
    RelationQuery,
    RowFilter,
    neighbour_query,
    newest_first,
    related,
    slice_page,
)
from graphql_schema.ports.row import PageItem, Row, RowPage

ITEMS = [PageItem(plain_row("MODEL", f"m{number}"), (number, f"m{number}")) for number in range(4)]
POSITIONS = st.lists(st.integers(0, 20), unique=True, max_size=12).map(sorted)


def names(page: RowPage) -> list[str]:
    """Return the names of the rows of a page."""
    return [item.row.record["name"] for item in page.items]


def item(row: Row, **edge: Any) -> PageItem:
    """Return a row with the edge that led to it, read from a row that hides nothing."""
    return PageItem(row, (), edge, near=plain_row("DATASET", "near"))


@pytest.mark.parametrize(
    ("first", "after", "expected", "has_next"),
    [
        (None, None, ["m0", "m1", "m2", "m3"], False),
        (2, None, ["m0", "m1"], True),
        (2, (1, "m1"), ["m2", "m3"], False),
        (2, (1, "m0"), ["m1", "m2"], True),
        (0, None, [], True),
        (5, (3, "m3"), [], False),
    ],
)
def test_a_page_begins_after_a_position(
    first: int | None, after: tuple[Any, ...] | None, expected: list[str], *, has_next: bool
) -> None:
    """The position itself is excluded, need not exist any more, and without a size the page has the rest."""
    page = slice_page(ITEMS, PageRequest(first, after))
    assert (names(page), page.has_next, page.total) == (expected, has_next, None)


@given(POSITIONS, st.integers(1, 5))
def test_pages_concatenate_to_the_list(positions: list[int], size: int) -> None:
    """Following the last position of each page lists every item once, in order, and only the last page has no next."""
    items = [PageItem(ITEMS[0].row, (position,)) for position in positions]
    found: list[int] = []
    page = slice_page(items, PageRequest(size))
    while page.has_next:
        assert len(page.items) == size
        found += [each.position[0] for each in page.items]
        page = slice_page(items, PageRequest(size, page.items[-1].position))
    assert [*found, *(each.position[0] for each in page.items)] == positions


def test_the_begin_of_a_page_is_found_by_halving() -> None:
    """A page late in a list of 100,000 items examines few of them: aliases may request thousands of such pages."""

    class Counted(list[PageItem]):
        """A list that counts the items that are read."""

        read = 0

        def __getitem__(self, place: Any) -> Any:
            found = super().__getitem__(place)
            self.read += len(found) if isinstance(place, slice) else 1
            return found

        def __iter__(self) -> Iterator[PageItem]:
            for place in range(len(self)):
                yield self[place]

    items = Counted(PageItem(ITEMS[0].row, (number,)) for number in range(100_000))
    page = slice_page(items, PageRequest(10, (90_000,)))
    assert [each.position for each in page.items] == [(number,) for number in range(90_001, 90_011)]
    assert page.has_next
    assert items.read < 40


def test_a_total_is_counted_only_if_requested_and_up_to_a_limit() -> None:
    """The total covers the complete list, not the rest after a position; above 10,000 it is null."""
    assert slice_page(ITEMS, PageRequest(1, (1, "m1"), total=True)).total == 4
    many = [PageItem(ITEMS[0].row, (number,)) for number in range(COUNT_LIMIT + 1)]
    assert slice_page(many[1:], PageRequest(1, total=True)).total == 10_000
    assert slice_page(many, PageRequest(1, total=True)).total is None


def test_a_single_hop_is_a_path_of_one() -> None:
    """Paths are tuples of hops, so queries are hashable and equal queries are read together."""
    assert related(FEEDS.into("Dataset"), [PRODUCES.into("Run"), INPUT_TO.into()]) == RelationQuery(
        ((FEEDS.into("Dataset"),), (PRODUCES.into("Run"), INPUT_TO.into()))
    )


def test_the_newest_come_first_only_over_a_relation_with_times() -> None:
    """Against a by-time edge, from what has versions to its versions; any other hop is a mistake."""
    assert newest_first(VERSION_OF.into("ModelVersion")) == related(VERSION_OF.into("ModelVersion"), newest_first=True)
    assert newest_first(RUN_OF.into()).newest_first
    for hop in (VERSION_OF.out(), FEEDS.into()):
        with pytest.raises(ValueError, match="by time"):
            newest_first(hop)


def test_the_fields_that_a_longer_path_discloses_are_grouped_by_kind() -> None:
    """``Run.inputs`` must be visible on each run in between, and so for every field that is named."""
    query = related(FEEDS.into(), inputs=("Run.inputs", "Run.outputs", "Feature.upstream"))
    assert query.disclosed_fields == {"Run": {"inputs", "outputs"}, "Feature": {"upstream"}}


def test_a_row_filter_keeps_rows_that_meet_its_condition() -> None:
    """A hidden field has no value, so a filter discloses nothing about it."""
    active = RowFilter(In("status", ("ACTIVE", "CANARY")))
    assert active(item(plain_row("DEPLOYMENT", "d", status="CANARY")))
    assert not active(item(plain_row("DEPLOYMENT", "d", status="RETIRED")))
    assert not active(item(plain_row("DEPLOYMENT", "d", hiding("status"), status="ACTIVE")))


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (LineageItemFilter(), True),
        (LineageItemFilter(kinds=("MODEL", "RUN")), True),
        (LineageItemFilter(kinds=("RUN",)), False),
        (LineageItemFilter(stages=("ACTIVE",)), True),
        (LineageItemFilter(stages=("DRAFT",)), False),
        (LineageItemFilter(relations=("FEEDS",)), True),
        (LineageItemFilter(relations=("DERIVES",)), False),
        (LineageItemFilter(origins=("OBSERVED",)), True),
        (LineageItemFilter(origins=("DECLARED",)), False),
        (LineageItemFilter(min_confidence=0.5), True),
        (LineageItemFilter(min_confidence=0.51), False),
        (LineageItemFilter(kinds=("MODEL",), origins=("DECLARED",)), False),
    ],
)
def test_a_lineage_filter_keeps_what_meets_all_of_its_conditions(keep: LineageItemFilter, *, kept: bool) -> None:
    """Kind and stage are those of the neighbour; relation, origin and confidence those of the edge."""
    model = plain_row("MODEL", "m", stage="ACTIVE")
    assert keep(item(model, relation="FEEDS", origin="OBSERVED", confidence=0.5)) is kept


def test_an_edge_without_a_confidence_is_certain() -> None:
    """No confidence passes every minimum."""
    assert LineageItemFilter(min_confidence=1.0)(item(plain_row("MODEL", "m"), relation="FEEDS"))


def test_a_hidden_stage_matches_no_filter() -> None:
    """A row that hides its stage is not listed under any stage."""
    row = plain_row("MODEL", "m", hiding("stage"), stage="ACTIVE")
    assert not LineageItemFilter(stages=("ACTIVE",)).accepts_node(row)


def steps(query: RelationQuery) -> list[str]:
    """Return the paths of a query as relation names, with the direction of each hop."""
    return [" ".join(f"{hop.direction.value} {hop.relation.name}" for hop in path) for path in query.paths]


@pytest.mark.parametrize(
    ("kind", "direction", "expected", "inputs"),
    [
        ("Report", Direction.IN, ["in FEEDS"], ()),
        ("Service", Direction.OUT, ["out PRODUCES", "out CALLED_BY"], ()),
        (
            "Model",
            Direction.OUT,
            [
                "out BASE_OF",
                "in VERSION_OF out INPUT_TO",
                "in VERSION_OF out BASE_OF",
                "in VERSION_OF out EVALUATED_BY",
                "in VERSION_OF out DEPLOYED_AS",
                "in VERSION_OF out TESTED_IN",
            ],
            ("ModelVersion.downstream",),
        ),
        (
            "Feature",
            Direction.IN,
            ["in PRODUCES", "in DERIVES", "in CONTAINS in DERIVES"],
            ("FeatureSet.upstream",),
        ),
    ],
)
def test_neighbours_are_reached_over_own_edges_and_those_of_the_asset_group(
    kind: str, direction: Direction, expected: list[str], inputs: tuple[str, ...]
) -> None:
    """Rule 3.3: an edge of a parent or child counts, and discloses that member's lineage field."""
    query = neighbour_query(kind, direction)
    assert (steps(query), query.inputs, query.per_edge) == (expected, inputs, True)


@pytest.mark.parametrize("relation", [FEEDS, INPUT_TO])
def test_neighbours_go_over_no_relation_that_the_kind_has_not(relation: Relation) -> None:
    """Relations that cannot join the kind are not read; a tag and a domain have no lineage at all."""
    assert (Hop(relation, Direction.OUT),) not in neighbour_query("Report", Direction.IN).paths
    assert neighbour_query("Tag", Direction.IN).paths == ()
    assert CONTAINS.into() not in [path[0] for path in neighbour_query("Domain", Direction.OUT).paths]
