"""What a search asks of an index: clauses over whole names, words and prose, made of what is wanted."""

from dataclasses import dataclass
from typing import Final

from graphql_schema.listing import AssetFilter, Clause, asset_listing
from graphql_schema.row import Row
from graphql_schema.typos import forgiven, pattern
from graphql_schema.wanted import Wanted

MOST_HITS: Final = 1_000
"""Hits that one search ranks and counts."""


@dataclass(frozen=True, slots=True)
class Search:
    """What its filter asks, the clause of all that may be hits, and those of which go before where these are too many.

    What its filter asks holds for each of them.
    """

    asked: Clause
    where: Clause
    best: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What an index proposes; ``complete`` is false where it had more than :data:`MOST_HITS`."""

    rows: tuple[Row, ...]
    complete: bool


def search_for(wanted: Wanted, where: AssetFilter | None) -> Search:
    """What to ask an index for under a filter: the first words, or the id; raises InvalidError on an oversized filter.

    An id stands beside each word, since a filter is all of these, each any of those (:mod:`app.graph.clauses`).
    """
    same: tuple[Clause, ...] = (("in", "urn", (wanted.urn,)),) if wanted.urn else ()
    named = [_named(word, wanted.last) for word in wanted.first]
    anywhere = [("or", found, _told(word, wanted.last)) for word, found in zip(wanted.first, named, strict=True)]
    mistyped = [("or", *same, *found[1:], *_mistyped(word)) for word, found in zip(wanted.first, anywhere, strict=True)]
    whole: tuple[Clause, ...] = (("in", "titles", (wanted.title,)), ("prefix", "titles", wanted.title))
    best = (*same, *whole, ("and", *named), ("and", *anywhere))
    return Search(asset_listing(where, None).where, ("and", *mistyped), best)


def _named(word: str, last: str) -> Clause:
    return ("prefix", "words", word) if word == last else ("in", "words", (word,))


def _told(word: str, last: str) -> Clause:
    return ("wordPrefix" if word == last else "word", "prose", word)


def _mistyped(word: str) -> tuple[Clause, ...]:
    errors = forgiven(word)
    return (("regex", "words", pattern(word, errors)),) if errors else ()
