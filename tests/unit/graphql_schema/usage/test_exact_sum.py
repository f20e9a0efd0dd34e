"""Sums in parts have the value of one exact sum."""

from math import fsum

from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.usage.exact_sum import ExactSum

NUMBERS = st.lists(st.floats(0, 1e15) | st.integers(0, 10**15) | st.sampled_from([5e-324, 0.1, 1e15]), max_size=40)


@given(st.lists(NUMBERS, max_size=4))
def test_a_sum_in_parts_is_that_of_all_numbers(parts: list[list[float]]) -> None:
    """The oracle is ``math.fsum``; parts are added as numbers, or as sums of their own."""
    together, of_sums = ExactSum(), ExactSum()
    for part in parts:
        together.add(part)
        own = ExactSum()
        own.add(part)
        of_sums.add_sum(own)
    assert together.rounded() == of_sums.rounded() == fsum(number for part in parts for number in part)
