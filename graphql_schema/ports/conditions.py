"""Conditions of a listing."""

from dataclasses import dataclass
from typing import Any

Condition = tuple[Any, ...]


MAX_FILTER_CONDITIONS = 200
"""Values and conditions that one filter may hold."""


MAX_FILTER_TEXT_LENGTH = 1_024
"""Characters of a text that a filter compares with: those of the longest name and of the longest id."""


MAX_SUBSTRING_LENGTH = 100
"""Characters of a `contains`: the index builds an automaton of it, whose cost grows faster than the text.

Measured: it refuses 500 characters, and is busy for more than 30 s with 20,000.
"""


@dataclass(frozen=True, slots=True)
class ListingQuery:
    """An ordered listing: a clause, a native key to order by (ties by URN) and a direction."""

    where: Condition
    order: str = "urn"
    descending: bool = False
