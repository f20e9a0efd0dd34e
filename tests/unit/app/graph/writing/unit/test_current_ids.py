"""Ids of merged datasets in commands, for callers who see the remaining dataset and for others."""

from dataclasses import replace

from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.writing.unit.current_ids import with_current_ids
from graphql_schema.catalog.relations import VERSION_OF
from graphql_schema.ports.commands import DeclaredEdges, DeleteCommand, MergeCommand, ObserveCommand

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


def test_a_version_of_the_old_id_is_one_of_the_remaining_dataset(memory: Memory) -> None:
    """Its own id names the old dataset: pipelines that use this name register it and link it, and events observe it."""
    seeded(memory, asset("dataset new"), asset("dataset out", derivedFrom=["dataset old"]))
    assert memory.outcomes(MergeCommand(urn("dataset old"), urn("dataset new"))) == ["UPDATED"]
    parent = DeclaredEdges(VERSION_OF.out(), "DatasetVersion.dataset", {urn("dataset old"): {}})
    registered = replace(asset("dataset-version old@1"), edges=(parent,))
    observed = ObserveCommand(urn("dataset-version old@2"), "2", (), (parent,))
    linked = link("VERSION_OF", "dataset-version old@3", "dataset old")
    assert memory.outcomes(asset("dataset-version old@3")) == ["CREATED"]
    assert memory.outcomes(registered, observed, linked) == ["CREATED", "CREATED", "UPDATED"]
    assert memory.outcomes(registered, observed, linked) == ["UNCHANGED"] * 3
    versions = [vertex_id("default", urn(f"dataset-version old@{number}")) for number in (1, 2, 3)]
    new = vertex_id("default", urn("dataset new"))
    assert {key for key in memory.edges if key[0] == "VERSION_OF"} == {("VERSION_OF", each, new) for each in versions}
