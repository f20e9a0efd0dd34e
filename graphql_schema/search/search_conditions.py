"""What a search asks of an index: clauses over whole names, words and prose, made of what is wanted."""

from graphql_schema.fields.filters import AssetFilter, asset_listing
from graphql_schema.ports.conditions import Condition
from graphql_schema.ports.search_query import SearchQuery
from graphql_schema.rules.search_text import SearchText
from graphql_schema.rules.typos import allowed_errors, fuzzy_pattern


def search_for(wanted: SearchText, where: AssetFilter | None) -> SearchQuery:
    """What to ask an index for under a filter: the first words, or the id; raises InvalidError on an oversized filter.

    An id stands beside each word, since a filter is all of these, each any of those
    (:mod:`app.graph.reading.level.index_filter`).
    """
    same: tuple[Condition, ...] = (("in", "urn", (wanted.urn,)),) if wanted.urn else ()
    named = [_named(word, wanted.last) for word in wanted.first]
    anywhere = [("or", found, _told(word, wanted.last)) for word, found in zip(wanted.first, named, strict=True)]
    mistyped = [("or", *same, *found[1:], *_mistyped(word)) for word, found in zip(wanted.first, anywhere, strict=True)]
    whole: tuple[Condition, ...] = (("in", "titles", (wanted.title,)), ("prefix", "titles", wanted.title))
    best = (*same, *whole, ("and", *named), ("and", *anywhere))
    return SearchQuery(asset_listing(where, None).where, ("and", *mistyped), best)


def _named(word: str, last: str) -> Condition:
    return ("prefix", "words", word) if word == last else ("in", "words", (word,))


def _told(word: str, last: str) -> Condition:
    return ("wordPrefix" if word == last else "word", "prose", word)


def _mistyped(word: str) -> tuple[Condition, ...]:
    errors = allowed_errors(word)
    return (("regex", "words", fuzzy_pattern(word, errors)),) if errors else ()
