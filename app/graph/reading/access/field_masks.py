"""Access to the rows and edges of one operation: the decisions of the policy in the form that the schema reads."""

from dataclasses import dataclass, field

from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.row import AccessGrade, RecordAccess
from policies.access import Access as Policed
from policies.attributes import PolicyAttributes
from policies.decision import FieldMask, Grade, Rights
from policies.vocabulary import WriteAction, field_action


@dataclass(slots=True)
class EdgeAccess:
    """Access to an edge; implements :class:`graphql_schema.ports.row.RecordAccess`."""

    type_name: str
    mask: FieldMask
    report: PolicyReport
    grade: AccessGrade = AccessGrade.READ
    hidden: frozenset[str] = field(init=False)
    watched: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.hidden = self.mask.hidden
        self.watched = self.mask.hidden | self.mask.logged

    def report_hidden(self, field: str) -> None:
        """Report a requested field as hidden, with the reason; raises DeniedError if the report is strict."""
        self.report.report_hidden(field_action(self.type_name, field), self.mask.why[field])

    def report_read(self, field: str, urn: str) -> None:
        """Report that a field whose reading is logged was read from the record with this id."""
        self.report.report_read(field_action(self.type_name, field), urn)

    def may(self, _action: WriteAction) -> bool:
        """Return False: an edge has no rights of its own, since it is changed through the rows at its ends."""
        return False

    def rights(self) -> Rights:
        """Return no rights, as for `may`."""
        return Rights()

    def of_edge(self, _type_name: str, _far: RecordAccess) -> RecordAccess:
        """Raise NotImplementedError: an edge does not end at another edge."""
        raise NotImplementedError


@dataclass(slots=True)
class RowAccess(EdgeAccess):
    """Access to the rows that share their policy attributes; edges between rows have the masks of both ends.

    ``policed`` and ``attributes`` are None for kinds that the policy does not govern.
    """

    policed: Policed | None = None
    attributes: PolicyAttributes | None = None
    edges: dict[tuple[str, int], EdgeAccess] = field(default_factory=dict)
    _edge_masks: dict[str, FieldMask] = field(default_factory=dict)

    def reporting_to(self, report: PolicyReport) -> "RowAccess":
        """Return equal access to rows, which records reads of hidden and logged fields in another report."""
        return RowAccess(
            self.type_name, self.mask, report, self.grade, policed=self.policed, attributes=self.attributes
        )

    def may(self, action: WriteAction) -> bool:
        """Return whether the caller may perform an action; False for kinds that the policy does not govern."""
        return bool(self.policed and self.attributes and self.policed.may(action, self.attributes).allowed)

    def rights(self) -> Rights:
        """Return the rights of the caller with the rules; empty for kinds that the policy does not govern."""
        if self.policed is None or self.attributes is None:
            return Rights()
        return self.policed.rights(self.type_name, self.attributes)

    def of_edge(self, type_name: str, far: RecordAccess) -> RecordAccess:
        """Return the access to an edge to a row of ``far``, whose fields are visible if both ends show them."""
        key = (type_name, id(far))
        known = self.edges.get(key)
        if known is None:
            mask = _union(self.masked(type_name), _mask_of(far, type_name))
            known = self.edges[key] = EdgeAccess(type_name, mask, self.report)
        return known

    def masked(self, type_name: str) -> FieldMask:
        """Return the field mask that this end adds to an edge of a type."""
        mask = self._edge_masks.get(type_name)
        if mask is None:
            mask = UNMASKED
            if self.policed is not None and self.attributes is not None:
                mask = self.policed.field_mask(type_name, self.attributes)
            self._edge_masks[type_name] = mask
        return mask


UNMASKED = FieldMask(frozenset(), {})
"""Mask of kinds without field rules of their own: teams, users, domains, tags and attached records."""


def access_of(policed: Policed, type_name: str, attributes: PolicyAttributes, report: PolicyReport) -> RowAccess | None:
    """Return the access to rows with these policy attributes; None if they are hidden."""
    grade = policed.grade(attributes)
    if grade is Grade.HIDDEN:
        return None
    mask = policed.field_mask(type_name, attributes)
    return RowAccess(type_name, mask, report, AccessGrade[grade.name], policed=policed, attributes=attributes)


def _mask_of(end: RecordAccess, type_name: str) -> FieldMask:
    """Return the field mask that an end adds to an edge."""
    return end.masked(type_name) if isinstance(end, RowAccess) else UNMASKED


def _union(near: FieldMask, far: FieldMask) -> FieldMask:
    """Return the mask that hides what either mask hides; a field hidden by one and logged by the other is hidden."""
    if near is far or not (far.hidden or far.logged):
        return near
    hidden = near.hidden | far.hidden
    return FieldMask(hidden, {**far.why, **near.why}, (near.logged | far.logged) - hidden)
