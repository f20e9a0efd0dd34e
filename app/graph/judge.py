"""The policy in the loop: a record becomes a row when its caller may discover it, and nothing when not."""

from collections.abc import Mapping
from typing import Any

import structlog

from app.graph.sensitivity.fences import FenceView
from graphql_schema.catalog import KIND_OF_CODE
from graphql_schema.context import HiddenNotes
from graphql_schema.enums import AccessGrade
from graphql_schema.row import Access as View
from graphql_schema.row import Row
from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.decision import Denial, Grade
from policies.predicate import Predicate

_log = structlog.get_logger(__name__)


class Judge:
    """Judges records for one caller and one operation; views are shared by records of one policy class.

    ``fences`` are the levels that hold beyond what is stored; ``mismatches`` counts rows that the index let through and the policy did not: a defect, it must stay 0.
    """

    def __init__(self, access: Access, tenant: str, notes: HiddenNotes, fences: FenceView | None = None) -> None:
        self.tenant = tenant
        self.fences = fences or FenceView(tenant)
        self.mismatches = 0
        self._access = access
        self._notes = notes
        self._views: dict[PolicyAttributes, View | None] = {}
        self._open = View(AccessGrade.READ, frozenset(), lambda _kind, _field: None)

    def rows_filter(self) -> Predicate:
        """What listings carry into the index."""
        return self._access.rows()

    def row(self, vid: int, record: Mapping[str, Any]) -> Row | None:
        """The row of a record, or None when it is not the caller's to know of."""
        if record["tenant"] != self.tenant:
            return None
        kind = KIND_OF_CODE[record["kind"]]
        if not kind.asset:
            return Row(vid, record, self._open)
        record = self.fences.seen(vid, record)
        attributes = PolicyAttributes.of(record)
        if attributes not in self._views:
            self._views[attributes] = self._view(kind.name, attributes)
        view = self._views[attributes]
        return None if view is None else Row(vid, record, view)

    def mismatched(self, urn: str) -> None:
        """Count a row that the index should not have let through."""
        self.mismatches += 1
        _log.error("policy_pushdown_mismatch", urn=urn)

    def _view(self, type_name: str, attributes: PolicyAttributes) -> View | None:
        grade = self._access.grade(attributes)
        if grade is Grade.HIDDEN:
            return None
        mask = self._access.hidden(type_name, attributes)

        def note(kind: str, field: str) -> None:
            denial = mask.why.get(field, Denial((), ()))
            self._notes.note(f"{kind}.{field}", denial.policies, ", ".join(denial.needs))

        return View(AccessGrade[grade.name], mask.hidden, note)
