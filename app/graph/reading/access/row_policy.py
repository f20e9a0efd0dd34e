"""Applies the caller's policy and the read time to stored records: a visible record becomes a `Row`, another None."""

from collections.abc import Iterable

import structlog

from app.graph.commits.sensitivity_floors import FloorView
from app.graph.reading.access.field_masks import UNMASKED, RowAccess, access_of
from app.graph.records.read_time import PRESENT, ReadTime, vertex_at
from app.graph.records.vertex_record import attributes as attributes_of
from app.graph.records.vertex_record import with_effective_sensitivity
from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.catalog.properties import FIELD_OF
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.record import Record
from graphql_schema.ports.row import Row
from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.predicate import Predicate
from policies.sensitivity import RANK

_log = structlog.get_logger(__name__)


class RowPolicy:
    """Evaluates the policy for one caller and one operation; records with equal policy attributes share their access.

    Records that did not exist at the read time ``instant`` are treated as absent. The policy applied is the current
    one. Rows are made in this class only, which a test checks. ``floors`` are the sensitivity floors; they can raise
    the sensitivity of an asset, for the policy and in its row.
    """

    def __init__(
        self,
        access: Access,
        tenant: str,
        report: PolicyReport,
        floors: FloorView | None = None,
        instant: ReadTime = PRESENT,
    ) -> None:
        self.tenant = tenant
        self.instant = instant
        self.floors = floors or FloorView(tenant)
        self._access = access
        self._report = report
        self._access_by_attributes: dict[PolicyAttributes, RowAccess | None] = {}
        self._open: dict[str, RowAccess] = {}

    @property
    def author(self) -> str | None:
        """Return the subject of the caller as the author of own links, None if the token may not write."""
        return self._access.principal.author

    def rows_filter(self) -> Predicate:
        """Return the row filter of the caller, which listings add to their index filter."""
        return self._access.rows()

    def shown(self, key: str) -> Predicate:
        """Return the predicate of the rows on which a native property is visible.

        Filters and orders by the property must not use other rows.
        """
        return self._access.rows_showing(FIELD_OF[key])

    def hides(self, fields: Iterable[str]) -> bool:
        """Return whether one of these fields may be hidden on some rows that the caller may discover."""
        return any(self._access.rows_showing(field) != self._access.rows() for field in fields)

    def row(self, vid: int, record: Record) -> Row | None:
        """Return the row of a record; None if it is of another tenant, hidden, or did not exist at the read time.

        A deleted asset has a row. Of attached records only tenant and time are tested;
        :mod:`app.graph.reading.subject_hops` tests their subjects.
        """
        if record["tenant"] != self.tenant:
            return None
        kind = KIND_OF_CODE[record["kind"]]
        if not kind.asset:
            if kind.name not in self._open:
                self._open[kind.name] = RowAccess(kind.name, UNMASKED, self._report)
            return self._row_at(vid, record, self._open[kind.name])
        record = self.floors.with_floor(vid, record)
        access = self._access_to(kind.name, record)
        return None if access is None else self._row_at(vid, record, access)

    def reported_here(self, row: Row) -> Row:
        """Return a row that another operation of a caller with equal rights has read, with the report of this one."""
        access = row.access
        return Row(row.vid, row.record, access.reporting_to(self._report)) if isinstance(access, RowAccess) else row

    def discovers(self, vid: int, record: Record) -> bool:
        """Return whether the policy lets the caller discover an asset, regardless of read time and tenant.

        False for records that are no assets.
        """
        kind = KIND_OF_CODE[record["kind"]]
        return kind.asset and self._access_to(kind.name, self.floors.with_floor(vid, record)) is not None

    def _row_at(self, vid: int, record: Record, access: RowAccess) -> Row | None:
        """Return the row as it was at the read time; None if it did not exist."""
        present = vertex_at(record, self.instant, access.hidden)
        return None if present is None else Row(vid, present, access)

    def raised_by_floor(self, vid: int, record: Record) -> bool:
        """Return whether a sensitivity floor applies to an asset, and hides the asset or changes its hidden fields.

        The index has no floors, so it may have found the record by a field that is hidden from the caller.
        """
        floored, kind = self.floors.with_floor(vid, record), KIND_OF_CODE[record["kind"]]
        if floored is record or not kind.asset:
            return False
        before, after = self._access_to(kind.name, record), self._access_to(kind.name, floored)
        return before is None or after is None or before.hidden != after.hidden

    def _is_raised(self, vid: int, record: Record, kind: str) -> bool:
        """Return whether an asset would be visible without the floor that covers it, and the raise of that floor."""
        if self.floors.rank(vid) < max(RANK[record["sensitivity"]], 1):
            return False
        lower = min(record["sensitivity"], record["declaredSensitivity"], key=RANK.__getitem__)
        unraised = with_effective_sensitivity(record, lower)
        return self._access_to(kind, unraised) is not None

    def _access_to(self, kind: str, record: Record) -> RowAccess | None:
        """Return the access to a record; None if it is hidden."""
        attributes = attributes_of(record)
        if attributes not in self._access_by_attributes:
            self._access_by_attributes[attributes] = access_of(self._access, kind, attributes, self._report)
        return self._access_by_attributes[attributes]

    def report_hidden_id(self, urn: str, vid: int, record: Record | None) -> None:
        """Report for the access log that an id was requested whose record the policy hides.

        The caller of this method has checked that there is no row. Ignored are absent records, those of other tenants,
        and those that only did not exist at the read time.
        """
        if record is not None and record["tenant"] == self.tenant and self._is_hidden(vid, record):
            self._report.absent[urn] = None

    def _is_hidden(self, vid: int, record: Record) -> bool:
        """Return whether the policy hides a record that has no row.

        An asset is tested whether or not it existed at the read time; another record is hidden only if it existed then.
        """
        if KIND_OF_CODE[record["kind"]].asset:
            return not self.discovers(vid, record)
        return vertex_at(record, self.instant) is not None

    def mismatched(self, vid: int, record: Record) -> None:
        """Log and count a record that the index returned and that has no row: the conditions sent to it miss a rule.

        Do nothing if a floor hides the record, or the raise that takes its place: the index has the former value.
        """
        kind = KIND_OF_CODE[record["kind"]]
        if record["tenant"] == self.tenant and kind.asset and self._is_raised(vid, record, kind.name):
            return
        self._report.mismatches += 1
        _log.error("policy_pushdown_mismatch", urn=record["id"])
