"""Index terms: the names and words under which the search index finds a record."""

from dataclasses import dataclass
from typing import Final

from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.ports.record import Record
from graphql_schema.rules.words import index_tokens, title

NAMES: Final = ("displayName", "name")
"""Fields with the name of a record."""


PROSE: Final = "description"
"""Field with the free text of a record."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """Index terms of a record.

    ``titles`` are the complete names. ``words`` are the words of the names and of the fields of :func:`id_fields`. Both
    are visible with the record. ``prose`` has the words of the description, separated by spaces.
    """

    titles: tuple[str, ...]
    words: tuple[str, ...]
    prose: str


def indexed(record: Record) -> Indexed:
    """Return the index terms of a record that has a name."""
    names = dict.fromkeys(title(record[field]) for field in NAMES)
    found = (word.text for field in (*NAMES, *id_fields(record)) for word in index_tokens(record.get(field) or ""))
    prose = (word.text for word in index_tokens(record.get(PROSE) or ""))
    return Indexed((*names,), (*dict.fromkeys(found),), " ".join(dict.fromkeys(prose)))


def id_fields(record: Record) -> tuple[str, ...]:
    """Return the fields that are parts of the id beside the name; ``version`` only for kinds whose id contains it."""
    version = ("version",) if KIND_OF_CODE[record["kind"]].versioned else ()
    return ("namespace", *version, "source")
