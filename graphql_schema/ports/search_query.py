"""Search queries and the candidates that an index returns for them."""

from dataclasses import dataclass
from typing import Final

from graphql_schema.ports.conditions import Condition
from graphql_schema.ports.row import Row

MAX_HITS: Final = 1_000
"""Maximal number of hits that one search ranks and counts."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search: the condition of the caller's filter, and the condition of every possible hit.

    If the index finds more than :data:`MAX_HITS` candidates, those that meet the first condition of ``best`` are taken
    first, then those that meet the second one, and so on. Each candidate also meets the filter.
    """

    where: Condition
    candidates: Condition
    best: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class SearchCandidates:
    """The possible hits; ``complete`` is false if there are more than :data:`MAX_HITS`."""

    rows: tuple[Row, ...]
    complete: bool
