"""A stored record as one caller may see it: what every resolver receives as its source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql_schema.catalog import KIND_OF_CODE
from graphql_schema.enums import AccessGrade


@dataclass(frozen=True, slots=True)
class Access:
    """What one caller may see of records that share a type and its policy attributes.

    ``hidden`` holds GraphQL field names; ``note`` is told each time one of them was asked for.
    """

    grade: AccessGrade
    hidden: frozenset[str]
    note: Callable[[str, str], None]


class Row:
    """One vertex that has passed the policy: its identity, its record and what the caller may see of it.

    ``kind`` is the catalog's name of the kind, which is the GraphQL type.

    ``record`` has GraphQL field names as keys and JSON values; instants are epoch milliseconds, enums their names.
    """

    __slots__ = ("access", "kind", "record", "urn", "vid")

    def __init__(self, vid: int, record: Mapping[str, Any], access: Access) -> None:
        self.vid = vid
        self.record = record
        self.access = access
        self.urn: str = record["id"]
        self.kind = KIND_OF_CODE[record["kind"]].name

    def read(self, field: str) -> Any:
        """The value of a field; None when it has none, or when the policy hides it, which is noted."""
        if field in self.access.hidden:
            self.access.note(self.kind, field)
            return None
        return self.record.get(field)

    def peek(self, field: str) -> Any:
        """The value that a filter may judge by: that of :meth:`read`, without a note."""
        return None if field in self.access.hidden else self.record.get(field)


@dataclass(frozen=True, slots=True)
class Item:
    """A row of a list with the edge that led to it.

    ``edge`` is the record of the last edge, ``via`` the rows between source and row on longer paths, ``path`` the
    index of the path in its :class:`~graphql_schema.related.Related`, ``position`` where it stands in the list.
    """

    row: Row
    position: tuple[Any, ...]
    edge: Mapping[str, Any] | None = None
    via: tuple[Row, ...] = ()
    path: int = 0


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of a list. ``total`` is None unless it was asked for, and where there are more than 10,000."""

    items: tuple[Item, ...]
    has_next: bool = False
    total: int | None = None
