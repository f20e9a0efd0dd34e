"""Exact sums of many numbers, made in parts: ``math.fsum`` adds all in one call, which holds the interpreter meanwhile.

That takes a microsecond for each number if some of them have very different sizes.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class ExactSum:
    """The sum of numbers, rounded once: what ``math.fsum`` returns for all of them together.

    A float is an integer divided by a power of two. ``_by_power`` has the sum of the integers for each of these powers.
    """

    _by_power: Counter[int] = field(default_factory=Counter)

    def add(self, numbers: Iterable[float]) -> None:
        """Add finite numbers."""
        for number in numbers:
            numerator, denominator = number.as_integer_ratio()
            self._by_power[denominator.bit_length() - 1] += numerator

    def add_sum(self, other: "ExactSum") -> None:
        """Add all numbers of another sum."""
        for power, numerator in other._by_power.items():  # noqa: SLF001 - of the same class
            self._by_power[power] += numerator

    def rounded(self) -> float:
        """Return the sum as the nearest float."""
        max_power = max(self._by_power, default=0)
        return sum(each << max_power - power for power, each in self._by_power.items()) / (1 << max_power)
