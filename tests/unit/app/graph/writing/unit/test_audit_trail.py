"""What the audit of an item records beside the difference of its records."""

from app.graph.writing.unit.audit_trail import AuditTrail, EdgeChange
from graphql_schema.catalog.enums import ChangeAction


def test_the_last_action_of_a_vertex_counts() -> None:
    """A handler may first record a consequence and then the action itself."""
    audit = AuditTrail()
    audit.record_action(1, ChangeAction.UPDATED)
    audit.record_action(1, ChangeAction.DELETED)
    audit.record_action(2, ChangeAction.LINKED)
    assert audit.actions == {1: ChangeAction.DELETED, 2: ChangeAction.LINKED}


def test_an_action_without_a_reason_keeps_the_reason_of_the_item() -> None:
    """The reason of the caller applies to everything that the item does, and an empty one is none."""
    audit = AuditTrail()
    audit.record_action(1, ChangeAction.DELETED, "unused")
    audit.record_action(2, ChangeAction.DELETED)
    audit.record_action(3, ChangeAction.DELETED, "")
    assert audit.reason == "unused"


def test_details_belong_to_one_vertex() -> None:
    """An action without details removes none that were recorded before."""
    audit = AuditTrail()
    audit.record_action(1, ChangeAction.REVERTED, reverts="c1")
    audit.record_action(1, ChangeAction.REVERTED)
    audit.record_action(2, ChangeAction.UPDATED)
    assert audit.details == {1: {"reverts": "c1"}}


def test_fields_and_edges_are_kept_in_order() -> None:
    """Two changes of one field are two entries; an edge is recorded for the vertex that it is about."""
    audit = AuditTrail()
    audit.record_field(1, "aliases", {"version": "a"}, None, part="champion")
    audit.record_field(1, "aliases", None, {"version": "b"}, part="champion")
    audit.record_edge(2, "owners", ("OWNED_BY", 2, 3))
    assert audit.fields == {
        1: [
            {"field": "aliases", "part": "champion", "before": {"version": "a"}, "after": None},
            {"field": "aliases", "part": "champion", "before": None, "after": {"version": "b"}},
        ]
    }
    assert audit.edges == [EdgeChange(2, "owners", ("OWNED_BY", 2, 3))]
