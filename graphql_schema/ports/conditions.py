"""Conditions of a listing."""

from dataclasses import dataclass
from typing import Any

Clause = tuple[Any, ...]


LARGEST_FILTER = 200
"""Values and conditions that one filter may hold."""


LONGEST_TEXT = 1_024
"""Characters of a text that a filter compares with: those of the longest name and of the longest id."""


LONGEST_PART = 100
"""Characters of a `contains`: the index builds an automaton of it, whose cost grows faster than the text.

Measured: it refuses 500 characters, and is busy for more than 30 s with 20,000.
"""


@dataclass(frozen=True, slots=True)
class Listing:
    """An ordered listing: a clause, a native key to order by (ties by URN) and a direction."""

    where: Clause
    order: str = "urn"
    descending: bool = False
