"""Search queries and the candidates that an index returns for them."""

from dataclasses import dataclass
from typing import Final

from graphql_schema.ports.conditions import Condition
from graphql_schema.ports.row import Row

MAX_HITS: Final = 1_000
"""Maximal number of hits that one search ranks and counts."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search: ``where`` is the condition of the caller's filter, ``candidates`` that of the possible hits.

    If more than :data:`MAX_HITS` records meet both, those that meet the first condition of ``best`` are taken first,
    then those that meet the second one, and so on.
    """

    where: Condition
    candidates: Condition
    best: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class SearchCandidates:
    """At most :data:`MAX_HITS` possible hits; ``complete`` is false if there are more."""

    rows: tuple[Row, ...]
    complete: bool
