"""Terms under which the index holds a record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.rules.words import index_tokens, title

NAMES: Final = ("displayName", "name")


PROSE: Final = "description"


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the index holds of a record: whole names, the words that come with discovering it, those of its prose."""

    titles: tuple[str, ...]
    words: tuple[str, ...]
    prose: str


def indexed(record: Mapping[str, Any]) -> Indexed:
    """What the index holds of a record that has a name."""
    names = dict.fromkeys(title(record[field]) for field in NAMES)
    found = (word.text for field in (*NAMES, *_id_fields(record)) for word in index_tokens(record.get(field) or ""))
    told = (word.text for word in index_tokens(record.get(PROSE) or ""))
    return Indexed((*names,), (*dict.fromkeys(found),), " ".join(dict.fromkeys(told)))


def _id_fields(record: Mapping[str, Any]) -> tuple[str, ...]:
    """What the id spells out beside the name; the version of a dataset that is none is a field of its own."""
    version = ("version",) if KIND_OF_CODE[record["kind"]].versioned else ()
    return ("namespace", *version, "source")
