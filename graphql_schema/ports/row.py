"""A stored record as one caller may see it: what every resolver receives as its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.catalog.kinds import KIND_OF_CODE
from policies.vocabulary import WriteAction


@strawberry.enum(description="How much of an asset the viewer may see.")
class AccessGrade(Enum):
    """How much of an asset the viewer may see."""

    DISCOVER = value("DISCOVER", description="That it exists, what it is called and whom to ask.")
    READ = value("READ", description="Its fields, apart from those listed as hidden.")


class RecordAccess(Protocol):
    """What one caller may see of one type, on records that share their policy attributes.

    ``hidden`` holds GraphQL field names, ``watched`` those and the fields whose reading is logged.
    """

    grade: AccessGrade
    hidden: frozenset[str]
    watched: frozenset[str]

    def report_hidden(self, field: str) -> None:
        """Be told that a hidden field was asked for; raises DeniedError where the caller wants errors, not nulls."""
        ...

    def report_read(self, field: str, urn: str) -> None:
        """Be told that a field whose reading is logged was read."""
        ...

    def may(self, action: WriteAction) -> bool:
        """Whether the caller may do this to the asset."""
        ...

    def of_edge(self, type_name: str, far: "RecordAccess") -> "RecordAccess":
        """What the caller may see of an edge between two rows: what both ends show."""
        ...


class MaskedRecord:
    """A record and what the caller may see of it; ``kind`` is the GraphQL type, ``urn`` its id."""

    __slots__ = ("access", "kind", "record", "urn")

    def __init__(self, kind: str, urn: str, record: Mapping[str, Any], access: RecordAccess) -> None:
        self.kind = kind
        self.urn = urn
        self.record = record
        self.access = access

    def is_shown(self, field: str) -> bool:
        """Whether the caller sees a field; what the answer or the log must say of it is noted."""
        access = self.access
        if field in access.watched:
            if field in access.hidden:
                access.report_hidden(field)
                return False
            access.report_read(field, self.urn)
        return True

    def read(self, field: str) -> Any:
        """The value of a field; None when it has none, or when the policy hides it."""
        return self.record.get(field) if self.is_shown(field) else None

    def visible_value(self, field: str) -> Any:
        """The value that a filter may judge by: that of :meth:`read`, without a note."""
        return None if field in self.access.hidden else self.record.get(field)


class Row(MaskedRecord):
    """One vertex that has passed the policy: its identity, its record and what the caller may see of it.

    ``record`` has GraphQL field names as keys and JSON values; instants are epoch milliseconds, enums their names.
    """

    __slots__ = ("vid",)

    def __init__(self, vid: int, record: Mapping[str, Any], access: RecordAccess) -> None:
        super().__init__(KIND_OF_CODE[record["kind"]].name, record["id"], record, access)
        self.vid = vid

    @property
    def deleted(self) -> bool:
        """Whether it was deleted: by its id it is still found, and nothing leads to it."""
        return self.record.get("deletedAt") is not None


@dataclass(frozen=True, slots=True)
class PageItem:
    """A row of a list with the edge that led to it.

    ``edge`` is the record of the last edge and ``near`` the row it starts at for the reader, ``via`` the rows between
    source and row on longer paths, ``path`` the index of the path in its
    :class:`~graphql_schema.ports.relation_query.RelationQuery`, ``position`` where it stands in the list.
    """

    row: Row
    position: tuple[Any, ...]
    edge: Mapping[str, Any] | None = None
    near: Row | None = None
    via: tuple[Row, ...] = ()
    path: int = 0

    def edge_as(self, type_name: str, **also: Any) -> MaskedRecord:
        """The edge as the source of a GraphQL type that shows it; ``also`` are fields that the edge has not itself."""
        near = self.near or self.row
        record = {**(self.edge or {}), **also}
        return MaskedRecord(
            type_name, record.get("edgeId", ""), record, near.access.of_edge(type_name, self.row.access)
        )


@dataclass(frozen=True, slots=True)
class FeedBatch:
    """Some of a list that is followed: what is shown of it, and the position of the last that was looked at.

    ``reached`` is None at the end of the list.
    """

    items: tuple[PageItem, ...]
    next_position: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class RowPage:
    """A page of a list. ``total`` is None unless it was asked for, and where there are more than 10,000."""

    items: tuple[PageItem, ...]
    has_next: bool = False
    total: int | None = None
