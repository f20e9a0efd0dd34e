"""Index terms: the names and words under which the search index finds a record.

They are native properties of an asset. To find the words of a long text takes milliseconds, so those of a stored record
are not found again. Its terms differ only if its texts do.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.ports.record import Record
from graphql_schema.rules.words import estimated_words, index_words, title

NAMES: Final = ("displayName", "name")
"""Fields with the name of a record."""


PROSE: Final = "description"
"""Field with the free text of a record."""


MAX_WORDS: Final = 2_000
"""Number of different words of a description that are indexed and ranked; the store needs some 7 ms to index them.

An English text of 30,000 characters has as many. One of the maximal length has some 3,000, and one of ideographs up to
21,000.
"""

WORD_LENGTH: Final = 10
"""Number of characters that count for a word with the space after it, where the words of a text are not known."""


PROPERTY_LENGTH: Final = 10
"""Number of characters that count for a free property at least, which is a term of the index."""


SHORT_WORD: Final = 6
"""Number of characters that count for a word at least, with the space after it: the mean of English texts."""


def name_terms(record: Record, before: Record | None = None) -> dict[str, list[str]]:
    """Return the native properties of a record that follow from its names and its id; none if ``before`` has the same.

    ``titles`` are the complete names. ``words`` are the words of the names and of the fields of :func:`id_fields`. Both
    are visible with the record.
    """
    if not has_new_names(record, before):
        return {}
    fields = (*NAMES, *id_fields(record))
    titles = dict.fromkeys(title(record[field]) for field in NAMES)
    words = dict.fromkeys(word for text in _texts(record, fields) for word in words_of(text))
    return {"titles": [*titles], "words": [*words]}


def has_new_names(record: Record, before: Record | None) -> bool:
    """Return whether the words of the names of a record are to be found: unless ``before`` has the same."""
    fields = (*NAMES, *id_fields(record))
    return before is None or _texts(record, fields) != _texts(before, fields)


def name_length(record: Record) -> int:
    """Return the number of characters of the texts whose words :func:`name_terms` returns."""
    return sum(map(len, _texts(record, (*NAMES, *id_fields(record)))))


def prose_terms(record: Record, before: Record | None = None) -> dict[str, str]:
    """Return the native property that follows from the description of a record; none if ``before`` has the same.

    ``prose`` has the words of the description, separated by spaces.
    """
    return {"prose": " ".join(words_of(record.get(PROSE) or ""))} if has_new_prose(record, before) else {}


def has_new_prose(record: Record, before: Record | None) -> bool:
    """Return whether the words of the description of a record are to be found: unless ``before`` has the same."""
    return before is None or _texts(record, (PROSE,)) != _texts(before, (PROSE,))


def indexed_length(record: Record) -> int:
    """Return the number of characters of the texts by which the index finds an asset: names, words and properties.

    The index analyses all of them again when one of its values of the asset changes. A description counts as at most
    MAX_WORDS words.
    """
    pairs = record.get("properties") or ()
    (prose,) = _texts(record, (PROSE,))
    texts = _texts(record, (*NAMES, *id_fields(record)))
    return (
        min(words_length(prose), MAX_WORDS * WORD_LENGTH)
        + sum(map(words_length, texts))
        + sum(max(len(pair["key"]) + len(pair["value"]), PROPERTY_LENGTH) for pair in pairs)
    )


def words_length(text: str) -> int:
    """Return the number of characters of a text, or more if its words are short: SHORT_WORD for each of them."""
    return max(len(text), SHORT_WORD * min(estimated_words(text), MAX_WORDS))


def estimated_name_words(record: Record) -> int:
    """Return about how many words :func:`name_terms` can return."""
    return sum(map(estimated_words, _texts(record, (*NAMES, *id_fields(record)))))


def words_of(text: str) -> Iterator[str]:
    """Yield the words by which a name, a part of an id or a description is found: its first MAX_WORDS different ones.

    Only a description can have more.
    """
    return islice(index_words(text), MAX_WORDS)


def id_fields(record: Record) -> tuple[str, ...]:
    """Return the fields that are parts of the id beside the name; ``version`` only for kinds whose id contains it."""
    version = ("version",) if KIND_OF_CODE[record["kind"]].versioned else ()
    return ("namespace", *version, "source")


def _texts(record: Record, fields: Sequence[str]) -> list[str]:
    """Return the texts of some fields, an absent one as ""."""
    return [record.get(field) or "" for field in fields]
