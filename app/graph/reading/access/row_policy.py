"""The policy in the loop: a record becomes a row when its caller may discover it, and nothing when not."""

from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from app.graph.commits.sensitivity_floors import FloorView
from app.graph.reading.access.field_masks import UNMASKED, RowAccess, view_of
from app.graph.records.read_time import PRESENT, ReadTime, vertex_at
from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.catalog.properties import FIELD_OF
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.row import Row
from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.predicate import Predicate

_log = structlog.get_logger(__name__)


class RowPolicy:
    """Judges records for one caller and one operation; views are shared by records of one policy class.

    What was not there at ``instant`` is as if it never were; the policy is that of today.

    Every row of an answer is made here, and nowhere else (a test looks). ``fences`` say where more sensitivity holds
    than is stored yet. ``mismatches`` counts rows that the index let through and the policy did not: a defect, it must
    stay 0.
    """

    def __init__(
        self,
        access: Access,
        tenant: str,
        notes: PolicyReport,
        fences: FloorView | None = None,
        instant: ReadTime = PRESENT,
    ) -> None:
        self.tenant = tenant
        self.instant = instant
        self.fences = fences or FloorView(tenant)
        self.mismatches = 0
        self._access = access
        self._notes = notes
        self._views: dict[PolicyAttributes, RowAccess | None] = {}
        self._open: dict[str, RowAccess] = {}

    def rows_filter(self) -> Predicate:
        """What listings carry into the index."""
        return self._access.rows()

    def shown(self, key: str) -> Predicate:
        """The rows on which a filter or an order may look at a native property."""
        return self._access.rows_showing(FIELD_OF[key])

    def hides(self, fields: Iterable[str]) -> bool:
        """Whether some row that the caller discovers hides one of these fields."""
        return any(self._access.rows_showing(field) != self._access.rows() for field in fields)

    def row(self, vid: int, record: Mapping[str, Any]) -> Row | None:
        """The row of a record, or None when it is not the caller's to know of; facts are judged by their subjects."""
        if record["tenant"] != self.tenant:
            return None
        kind = KIND_OF_CODE[record["kind"]]
        if not kind.asset:
            if kind.name not in self._open:
                self._open[kind.name] = RowAccess(kind.name, UNMASKED, self._notes)
            return self._stood(vid, record, self._open[kind.name])
        record = self.fences.with_floor(vid, record)
        view = self._view(kind.name, record)
        return None if view is None else self._stood(vid, record, view)

    def discovers(self, vid: int, record: Mapping[str, Any]) -> bool:
        """Whether the caller may know of an asset, when it is there."""
        kind = KIND_OF_CODE[record["kind"]]
        return kind.asset and self._view(kind.name, self.fences.with_floor(vid, record)) is not None

    def _stood(self, vid: int, record: Mapping[str, Any], view: RowAccess) -> Row | None:
        """The row as it stood at the instant."""
        stood = vertex_at(record, self.instant, view.hidden)
        return None if stood is None else Row(vid, stood, view)

    def raised_by_floor(self, vid: int, record: Mapping[str, Any]) -> bool:
        """Whether a fence changes what the caller sees of it, so that the index knew too little."""
        seen, kind = self.fences.with_floor(vid, record), KIND_OF_CODE[record["kind"]]
        if seen is record or not kind.asset:
            return False
        before, after = self._view(kind.name, record), self._view(kind.name, seen)
        return before is None or after is None or before.hidden != after.hidden

    def position(self, record: Mapping[str, Any], key: str) -> tuple[Any, str]:
        """Where the index has a record in an order: by its value as stored, None where the caller may not see it."""
        view = self._view(KIND_OF_CODE[record["kind"]].name, record)
        field = FIELD_OF[key]
        return None if view is None or field in view.hidden else record.get(field), record["id"]

    def _view(self, kind: str, record: Mapping[str, Any]) -> RowAccess | None:
        attributes = PolicyAttributes.of(record)
        if attributes not in self._views:
            self._views[attributes] = view_of(self._access, kind, attributes, self._notes)
        return self._views[attributes]

    def report_hidden_id(self, urn: str, record: Mapping[str, Any] | None) -> None:
        """Note for the access log that something hidden was asked for by its id."""
        if record is not None and record["tenant"] == self.tenant:
            self._notes.absent[urn] = None

    def mismatched(self, urn: str) -> None:
        """Count a row that the index should not have let through."""
        self.mismatches += 1
        _log.error("policy_pushdown_mismatch", urn=urn)
