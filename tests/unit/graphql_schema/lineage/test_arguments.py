"""Arguments of lineage fields: roots, depth and filter."""

import pytest

from graphql_schema.catalog.enums import AssetKind, EdgeOrigin, LifecycleStage, RelationName
from graphql_schema.catalog.relations import Direction
from graphql_schema.lineage.arguments import (
    DIRECTIONS,
    LineageDirection,
    LineageFilter,
    depth_of,
    lineage_filter,
    roots_of,
)
from graphql_schema.ports.relation_query import EVERYTHING, LineageItemFilter
from policies.errors import InvalidError, LimitError

ROOTS = [f"mlg://model/mlflow/default/m{number}" for number in range(101)]


def test_upstream_goes_against_the_data_flow() -> None:
    """Edges are stored in the direction in which data flows (design, section 3)."""
    assert DIRECTIONS == {LineageDirection.UPSTREAM: Direction.IN, LineageDirection.DOWNSTREAM: Direction.OUT}


def test_a_filter_is_the_same_in_any_order() -> None:
    """Values are sorted, so that a cursor fits the same filter, and equal lists are read together."""
    given = LineageFilter(
        kinds=[AssetKind["RUN"], AssetKind["MODEL"]],
        relations=[RelationName["FEEDS"], RelationName["DERIVES"]],
        origins=[EdgeOrigin.OBSERVED, EdgeOrigin.DECLARED],
        min_confidence=0.5,
        stages=[LifecycleStage.DRAFT, LifecycleStage.ACTIVE],
    )
    assert lineage_filter(given) == LineageItemFilter(
        ("MODEL", "RUN"), ("ACTIVE", "DRAFT"), ("DERIVES", "FEEDS"), ("DECLARED", "OBSERVED"), 0.5
    )


def test_a_filter_has_each_value_once() -> None:
    """A list of 5,000 equal values would be compared as a whole with each asset and edge of a walk."""
    given = LineageFilter(
        kinds=[AssetKind["RUN"]] * 5_000,
        relations=[RelationName["FEEDS"]] * 5_000,
        origins=[EdgeOrigin.OBSERVED] * 5_000,
        stages=[LifecycleStage.DRAFT] * 5_000,
    )
    assert lineage_filter(given) == LineageItemFilter(("RUN",), ("DRAFT",), ("FEEDS",), ("OBSERVED",))


def test_an_absent_filter_keeps_everything() -> None:
    """So does a filter without conditions."""
    assert lineage_filter(None) == lineage_filter(LineageFilter()) == EVERYTHING


@pytest.mark.parametrize(("confidence", "accepted"), [(0.0, True), (1.0, True), (-0.1, False), (1.1, False)])
def test_a_confidence_is_between_0_and_1(confidence: float, *, accepted: bool) -> None:
    """Another number could never be met, or always."""
    if accepted:
        assert LineageFilter(min_confidence=confidence).keep().min_confidence == confidence
    else:
        with pytest.raises(InvalidError):
            LineageFilter(min_confidence=confidence).keep()


@pytest.mark.parametrize(("depth", "expected"), [(None, 5), (0, 0), (50, 50), (-1, None), (51, None)])
def test_a_walk_goes_0_to_50_levels(depth: int | None, expected: int | None) -> None:
    """Without an argument the default of the field counts; any other depth is a limit error."""
    if expected is not None:
        assert depth_of(depth, 5) == expected
    else:
        with pytest.raises(LimitError) as refused:
            depth_of(depth, 5)
        assert refused.value.extensions == {"limit": 50}


def test_a_walk_has_1_to_100_roots() -> None:
    """Each root counts once in the walk, in the order of the argument, and every entry in the limit."""
    assert roots_of([ROOTS[1], ROOTS[0], ROOTS[1]]) == (ROOTS[1], ROOTS[0])
    assert len(roots_of(ROOTS[:100])) == 100
    with pytest.raises(LimitError) as refused:
        roots_of(ROOTS)
    assert refused.value.extensions == {"limit": 100}
    with pytest.raises(InvalidError, match="empty"):
        roots_of([])
    with pytest.raises(InvalidError, match="not an id"):
        roots_of([ROOTS[0], "ranker"])
