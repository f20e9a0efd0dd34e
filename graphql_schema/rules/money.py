"""Sums of money in decimal, so that amounts such as 0.1 and 0.2 add up to 0.3."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

MICROS: Final = 10**6
"""Number of millionths in one US dollar; a sum is rounded to a millionth."""

_EXACT: Final = Context(prec=500, rounding=ROUND_HALF_EVEN)
"""Digits for any sum of floats up to a billion: 16 before the point, and 324 + 17 behind it."""


def sum_of_money(amounts: Iterable[float]) -> float:
    """Return the sum of amounts in US dollars, each at most a billion, summed exactly and rounded once to a millionth.

    An amount counts as the shortest decimal that its float is written as, which is what the client sent.
    """
    micros, others = 0, []
    for amount in amounts:
        units = round(amount * MICROS)
        if units / MICROS == amount:  # the decimal has at most 15 digits, so no other one has this float
            micros += units
        else:
            others.append(amount)
    return (micros if not others else _rounded(micros, others)) / MICROS


def _rounded(micros: int, others: Iterable[float]) -> int:
    """Return the sum of ``micros`` and of amounts in US dollars, rounded to millionths; slower than adding integers."""
    with localcontext(_EXACT):
        exact = sum((Decimal(repr(amount)) for amount in others), Decimal())
        return int((micros + exact * MICROS).to_integral_value())
