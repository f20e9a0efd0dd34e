"""Sums of money, compared with sums of whole cents and of fractions."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.rules.money import MoneySum


def sum_of_money(amounts: Iterable[float]) -> float:
    """Return the sum of amounts, of which the first is added apart, and some as the sum that they are."""
    total, some, rest = MoneySum(), MoneySum(), iter(amounts)
    total.add([*islice(rest, 1)])
    some.add([*islice(rest, 5)])
    total.add_sum(some)
    total.add(rest)
    return total.rounded()


@given(st.lists(st.integers(0, 10**8), max_size=60))
def test_amounts_in_cents_add_up_to_cents(cents: list[int]) -> None:
    """A sum of amounts in cents is the amount of all cents, whose text has at most two digits behind the point."""
    found = sum_of_money(cent / 100 for cent in cents)
    assert found == sum(cents) / 100
    assert len(repr(found).partition(".")[2]) <= 2


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_any_sum_is_rounded_once(amounts: list[float]) -> None:
    """The sum of any amounts is that of fractions, rounded once to a millionth, half to even."""
    exact = sum((Fraction(repr(amount)) for amount in amounts), Fraction()) * 10**6
    assert sum_of_money(amounts) == round(exact) / 10**6


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        ([], 0.0),
        ([0.1, 0.2], 0.3),
        ([0.1] * 10, 1.0),
        ([1e-7] * 10, 1e-6),
        ([5e-324] * 3, 0.0),
        ([1e6, 1e-6], 1000000.000001),
        ([0.30000000000000004], 0.3),
    ],
)
def test_sums_by_hand(amounts: list[float], total: float) -> None:
    """Binary fractions leave no trace in a sum, and amounts below a millionth count together."""
    assert sum_of_money(amounts) == total


def test_the_order_does_not_matter() -> None:
    """Any order of the amounts has the same sum, as pages and consumers may come in any."""
    random = Random(13)
    amounts = [round(random.uniform(0, 50), 2) for _ in range(400)]
    assert len({sum_of_money(random.sample(amounts, len(amounts))) for _ in range(20)}) == 1
