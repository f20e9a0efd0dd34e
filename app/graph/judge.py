"""The policy in the loop: a record becomes a row when its caller may discover it, and nothing when not."""

from collections.abc import Mapping
from typing import Any

import structlog

<<<<<<< HEAD
from app.graph.sensitivity.fences import FenceView
from graphql_schema.catalog import KIND_OF_CODE
from graphql_schema.context import HiddenNotes
from graphql_schema.enums import AccessGrade
from graphql_schema.row import Access as View
=======
from app.graph.views import UNMASKED, RowView, view_of
from graphql_schema.catalog import FIELD_OF, KIND_OF_CODE
from graphql_schema.context import PolicyNotes
>>>>>>> main
from graphql_schema.row import Row
from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.predicate import Predicate

_log = structlog.get_logger(__name__)


class Judge:
    """Judges records for one caller and one operation; views are shared by records of one policy class.

<<<<<<< HEAD
    ``fences`` are the levels that hold beyond what is stored; ``mismatches`` counts rows that the index let through and the policy did not: a defect, it must stay 0.
    """

    def __init__(self, access: Access, tenant: str, notes: HiddenNotes, fences: FenceView | None = None) -> None:
=======
    Every row of an answer is made here, and nowhere else (a test looks). ``mismatches`` counts rows that the index let
    through and the policy did not: a defect, it must stay 0.
    """

    def __init__(self, access: Access, tenant: str, notes: PolicyNotes) -> None:
>>>>>>> main
        self.tenant = tenant
        self.fences = fences or FenceView(tenant)
        self.mismatches = 0
        self._access = access
        self._notes = notes
        self._views: dict[PolicyAttributes, RowView | None] = {}
        self._open: dict[str, RowView] = {}

    def rows_filter(self) -> Predicate:
        """What listings carry into the index."""
        return self._access.rows()

    def shown(self, key: str) -> Predicate:
        """The rows on which a filter or an order may look at a native property."""
        return self._access.shown(FIELD_OF[key])

    def row(self, vid: int, record: Mapping[str, Any]) -> Row | None:
        """The row of a record, or None when it is not the caller's to know of."""
        if record["tenant"] != self.tenant:
            return None
        kind = KIND_OF_CODE[record["kind"]]
        if not kind.asset:
<<<<<<< HEAD
            return Row(vid, record, self._open)
        record = self.fences.seen(vid, record)
=======
            if kind.name not in self._open:
                self._open[kind.name] = RowView(kind.name, UNMASKED, self._notes)
            return Row(vid, record, self._open[kind.name])
>>>>>>> main
        attributes = PolicyAttributes.of(record)
        if attributes not in self._views:
            self._views[attributes] = view_of(self._access, kind.name, attributes, self._notes)
        view = self._views[attributes]
        return None if view is None else Row(vid, record, view)

    def asked_for(self, urn: str, record: Mapping[str, Any] | None) -> None:
        """Note for the access log that something hidden was asked for by its id."""
        if record is not None and record["tenant"] == self.tenant:
            self._notes.absent[urn] = None

    def mismatched(self, urn: str) -> None:
        """Count a row that the index should not have let through."""
        self.mismatches += 1
        _log.error("policy_pushdown_mismatch", urn=urn)
