"""Audit trail of one item: what its audit entries record in addition to the difference of records."""

from collections import defaultdict
from dataclasses import dataclass

from app.graph.records.edge_record import EdgeKey
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.ports.record import Json, Record


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """A staged edge, recorded as ``field`` of the vertex ``about``; with ``rewritten``, even if it has not changed.

    ``apart`` has the declaration before and after the item if the caller keeps it apart. The entry shows this instead
    of the stored edge.
    """

    about: int
    field: str
    key: EdgeKey
    rewritten: bool = False
    apart: tuple[Record | None, Record] | None = None


class AuditTrail:
    """Collects actions, fields and edges, by vertex id. :mod:`app.graph.writing.audit_entries` writes the entries.

    The action of a vertex without one is UPDATED, or REGISTERED if the vertex is new. ``reason``, if given, belongs to
    every vertex with a recorded action. ``details`` are further values of the change of a vertex, such as ``reverts``.
    ``fields`` has its entries ``{field, before, after}`` that do not follow from its record. ``rewritten`` are given
    fields whose stored values are hidden from the author and were given by another caller. They have an entry even if
    the value is equal: an audit without one would disclose the equality.
    """

    def __init__(self) -> None:
        self.actions: dict[int, ChangeAction] = {}
        self.reason: str | None = None
        self.details: dict[int, Record] = {}
        self.fields: dict[int, list[Record]] = defaultdict(list)
        self.rewritten: dict[int, frozenset[str]] = {}
        self.edges: list[EdgeChange] = []

    def record_action(self, about: int, action: ChangeAction, reason: str | None = None, **details: str) -> None:
        """Record the action of a vertex, and its details if given, replacing earlier ones.

        The last ``reason`` that is given applies to every vertex with a recorded action.
        """
        self.actions[about] = action
        self.reason = reason or self.reason
        self.details |= {about: details} if details else {}

    def record_field(self, about: int, field: str, before: Json, after: Json, **more: str) -> None:
        """Record the change of a field that the difference of records does not show; ``more`` are keys of its entry."""
        self.fields[about].append({"field": field, **more, "before": before, "after": after})

    def record_edge(
        self,
        about: int,
        field: str,
        key: EdgeKey,
        *,
        rewritten: bool = False,
        apart: tuple[Record | None, Record] | None = None,
    ) -> None:
        """Record that an edge, or what the author declares ``apart``, changed, as a field of the vertex ``about``."""
        self.edges.append(EdgeChange(about, field, key, rewritten, apart))
