"""Values of the index: terms of free properties and of paths, and ranks of costs."""

from itertools import product
from math import ulp

import pytest

from graphql_schema.catalog.index_values import MAX_PATH_TERMS, cost_rank, path_term, path_terms, property_term


def test_terms_of_different_pairs_differ() -> None:
    """Also pairs whose texts are equal when joined, or that contain separators and quotes, have terms of their own."""
    texts = ("", "a", "b", "ab", "a,b", '"', 'a", "b', "\ud800", "é", "x" * 100_000)
    terms = {property_term(key, text) for key, text in product(texts, texts)}
    assert len(terms) == len(texts) ** 2
    assert {len(term) for term in terms} == {32}


def test_ranks_have_the_order_of_amounts() -> None:
    """Neighbouring numbers have different ranks in their order, integers the rank of the equal number."""
    amounts = (0.0, ulp(0.0), 0.1, 0.1 + ulp(0.1), 0.5, 1.0, 1e6, 1e15, 1e300)
    ranks = [cost_rank(amount) for amount in amounts]
    assert ranks == sorted({*ranks})
    assert (cost_rank(0), cost_rank(-0.0), cost_rank(5)) == (0, 0, cost_rank(5.0))
    assert max(cost_rank(-1), cost_rank(-1e300)) < 0


@pytest.mark.parametrize(
    ("reference", "found", "absent"),
    [
        ("shop://models/marts/orders.sql", "orders.sql marts/orders.sql models/marts/orders.sql", "s/orders.sql marts"),
        ("shop://models/a.sql", "://models/a.sql shop://models/a.sql", "#models/a.sql hop://models/a.sql"),
        ("git+https://git.example/team@main#train/ranker", "#train/ranker train/ranker main#train/ranker", "#ranker"),
        ("https://git.example/a/b/blob/main/dags/etl.py#L10-L20", "dags/etl.py b/blob/main/dags/etl.py", "L10-L20"),
        ("https://git.example/a.py#L7", "a.py", "L7"),
        ("s3://bucket/raw/", "raw bucket/raw /raw/ raw/", "s3 bucket"),
        ("D:\\data\\raw.csv", "raw.csv data/raw.csv data\\raw.csv ./data/raw.csv", "w.csv"),
        ("train.py", "train.py", "#train.py"),
        ("", "", "x"),
        (" / ", "", "x"),
    ],
)
def test_a_reference_ends_in_its_paths(reference: str, found: str, absent: str) -> None:
    """A path begins after a separator, or with one that is no slash; other ends of the text are none."""
    terms = {*path_terms(reference)}
    assert {path_term(path) for path in found.split()} <= terms
    assert {path_term(path) for path in absent.split()}.isdisjoint(terms)
    assert bool(terms) is bool(found)


def test_the_terms_of_a_long_reference_are_bounded() -> None:
    """A reference of any length has the same small number of terms, those at its end."""
    terms = path_terms("/".join(map(str, range(1_000))) + "\ud800")
    assert terms[-1] == path_term("999\ud800")
    assert len(terms) == MAX_PATH_TERMS
