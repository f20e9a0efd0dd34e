"""Completeness as a GraphQL type."""

from graphql_schema.lineage.completeness import CompletenessState, completeness_source
from graphql_schema.ports.lineage_query import Completeness, SnapshotTime


def test_completeness_is_shown_with_its_state_and_its_instant() -> None:
    """The instant is the valid time that the result was read at, not the time of recording."""
    found = Completeness(("DEPTH",), policy=True, visited=10, depth=3, hidden=2, pin=SnapshotTime(100, 200))
    assert completeness_source(found) == {
        "state": "TRUNCATED",
        "reason": "DEPTH, POLICY",
        "visited": 10,
        "depthReached": 3,
        "hidden": 2,
        "asOf": 100,
    }


def test_the_enum_has_the_states_of_a_result() -> None:
    """A result has one of three states."""
    assert {state.name for state in CompletenessState} == {"COMPLETE", "TRUNCATED", "PARTIAL"}
