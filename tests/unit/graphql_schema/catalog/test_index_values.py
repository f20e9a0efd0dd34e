"""Values of the index: terms of free properties, one for each pair, and ranks of costs."""

from itertools import product
from math import ulp

from graphql_schema.catalog.index_values import cost_rank, property_term


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
