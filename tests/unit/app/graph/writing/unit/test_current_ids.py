"""Ids of merged datasets in commands, for callers who see the remaining dataset and for others."""

from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person, urn

from app.graph.writing.unit.current_ids import with_current_ids
from graphql_schema.ports.commands import DeleteCommand, MergeCommand

OLD, NEW = DeleteCommand(urn("dataset old")), DeleteCommand(urn("dataset new"))


def test_an_old_id_becomes_the_present_one_for_those_who_see_it(memory: Memory) -> None:
    """For another caller it stays, and nothing is copied in a store without merged datasets."""
    team = {"team ranking": ["TECHNICAL"]}
    seeded(
        memory,
        asset("dataset new", {"visibility": "TEAM"}, owners=team),
        asset("dataset x", derivedFrom=["dataset old"]),
    )
    assert with_current_ids(memory.unit(), OLD) is OLD
    memory.run(MergeCommand(urn("dataset old"), urn("dataset new")), now=NOW + 1)
    assert with_current_ids(memory.unit(), OLD) == NEW
    assert with_current_ids(memory.unit(person("ada", "team ranking")), OLD) == NEW
    assert with_current_ids(memory.unit(person("bo", "team ads", roles="engineer")), OLD) is OLD
    assert with_current_ids(memory.unit(), NEW) is NEW
