"""Commands with other ids in place of given ones."""

import pytest

from graphql_schema.catalog.relations import DERIVES
from graphql_schema.inputs.command_ids import with_ids
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    DeleteCommand,
    LinkCommand,
    MergeCommand,
    ObserveCommand,
    OpenIncidentCommand,
    PlanChangeCommand,
    RecordUsageCommand,
    RegisterCommand,
    ReportCheckCommand,
    RevertCommand,
)

OLD, NEW, OTHER = (f"mlg://dataset/test/default/{name}" for name in ("old", "new", "other"))


def renamed(urn: str) -> str:
    """Return the new id for the old one."""
    return NEW if urn == OLD else urn


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (LinkCommand("DERIVES", OLD, OTHER, {"runId": OLD}), LinkCommand("DERIVES", NEW, OTHER, {"runId": OLD})),
        (MergeCommand(OTHER, OLD, "why"), MergeCommand(OTHER, NEW, "why")),
        (DeleteCommand(OLD, 3), DeleteCommand(NEW, 3)),
        (OpenIncidentCommand((OLD, OTHER, NEW), "t", "LOW"), OpenIncidentCommand((NEW, OTHER), "t", "LOW")),
        (PlanChangeCommand((OLD,), "t", (1, 2), 3), PlanChangeCommand((NEW,), "t", (1, 2), 3)),
        (RecordUsageCommand(OLD, OTHER, "2025-06-01", {}), RecordUsageCommand(NEW, OTHER, "2025-06-01", {})),
        (ReportCheckCommand(OLD, OLD, "DRIFT", "PASS", 1, {}), ReportCheckCommand(NEW, OLD, "DRIFT", "PASS", 1, {})),
        (ObserveCommand(OLD, "old"), ObserveCommand(NEW, "old")),
    ],
)
def test_ids_of_assets_are_replaced_and_other_texts_are_not(given: Command, expected: Command) -> None:
    """The id in free values, and the name of a check, are texts."""
    assert with_ids(given, renamed) == expected


def test_a_command_without_the_id_is_returned_itself() -> None:
    """No copy is made."""
    edges = (DeclaredEdges(DERIVES.into(), "Dataset.derivedFrom", {OTHER: {}}),)
    for command in (RegisterCommand(NEW, {"description": OLD}, edges), RevertCommand("mlg://change/a/b/c")):
        assert with_ids(command, renamed) is command


def test_declared_edges_to_both_ids_become_one() -> None:
    """Targets, removed ones and places in the input have the new id; values of both are merged."""
    edges = DeclaredEdges(
        DERIVES.into(),
        "Dataset.derivedFrom",
        {OLD: {"kinds": ["A"], "role": "x"}, NEW: {"kinds": ["B"]}},
        removes=(OLD, OTHER),
        places={OLD: ("derivedFrom", "0")},
    )
    (after,) = with_ids(RegisterCommand(OTHER, {}, (edges,)), renamed).edges
    assert after.targets == {NEW: {"kinds": ["B"], "role": "x"}}
    assert after.removes == (NEW, OTHER)
    assert after.place(NEW) == ("derivedFrom", "0")
