"""Ranking: whether an asset is a hit of a search, and how good, by the fields that the viewer may see.

The index only proposes candidates. The best hit is the asset whose id was typed. Any other asset is a hit only if every
word of the query is found in it. The last one may be the beginning of a word, in a description of four letters or more
if it is ASCII. In names and ids, each of the first MAX_QUERY_WORDS may have typing errors. A name counts more than the
other parts of the id, and these count more than the description.
"""

from collections.abc import Sequence
from functools import lru_cache

from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.ports.row import Row
from graphql_schema.rules.index_terms import NAMES, PROSE, id_fields, words_of
from graphql_schema.rules.search_text import MAX_QUERY_WORDS, SearchText, VersionText, may_begin
from graphql_schema.rules.typos import allowed_errors, edit_distance
from graphql_schema.rules.words import MAX_KEPT, title

EXACT, PREFIX = 0, 1
"""Worth, less is better, of an id or name equal to the query, and of a name that begins with the query."""


IN_NAME, IN_ID, IN_PROSE, MISTYPED = 2, 4, 6, 8
"""Worth of a word by its place, the best first; 1 is added if it is a prefix, or for a second typing error."""


Rank = tuple[int, int, bool, int]
"""Quality of a hit, smaller is better.

Its first item is the worth of the full name if the query is the name or its beginning, else the worst worth of a word.
The others are the sum over all words, whether the asset is a version, and the length of the shorter of its names. A
version ranks after its asset, because both have the same name. If the text names a version as in `churn v3`, the better
of its two meanings counts. For a version with this number, the words that name it count once, as a word of the id.
"""

_Places = Sequence[tuple[int, frozenset[str]]]
"""The words of a row by the worth of their place."""


def rank(row: Row, query: SearchText) -> Rank | None:
    """Return the rank of a row for a search; None if it is no hit."""
    if row.urn == query.urn:
        return EXACT, 0, False, 0
    places = _places(row)
    ranks = [_rank(row, query, places)]
    if query.version and is_version(row, query.version):
        ranks.append(_rank(row, query.version.asset, places, IN_ID))
    return min(filter(None, ranks), default=None)


def work_of(row: Row, query: SearchText) -> int:
    """Return how much work it is to rank a row or to mark its matches; 2,000 take 5 ms at most.

    It is the number of visible characters, times that of the words of the query that may have typing errors.
    """
    fields = (*NAMES, *id_fields(row.record), PROSE)
    return max(sum(map(bool, map(allowed_errors, query.first))), 1) * sum(
        len(row.visible_value(field) or "") for field in fields
    )


def is_version(row: Row, text: VersionText) -> bool:
    """Return whether a row is a version with the name that a text gives, whatever asset it is a version of."""
    return KIND_OF_CODE[row.record["kind"]].versioned and text.names(row.visible_value("version"))


def _rank(row: Row, query: SearchText, places: _Places, worth_of_version: int = 0) -> Rank | None:
    """Return the rank of a row for all words of a text; None if one is not found.

    ``worth_of_version`` is the worth of the words that were removed from the text because they name the row's version.
    """
    found: list[int] = []
    for at, word in enumerate(query.words):
        worth = _worth(word, places, allowed_errors(word) if at < MAX_QUERY_WORDS else 0, last=word == query.last)
        if worth is None:
            return None
        found.append(worth)
    titles = [title(row.visible_value(field) or "") for field in NAMES]
    prefix = any(each.startswith(query.title) for each in titles)
    worst = EXACT if query.title in titles else PREFIX if prefix else max(found)
    version = KIND_OF_CODE[row.record["kind"]].versioned
    return worst, sum(found) + worth_of_version, version, min(len(each) for each in titles)


def _places(row: Row) -> _Places:
    """Return the visible words of a row by the place where they occur, with the worth of the place."""
    kinds = ((IN_NAME, NAMES), (IN_ID, id_fields(row.record)), (IN_PROSE, (PROSE,)))
    return tuple((worth, frozenset[str]().union(*(_words(row.visible_value(field) or "") for field in fields)))
                 for worth, fields in kinds)  # fmt: skip


def _words(text: str) -> list[str]:
    """Return the words of a text; those of short ones are kept, because the same texts are ranked for many searches."""
    return (_kept_words(text) if len(text) <= MAX_KEPT else _kept_words.__wrapped__(text)).split()


@lru_cache(maxsize=16_384)
def _kept_words(text: str) -> str:
    """Return the words of a text as one text, because a set of them takes many times the memory."""
    return " ".join(words_of(text))


def _worth(word: str, places: _Places, max_errors: int, *, last: bool) -> int | None:
    """Return the worth of the best place of a word; None if it is not found.

    With ``last``, the beginning of a word counts too, in descriptions if it :func:`may_begin` one. In names and ids, up
    to ``max_errors`` typing errors are allowed.
    """
    for worth, words in places:
        if word in words:
            return worth
        begins = last and (worth != IN_PROSE or may_begin(word))
        if begins and any(each.startswith(word) for each in words):
            return worth + 1
    named = (each for worth, words in places if worth != IN_PROSE for each in words)
    fewest = min((edit_distance(word, each, max_errors) for each in named), default=max_errors + 1) if max_errors else 1
    return MISTYPED + fewest - 1 if fewest <= max_errors else None
