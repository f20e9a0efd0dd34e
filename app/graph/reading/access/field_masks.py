"""What one caller may see of the rows and edges of one operation: the policy's answers as the schema reads them."""

from dataclasses import dataclass, field

from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.row import AccessGrade, RecordAccess
from policies.access import Access as Policed
from policies.attributes import PolicyAttributes
from policies.decision import FieldMask, Grade
from policies.vocabulary import WriteAction, field_action


@dataclass(slots=True)
class EdgeAccess:
    """What is shown of an edge; implements :class:`graphql_schema.ports.row.RecordAccess`."""

    type_name: str
    mask: FieldMask
    notes: PolicyReport
    grade: AccessGrade = AccessGrade.READ
    hidden: frozenset[str] = field(init=False)
    watched: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.hidden = self.mask.hidden
        self.watched = self.mask.hidden | self.mask.logged

    def report_hidden(self, field: str) -> None:
        """See :class:`graphql_schema.ports.row.RecordAccess`."""
        self.notes.report_hidden(field_action(self.type_name, field), self.mask.why[field])

    def report_read(self, field: str, urn: str) -> None:
        """See :class:`graphql_schema.ports.row.RecordAccess`."""
        self.notes.report_read(field_action(self.type_name, field), urn)

    def may(self, _action: WriteAction) -> bool:
        """Edges are changed through the rows that they join."""
        return False

    def of_edge(self, _type_name: str, _far: RecordAccess) -> RecordAccess:
        """An edge ends at no other edge."""
        raise NotImplementedError


@dataclass(slots=True)
class RowAccess(EdgeAccess):
    """What is shown of the rows of one policy class; edges are shown as far as both of their ends show them."""

    policed: Policed | None = None
    attributes: PolicyAttributes | None = None
    edges: dict[tuple[str, int], EdgeAccess] = field(default_factory=dict)

    def may(self, action: WriteAction) -> bool:
        """See :class:`graphql_schema.ports.row.RecordAccess`; what is no asset has no rights of its own to show."""
        return bool(self.policed and self.attributes and self.policed.may(action, self.attributes).allowed)

    def of_edge(self, type_name: str, far: RecordAccess) -> RecordAccess:
        """See :class:`graphql_schema.ports.row.RecordAccess`."""
        key = (type_name, id(far))
        if key not in self.edges:
            self.edges[key] = EdgeAccess(
                type_name, _union(self.masked(type_name), _mask_of(far, type_name)), self.notes
            )
        return self.edges[key]

    def masked(self, type_name: str) -> FieldMask:
        """The mask that this end puts on an edge."""
        if self.policed is None or self.attributes is None:
            return UNMASKED
        return self.policed.field_mask(type_name, self.attributes)


UNMASKED = FieldMask(frozenset(), {})
"""Of what the policy does not govern: teams, users, domains and tags."""


def view_of(policed: Policed, type_name: str, attributes: PolicyAttributes, notes: PolicyReport) -> RowAccess | None:
    """The view of a policy class of rows; None when they are hidden."""
    grade = policed.grade(attributes)
    if grade is Grade.HIDDEN:
        return None
    mask = policed.field_mask(type_name, attributes)
    return RowAccess(type_name, mask, notes, AccessGrade[grade.name], policed=policed, attributes=attributes)


def _mask_of(end: RecordAccess, type_name: str) -> FieldMask:
    return end.masked(type_name) if isinstance(end, RowAccess) else UNMASKED


def _union(near: FieldMask, far: FieldMask) -> FieldMask:
    hidden = near.hidden | far.hidden
    return FieldMask(hidden, {**far.why, **near.why}, (near.logged | far.logged) - hidden)
