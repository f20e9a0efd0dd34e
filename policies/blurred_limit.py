"""Limits of what is read, or of how many assets change at once, of which no caller can know the exact value.

What is hidden counts for such a limit as well, and its effect is visible. An answer is incomplete or refused, or a step
of a job has changed other assets. By an exact limit, and the number of own assets, a caller would count the hidden
ones. An error still has the maximum, and not the lower limit, which would be as good as an exact one.

Each use draws a limit of its own, and so does each level of a query. If several levels had the same one, a caller would
compare a hidden number with that of own assets.
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
