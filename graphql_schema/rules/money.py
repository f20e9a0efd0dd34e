"""Sums of money in decimal, so that amounts such as 0.1 and 0.2 add up to 0.3."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

MICROS: Final = 10**6
"""Number of millionths in one US dollar; a sum is rounded to a millionth."""

_EXACT: Final = Context(prec=500, rounding=ROUND_HALF_EVEN)
"""Digits for any sum of floats up to a billion: 16 before the point, and 324 + 17 behind it."""


@dataclass(slots=True)
class MoneySum:
    """The sum of amounts in US dollars, each at most a billion, summed exactly and rounded once to a millionth.

    An amount counts as the shortest decimal that its float is written as, which is what the client sent. ``micros`` is
    the sum of whole millionths, in millionths, and ``others`` that of all other amounts.
    """

    micros: int = 0
    others: Decimal = Decimal()

    def add(self, amounts: Iterable[float]) -> None:
        """Add amounts."""
        others = []
        for amount in amounts:
            units = round(amount * MICROS)
            if units / MICROS == amount:  # the decimal has at most 15 digits, so no other one has this float
                self.micros += units
            else:
                others.append(amount)
        if others:  # slower than adding integers
            with localcontext(_EXACT):
                self.others += sum((Decimal(repr(amount)) for amount in others), Decimal())

    def add_sum(self, other: "MoneySum") -> None:
        """Add all amounts of another sum."""
        self.micros += other.micros
        if other.others:
            with localcontext(_EXACT):
                self.others += other.others

    def rounded(self) -> float:
        """Return the sum, rounded to a millionth."""
        with localcontext(_EXACT):
            return int((self.micros + self.others * MICROS).to_integral_value()) / MICROS
