"""The conditions of a search: which records are candidates, and which of them come first."""

from collections import Counter
from collections.abc import Mapping

import pytest

from graphql_schema.fields.filters import AssetFilter, asset_listing
from graphql_schema.ports.conditions import HasWord, MatchesPattern, UnusedFor, matches, nodes
from graphql_schema.ports.search_query import SearchQuery
from graphql_schema.rules.search_text import parse_search_text
from graphql_schema.search.search_conditions import directory_query, search_query

URN = "mlg://dataset/hive/prod/orders%20daily"


def query(text: str) -> SearchQuery:
    """Return the query of a typed text without a filter."""
    return search_query(parse_search_text(text), None)


def record(*words: str, prose: str = "", urn: str = "mlg://dataset/test/default/x") -> Mapping[str, str | list[str]]:
    """Return what the index holds of an asset whose name has these words."""
    return {"urn": urn, "titles": [" ".join(words)], "words": [*words], "prose": prose}


CANDIDATES = {
    "orders daily": [record("daily", "orders"), record("orders", prose="read daily"), record("orders", "dailyish")],
    "orders dail": [record("orders", "daily"), record("orders", prose="daily")],
    "orders dai": [record("orders", "daily"), record("orders", prose="dai")],
    "oders daily": [record("orders", "daily")],
    URN: [record("hive", "prod", "orders", "daily"), record("x", urn=URN)],
}
OTHERS = {
    "orders daily": [record("orders"), record(prose="daily"), record("ordersx", "yearly"), record("x", urn=URN)],
    "orders dail": [record("dail", "yearly"), record("orders", prose="x dial")],
    "orders dai": [record("dai", "yearly"), record("orders", prose="x dia"), record("orders", prose="daily")],
    "oders daily": [record("oders"), record("daily", prose="orders")],
    URN: [record("hive", "prod"), record("x", urn=f"{URN}x")],
}


@pytest.mark.parametrize("text", CANDIDATES)
def test_a_candidate_has_every_word_or_the_id(text: str) -> None:
    """Each word is in the name, with a typing error, or in the description; the last one may be a beginning.

    In a description, it is one from four ASCII letters on.
    """
    condition = query(text).candidates
    assert [each for each in CANDIDATES[text] if not matches(condition, each.get)] == []
    assert [each for each in OTHERS[text] if matches(condition, each.get)] == []


def test_the_best_come_first() -> None:
    """The id, the full name, the beginning of a name, words of the name, and words of name or description."""
    ranked = [
        record("x", urn=URN),
        record("hive", "prod", "orders", "daily"),
        record("hive", "prod", "orders", "daily2"),
        record("daily", "hive", "orders", "prod"),
        record("daily", "hive", prose="orders prod"),
    ]
    best = query(URN).best
    assert [next(n for n, each in enumerate(best) if matches(each, found.get)) for found in ranked] == [*range(5)]
    assert len(query("orders").best) == 4


def test_a_version_is_a_candidate_by_its_number() -> None:
    """The words that name a version are not required of versions with the number; of other kinds they still are."""

    def found(kind: str, *words: str) -> list[int]:
        search = query("orders v3")
        fields = {**record(*words), "kind": kind}
        return [at for at, each in enumerate((search.candidates, *search.best)) if matches(each, fields.get)]

    assert found("DATASET_VERSION", "orders", "3") == found("MODEL_VERSION", "orders", "3") == [0, 1]
    assert found("DATASET_VERSION", "oders", "3") == [0]
    assert found("DATASET_VERSION", "orders", "30") == found("DATASET", "orders", "3") == []
    assert 0 in found("DATASET", "orders", "v3")


def test_a_query_has_at_most_ten_words() -> None:
    """However many words are typed, the query has ten words and ten patterns: this bounds the work of the index."""

    def leaves(text: str) -> Counter[type]:
        return Counter(map(type, nodes(query(text).candidates)))

    typed = " ".join(f"{letter}rders" for letter in "abcdefghijklmnopqrstuvwxyz")
    assert leaves(typed)[MatchesPattern] == 10
    assert leaves("\u6bcf\u65e5\u8ba2\u5355" * 200)[HasWord] == 4


def test_a_filter_is_that_of_a_listing() -> None:
    """The filter of a search becomes the condition of a listing, and is not part of the candidates."""
    where = AssetFilter(unused_for_days=30)
    found = search_query(parse_search_text("orders"), where)
    assert found.where == asset_listing(where, None).where
    assert UnusedFor(30) not in nodes(found.candidates)


def test_the_directory_has_the_kinds_that_are_no_assets() -> None:
    """Its condition is met by all four kinds or those that are chosen, and never by an asset, also if one is named."""

    def kinds(chosen: list[str] | None) -> list[str]:
        where = directory_query(parse_search_text("orders v3"), chosen).where
        codes = ("DATASET", "MODEL_VERSION", "TEAM", "USER", "DOMAIN", "TAG", "CHECK")
        return [code for code in codes if matches(where, {"kind": code}.get)]

    assert kinds(None) == ["TEAM", "USER", "DOMAIN", "TAG"]
    assert kinds(["TAG", "USER", "DATASET"]) == ["USER", "TAG"]
    assert kinds([]) == []
