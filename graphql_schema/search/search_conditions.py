"""What a search asks of an index: clauses over whole names, words and prose, made of what is wanted."""

from graphql_schema.fields.filters import AssetFilter, asset_listing
from graphql_schema.ports.conditions import Clause
from graphql_schema.ports.search_query import Search
from graphql_schema.rules.search_text import Wanted
from graphql_schema.rules.typos import forgiven, pattern


def search_for(wanted: Wanted, where: AssetFilter | None) -> Search:
    """What to ask an index for under a filter: the first words, or the id; raises InvalidError on an oversized filter.

    An id stands beside each word, since a filter is all of these, each any of those
    (:mod:`app.graph.reading.level.index_filter`).
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
