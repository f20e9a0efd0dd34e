"""Ids in values: which a command names, and whether the caller may see all of them."""

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import asset, link, person, urn

from app.graph.writing.unit.unseen_references import any_unseen, names_unseen, references_in
from graphql_schema.ports.commands import Command, ObserveCommand, ObservedValue

ADA = person("ada", "team ranking", roles="engineer")
SOURCE = {"dataset": urn("dataset up"), "column": "c"}
COMMANDS: dict[str, tuple[Command, list[str]]] = {
    "columns": (asset("dataset d", {"columns": [{"name": "a", "derivedFrom": [SOURCE]}, {"name": "b"}]}), ["up"]),
    "no columns": (asset("dataset d", {"columns": None}), []),
    "event": (
        ObserveCommand(
            urn("dataset d"),
            "d",
            (
                ObservedValue("columns", [{"name": "a"}], (1,), "schema"),
                ObservedValue("columns", {"a": [SOURCE]}, (1,), "a job"),
                ObservedValue("columns", None, (1,), "another job"),
            ),
            (),
        ),
        ["up"],
    ),
    "edges are none": (asset("dataset d", derivedFrom=["dataset up"]), []),
    "link without a run": (link("DERIVES", "dataset up", "dataset d"), []),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_names_the_ids_in_its_values(name: str) -> None:
    """Edges have rules of their own, and the schema of an event has no sources."""
    command, names = COMMANDS[name]
    assert [*references_in(command)] == [urn(f"dataset {each}") for each in names]


def test_the_run_of_a_link_is_a_reference() -> None:
    """A link without one, or with null, names none."""
    named = [link("DERIVES", "dataset up", "dataset d", runId=run) for run in (urn("run r"), None)]
    assert [[*references_in(each)] for each in named] == [[urn("run r")], []]


def test_a_hidden_id_is_like_an_absent_one(memory: Memory) -> None:
    """Only if all ids are visible, none is unseen."""
    seeded(memory, asset("dataset up"), asset("dataset shut", {"visibility": "TEAM"}, owners={"team ads": []}))
    unit = memory.unit(ADA)
    shown, shut, absent = (urn(f"dataset {name}") for name in ("up", "shut", "absent"))
    assert [any_unseen(unit, urns) for urns in ([], [shown], [shown, shut], [absent])] == [False, False, True, True]
    assert not names_unseen(unit, COMMANDS["columns"][0])
