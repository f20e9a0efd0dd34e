"""The conditions of a search: the candidates that the index returns for a parsed text."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from graphql_schema.catalog.kinds import KINDS, VERSIONS
from graphql_schema.fields.filters import AssetFilter, asset_listing
from graphql_schema.ports.conditions import All, AnyOf, Condition, HasWord, In, MatchesPattern, StartsWith
from graphql_schema.ports.search_query import SearchQuery
from graphql_schema.rules.search_text import SearchText, VersionText, may_begin
from graphql_schema.rules.typos import allowed_errors, fuzzy_pattern

DIRECTORY: Final = tuple(kind.code for kind in KINDS.values() if not kind.asset)
"""The codes of the kinds in the directory: teams, users, domains and tags."""

_VERSIONS: Final = In("kind", tuple(kind.code for kind in VERSIONS))
"""Met by the versions of assets."""


def search_query(text: SearchText, where: AssetFilter | None) -> SearchQuery:
    """Return the query for the assets that meet the filter and may be hits of the text.

    Raises InvalidError if the filter is oversized or invalid.
    """
    return _query(text, asset_listing(where, None).where)


def directory_query(text: SearchText, kinds: Sequence[str] | None) -> SearchQuery:
    """Return the query for the teams, users, domains and tags that may be hits of the text.

    ``kinds`` are the codes of the wanted kinds, None for all four.
    """
    codes = DIRECTORY if kinds is None else tuple(code for code in DIRECTORY if code in kinds)
    return _query(replace(text, version=None), In("kind", codes))


def _query(text: SearchText, where: Condition) -> SearchQuery:
    """Return the query for the vertices that meet a condition and may be hits of the text.

    The id is an alternative to each word and not to all of them together, because an index filter is a conjunction of
    alternatives (:mod:`app.graph.reading.level.index_filter`). So is the beginning of a name, which is found so also if
    too many words begin as the last one does.
    """
    by_id = (In("urn", (text.urn,)),) if text.urn else ()
    by_title = (*by_id, StartsWith("titles", text.title))
    names = [_in_name(word, text.last) for word in text.first]
    anywhere = [(name, _in_prose(word, text.last)) for word, name in zip(text.first, names, strict=True)]
    complete = [(name, HasWord("prose", word)) for word, name in zip(text.first, names, strict=True)]
    candidates = [
        AnyOf((*by_title, *exact, *_with_typos(word), *_of_version(word, text.version)))
        for word, exact in zip(text.first, anywhere, strict=True)
    ]
    best = (
        *by_id,
        *_best_versions(text.version),
        In("titles", (text.title,)),
        StartsWith("titles", text.title),
        All(tuple(names)),
        All(tuple(AnyOf(exact) for exact in complete)),
    )
    return SearchQuery(where, All(tuple(candidates)), best)


def _in_name(word: str, last: str) -> Condition:
    return StartsWith("words", word) if word == last else In("words", (word,))


def _in_prose(word: str, last: str) -> Condition:
    return HasWord("prose", word, prefix=word == last and may_begin(word))


def _of_version(word: str, text: VersionText | None) -> Iterator[Condition]:
    """Yield, for a word that names a version, the condition of the versions that match without this word.

    These are the versions with the number in the word, or all versions if the word has no number.
    """
    if text and word in text.phrase:
        yield All((_VERSIONS, *_has_label(word)))


def _best_versions(text: VersionText | None) -> Iterator[Condition]:
    """Yield the condition of the versions that the text names, without typing errors and unfinished words."""
    if text:
        labels = (condition for word in text.phrase for condition in _has_label(word))
        yield All((_VERSIONS, *(In("words", (word,)) for word in text.asset.first), *labels))


def _has_label(word: str) -> Iterator[Condition]:
    """Yield the condition that a version has the number in a word, with or without ``v``; nothing for other words."""
    label = word.removeprefix("v")
    if label[:1].isdigit():
        yield In("words", (label, f"v{label}"))


def _with_typos(word: str) -> Iterator[Condition]:
    errors = allowed_errors(word)
    if errors:
        yield MatchesPattern("words", fuzzy_pattern(word, errors))
