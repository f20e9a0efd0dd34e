"""Search queries and the candidates that an index proposes."""

from dataclasses import dataclass
from typing import Final

from graphql_schema.ports.conditions import Condition
from graphql_schema.ports.row import Row

MAX_HITS: Final = 1_000
"""Hits that one search ranks and counts."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What its filter asks, the clause of all that may be hits, and those of which go before where these are too many.

    What its filter asks holds for each of them.
    """

    asked: Condition
    where: Condition
    best: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class SearchCandidates:
    """Candidates that the index proposes; ``complete`` is false if there were more than :data:`MAX_HITS`."""

    rows: tuple[Row, ...]
    complete: bool
