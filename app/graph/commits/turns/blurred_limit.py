"""Limits of how many assets change at once, of which no caller can know the exact value.

Hidden assets count for such a limit as well, and its effect is visible at other assets, such as those that a step of a
job has changed. By an exact limit, and the number of own assets, a caller would count the hidden ones.
"""

from secrets import randbelow
from typing import Final

DRAWS: Final = 4
"""Number of random numbers whose sum lowers a limit: so the ends of its range, which would be proofs, are rare."""

PART: Final = 16
"""Part of a limit below which each of these numbers is."""


def blurred(maximum: int) -> int:
    """Return a maximum, or up to a quarter less by chance; one of less than PART is exact."""
    return maximum - sum(randbelow(maximum // PART) for _ in range(DRAWS)) if maximum >= PART else maximum
