"""Rows: stored records as one caller may see them. A row is the source of the fields of its kind."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.ports.record import Json, Position, Record
from policies.decision import Rights
from policies.vocabulary import WriteAction


@strawberry.enum(description="How much of an asset the viewer may see.")
class AccessGrade(Enum):
    """How much of an asset the viewer may see."""

    DISCOVER = value(
        "DISCOVER",
        description="The fields with the label public: by the shipped labels the id and its parts, the kind, the "
        "display name, the owner team, `asOf` and `viewerAccess`.",
    )
    READ = value("READ", description="All its fields, except the hidden ones.")


class RecordAccess(Protocol):
    """Access of one caller to the fields of one GraphQL type, on records with the same policy attributes.

    ``hidden`` are GraphQL field names; ``watched`` are these and the fields whose reading is logged.
    """

    grade: AccessGrade
    hidden: frozenset[str]
    watched: frozenset[str]

    def report_hidden(self, field: str) -> None:
        """Report that a hidden field was requested.

        Raises DeniedError, the error of this field alone, if the request has ``Prefer: policy=strict``.
        """
        ...

    def report_read(self, field: str, urn: str) -> None:
        """Report that a field whose reading is logged was read."""
        ...

    def may(self, action: WriteAction) -> bool:
        """Return whether the caller may perform the action on the asset; False for other records and for edges."""
        ...

    def rights(self) -> Rights:
        """Return the rights of the caller with the rules that decide them; empty where `may` is always False."""
        ...

    def of_edge(self, type_name: str, far: "RecordAccess") -> "RecordAccess":
        """Return the access to an edge between a row of this access and one of ``far``.

        A field of the edge is visible if both ends show it.
        """
        ...


class MaskedRecord:
    """A record with the mask of one caller; ``kind`` is its GraphQL type, ``urn`` its id."""

    __slots__ = ("access", "kind", "record", "urn")

    def __init__(self, kind: str, urn: str, record: Record, access: RecordAccess) -> None:
        self.kind = kind
        self.urn = urn
        self.record = record
        self.access = access

    def is_shown(self, field: str) -> bool:
        """Return whether the caller may see a field, and report a hidden or logged field.

        Raises DeniedError for a hidden field if the request has the header ``Prefer: policy=strict``.
        """
        access = self.access
        if field in access.watched:
            if field in access.hidden:
                access.report_hidden(field)
                return False
            access.report_read(field, self.urn)
        return True

    def read(self, field: str) -> Json:
        """Return the value of a field, None if it has none or is hidden; reports and raises as :meth:`is_shown`."""
        return self.record.get(field) if self.is_shown(field) else None

    def visible_value(self, field: str) -> Json:
        """Return the value of a field for filters: that of :meth:`read`, without a report."""
        return None if field in self.access.hidden else self.record.get(field)


class Row(MaskedRecord):
    """One vertex that has passed the policy, with the mask of the caller.

    Most keys of ``record`` are GraphQL field names. Instants are epoch milliseconds, enums are names.
    """

    __slots__ = ("vid",)

    def __init__(self, vid: int, record: Record, access: RecordAccess) -> None:
        # without a call of the constructor above: a response has very many rows
        self.kind = KIND_OF_CODE[record["kind"]].name
        self.urn = record["id"]
        self.record = record
        self.access = access
        self.vid = vid

    def reads(self, field: str) -> bool:
        """Return whether the caller may read the asset and see this field of it, without a report."""
        return self.access.grade is AccessGrade.READ and field not in self.access.hidden

    @property
    def deleted(self) -> bool:
        """Return whether the record has a `deletedAt`."""
        return self.record.get("deletedAt") is not None


class PageItem(NamedTuple):
    """A row of a list, with its place there; a tuple, because pages have very many of them.

    ``edge`` is the record of the last edge to the row, or other values of the item, such as its depth; None in plain
    listings. ``near`` is the row from which the path follows the edge, and ``inward`` whether it follows it against its
    direction. ``via`` are the rows between source and row, ``path`` is the index of the path in its
    :class:`~graphql_schema.ports.relation_query.RelationQuery`. ``position`` is the keyset position in the list.
    """

    row: Row
    position: Position
    edge: Record | None = None
    near: Row | None = None
    via: tuple[Row, ...] = ()
    path: int = 0
    inward: bool = False

    @property
    def edge_id(self) -> str:
        """Return the id of the edge, which is made of its relation and its ends; empty without an edge."""
        start, end = self._ends
        return "" if self.edge is None else f"{self.edge['relation']}:{start.vid:x}:{end.vid:x}"

    def edge_as(self, type_name: str, **also: Json) -> MaskedRecord:
        """Return the edge as the source of a GraphQL type; ``also`` are further values of that type."""
        near = self.near or self.row
        access = near.access.of_edge(type_name, self.row.access)
        if self.edge is None:
            return MaskedRecord(type_name, "", also, access)
        start, end = self._ends
        identity = {"edgeId": self.edge_id, "from": start.urn, "to": end.urn}
        return MaskedRecord(type_name, identity["edgeId"], {**self.edge, **identity, **also}, access)

    @property
    def _ends(self) -> tuple[Row, Row]:
        """The rows at the start and at the end of the edge."""
        near = self.near or self.row
        return (self.row, near) if self.inward else (near, self.row)


@dataclass(frozen=True, slots=True)
class FeedBatch:
    """One batch of a feed: the visible items, and in ``next_position`` the position of the last record examined.

    ``next_position`` is None if there was no record to examine. ``subjects`` are the visible subjects of the records
    examined. ``stored`` is the memory in bytes of what was read for it, by the estimate of the operation.
    """

    items: tuple[PageItem, ...]
    next_position: Position | None
    subjects: tuple[Row, ...] = ()
    stored: int = 0


class FeedEvent:
    """A record of a feed with the visible subjects that were read with it, until it is executed.

    What waits for its client refers to the event, and so must not keep what may have megabytes.
    """

    __slots__ = ("_content",)

    def __init__(self, row: Row, subjects: tuple[Row, ...]) -> None:
        self._content: tuple[Row, tuple[Row, ...]] | None = row, subjects

    def take(self) -> tuple[Row, tuple[Row, ...]]:
        """Return the record and the subjects, and keep neither; call it once."""
        assert self._content is not None  # noqa: S101 - an event is executed once
        content, self._content = self._content, None
        return content


@dataclass(frozen=True, slots=True)
class RowPage:
    """A page of a list; ``total`` is None if it was not requested, is above 10,000, or is unknown.

    The next page begins after the position ``end``, or without one after the last item.
    """

    items: tuple[PageItem, ...]
    has_next: bool = False
    total: int | None = None
    end: Position | None = None

    @property
    def last(self) -> Position | None:
        """The position after which the next page begins; None for a page without one and without items."""
        return self.end or (self.items[-1].position if self.items else None)
