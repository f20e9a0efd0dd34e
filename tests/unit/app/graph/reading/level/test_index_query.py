"""Index queries: the form in which the level statement reads them."""

import pytest

from app.graph.reading.level.index_filter import filter_of
from app.graph.reading.level.index_query import IndexQuery, filter_size_of, substrings_of
from graphql_schema.ports.conditions import AnyOf, Contains, In, MatchesPattern, SortOrder, StartsWith

ONE, TWO = filter_of(In("name", ("a",))), filter_of(In("stage", ("ACTIVE",)))


def test_a_plain_query_counts_nothing() -> None:
    """Without a total nothing is counted; without an order the vertices come by URN."""
    assert IndexQuery(ONE, 21).wire() == {
        "f": ONE, "b": (), "o": "urn", "d": False, "s": False, "n": 21, "c": False, "t": []
    }  # fmt: skip


def test_a_total_has_a_filter_of_its_own() -> None:
    """The total counts what a page is cut from, and also where every vertex counts."""
    found = IndexQuery(ONE, 21, SortOrder("name", descending=True), total=TWO, best=(TWO,)).wire()
    assert found == {"f": ONE, "b": (TWO,), "o": "name", "d": True, "s": False, "n": 21, "c": True, "t": TWO}
    assert IndexQuery(ONE, 21, total=filter_of()).wire()["c"] is True


def test_values_outside_the_record_are_requested() -> None:
    """The store returns the values of an order that a record may lack."""
    assert [IndexQuery(ONE, 1, SortOrder(key)).wire()["s"] for key in ("cost", "lastUsedAt", "createdAt")] == [
        True,
        True,
        False,
    ]


def test_substrings_count_as_often_as_the_index_searches_for_them() -> None:
    """Those of the page, of its total and of the best hits count; conditions without one do not."""
    either = AnyOf((Contains("name", "a"), Contains("name", ".*")))
    where = filter_of(either, In("name", (".*",)))
    assert substrings_of(IndexQuery(where, 21).wire()) == 2
    assert substrings_of(IndexQuery(where, 21, total=where, best=(where, ONE)).wire()) == 6


@pytest.mark.parametrize(("patterns", "substrings"), [(0, 1), (1, 2), (4, 2), (5, 3), (10, 4)])
def test_four_patterns_of_words_count_as_one_substring(patterns: int, substrings: int) -> None:
    """Those of one filter count together, beside its substrings; begun fours count as whole ones."""
    words = [MatchesPattern("words", f"{letter}.?b") for letter in "abcdefghij"[:patterns]]
    where = filter_of(Contains("name", "a"), *words)
    assert substrings_of(IndexQuery(where, 21, best=(ONE,)).wire()) == substrings


def test_every_filter_of_a_query_has_a_size() -> None:
    """Those of the page, of its total and of the best hits count: each is sent."""
    assert filter_size_of(IndexQuery(ONE, 21).wire()) == 81
    assert filter_size_of(IndexQuery(ONE, 21, total=TWO, best=(ONE, ONE)).wire()) == 3 * 81 + 86


def test_the_prefixes_of_a_search_count_once() -> None:
    """Its best filters repeat those of the filter beside it, and are read only as far as hits are missing."""
    where = filter_of(*(AnyOf((StartsWith("name", f"{n}a"), StartsWith("namespace", f"{n}b"))) for n in range(4)))
    assert substrings_of(IndexQuery(where, 21, best=(where, where)).wire()) == 2
    assert substrings_of(IndexQuery(where, 21, total=where, best=(where,)).wire()) == 4
