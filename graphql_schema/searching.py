"""What a search asks of an index: clauses over whole names, words and prose, made of what somebody typed."""

from dataclasses import dataclass
from typing import Final

from graphql_schema.listing import AssetFilter, Clause, asset_listing
from graphql_schema.row import Row
from graphql_schema.typos import forgiven, pattern
from graphql_schema.words import typed
from policies.errors import InvalidError, LimitError

LONGEST_TEXT: Final = 200
"""Characters of a text that is searched for."""

MOST_WORDS: Final = 10
"""Words of a text that is searched for."""

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


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text that is searched for, of an id those after its kind; raises InvalidError without one.

    Raises LimitError with too many.
    """
    if len(text) > LONGEST_TEXT:
        raise LimitError(
            f"`text` has {len(text)} characters; search for at most {LONGEST_TEXT}, such as a name or a few words.",
            limit=LONGEST_TEXT,
        )
    words = typed(text.split("/", 3)[3] if text.startswith("mlg://") and text.count("/") > 2 else text)  # noqa: PLR2004
    if not words:
        raise InvalidError("`text` has no letter and no digit; type some of a name, or use `assets` to list all.")
    if len(words) > MOST_WORDS:
        raise LimitError(
            f"`text` has {len(words)} words; search for at most {MOST_WORDS}, those that tell most.", limit=MOST_WORDS
        )
    return words


def search_for(words: tuple[str, ...], where: AssetFilter | None) -> Search:
    """What to ask an index for these words under a filter; raises InvalidError on an oversized filter."""
    kinds = asset_listing(where, None).where
    name, last = " ".join(words), words[-1]
    each = [*dict.fromkeys(words)]
    named = [_named(word, last) for word in each]
    anywhere = [("or", found, _told(word, last)) for word, found in zip(each, named, strict=True)]
    mistyped = [("or", *found[1:], *_mistyped(word)) for word, found in zip(each, anywhere, strict=True)]
    whole: tuple[Clause, ...] = (("in", "titles", (name,)), ("prefix", "titles", name))
    return Search(kinds, ("and", *mistyped), (*whole, ("and", *named), ("and", *anywhere)))


def _named(word: str, last: str) -> Clause:
    return ("prefix", "words", word) if word == last else ("in", "words", (word,))


def _told(word: str, last: str) -> Clause:
    return ("wordPrefix" if word == last else "word", "prose", word)


def _mistyped(word: str) -> tuple[Clause, ...]:
    errors = forgiven(word)
    return (("regex", "words", pattern(word, errors)),) if errors else ()
