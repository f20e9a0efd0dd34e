"""Index terms: the names and words under which the search index finds a record.

They are native properties of an asset. To find the words of a long text takes milliseconds, so those of a stored record
are not found again. Its terms differ only if its texts do.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.ports.record import Record
from graphql_schema.rules.words import index_words, title

NAMES: Final = ("displayName", "name")
"""Fields with the name of a record."""


PROSE: Final = "description"
"""Field with the free text of a record."""


MAX_PROSE_WORDS: Final = 5_000
"""Number of different words of a description that are indexed; to find them takes 3 to 20 ms.

An English text of the maximal length has some 3,000, one of ideographs up to 21,000.
"""


def name_terms(record: Record, before: Record | None = None) -> dict[str, list[str]]:
    """Return the native properties of a record that follow from its names and its id; none if ``before`` has the same.

    ``titles`` are the complete names. ``words`` are the words of the names and of the fields of :func:`id_fields`. Both
    are visible with the record.
    """
    fields = (*NAMES, *id_fields(record))
    if before is not None and _texts(record, fields) == _texts(before, fields):
        return {}
    titles = dict.fromkeys(title(record[field]) for field in NAMES)
    words = dict.fromkeys(word for text in _texts(record, fields) for word in index_words(text))
    return {"titles": [*titles], "words": [*words]}


def prose_terms(record: Record, before: Record | None = None) -> dict[str, str]:
    """Return the native property that follows from the description of a record; none if ``before`` has the same.

    ``prose`` has the first MAX_PROSE_WORDS different words of the description, separated by spaces.
    """
    if before is not None and _texts(record, (PROSE,)) == _texts(before, (PROSE,)):
        return {}
    (text,) = _texts(record, (PROSE,))
    return {"prose": " ".join(islice(index_words(text), MAX_PROSE_WORDS))}


def id_fields(record: Record) -> tuple[str, ...]:
    """Return the fields that are parts of the id beside the name; ``version`` only for kinds whose id contains it."""
    version = ("version",) if KIND_OF_CODE[record["kind"]].versioned else ()
    return ("namespace", *version, "source")


def _texts(record: Record, fields: Sequence[str]) -> list[str]:
    """Return the texts of some fields, an absent one as ""."""
    return [record.get(field) or "" for field in fields]
