"""How often a transaction is read and planned: as often for an item that concerns many assets as for one of few."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from support.stores.counted_reads import CountedReads
from support.stores.in_memory_writer import Memory, present_graph, seeded
from support.stores.memory_store import names
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.commits.reads.read_limits import DivisibleLimits
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import confirmed_sensitivity
from app.graph.writing.prefetch import TransactionReads
from app.graph.writing.unit import working_set
from app.graph.writing.unit.read_set import ReadSet
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.catalog.kinds import RESERVABLE
from graphql_schema.catalog.relations import CONTAINS, INPUT_TO, Direction
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    MergeCommand,
    OpenIncidentCommand,
    RegisterCommand,
    SetAliasCommand,
)
from policies.installation.gates import Gate, Gates, Needs
from policies.installation.reserved_names import Reservation, ReservedNames

FEW, MANY = 3, 30
ELI = person("eli", "team ranking", roles="approver engineer admin")

Case = Callable[[Memory, int], Command]
"""Prepares a store, and returns a command about this many assets."""


def named(slug: str, number: int) -> str:
    """Return the id of an asset in the namespace of a team of its own."""
    return make_urn(slug, "test", f"space{number}", "x")


def with_targets(command: RegisterCommand, edges: DeclaredEdges, slug: str, count: int) -> RegisterCommand:
    """Return a registration with edges to this many assets."""
    return replace(command, edges=(replace(edges, targets={named(slug, number): {} for number in range(count)}),))


def reserve(memory: Memory, count: int) -> None:
    """Reserve the namespace of each asset for a team of its own."""
    teams = [make_urn("team", "catalog", "", f"team{number}") for number in range(count)]
    spaces = [(f"space{number}",) for number in range(count)]
    entries = [Reservation(team, frozenset(RESERVABLE), (), names) for team, names in zip(teams, spaces, strict=True)]
    memory.reserved_names = ReservedNames(tuple(entries))


def references(memory: Memory, count: int) -> Command:
    """Return a run that reads absent datasets, which get the teams of their names."""
    reserve(memory, count)
    return with_targets(asset("run r"), DeclaredEdges(INPUT_TO.into(), "Run.inputs", {}, adds=True), "dataset", count)


FEATURES = DeclaredEdges(CONTAINS.out("Feature"), "FeatureSet.features", {})


def children(memory: Memory, count: int) -> Command:
    """Return a set that gets an owner; its features have none, and their names are reserved since."""
    seeded(memory, with_targets(asset("feature-set s"), FEATURES, "feature", count))
    reserve(memory, count)
    return asset("feature-set s", {}, owners={"team ads": ["TECHNICAL"]})


def ended(memory: Memory, count: int) -> Command:
    """Return a set that leaves its features, which get the teams of their names."""
    seeded(memory, with_targets(asset("feature-set s"), FEATURES, "feature", count))
    reserve(memory, count)
    return asset("feature-set s", {}, features=[])


async def rounds(empty: Memory, case: Case, count: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Return how often a command is read and planned; all that it changes is as if everything had been read."""
    memory = Memory(empty.policy)
    command = case(memory, count)
    complete = replace(memory, vertices=dict(memory.vertices), edges=dict(memory.edges))
    expected = complete.run(command, who=ELI)
    assert not [each.errors for each in expected if each.errors]
    reads = CountedReads(memory)
    done = await reads.transact(monkeypatch, command, who=ELI)
    assert [each.outcome for each in done] == [each.outcome for each in expected]
    assert present_graph(memory) == present_graph(complete)
    assert len(reads.records) == len({*reads.records})
    assert len(reads.edges) == len({*reads.edges})
    return reads.requests, reads.plans


@pytest.mark.parametrize("case", [references, children, ended])
async def test_the_teams_of_many_reserved_names_are_read_at_once(
    memory: Memory, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item that concerns names of 30 teams is read and planned as often as one that concerns names of 3."""
    assert await rounds(memory, case, MANY, monkeypatch) == await rounds(memory, case, FEW, monkeypatch)


OURS = {"team ranking": ["TECHNICAL"]}
GATE = Gate("safe", Needs(evaluations=True, uncontaminated=True))


def aliases(memory: Memory, count: int) -> Command:
    """Return one more alias of a model, each of whose aliases points at a version of its own."""
    seeded(memory, asset("model m", owners=OURS), *(asset(f"model-version m@{number}") for number in range(count)))
    for number in range(count):
        version = urn(f"model-version m@{number}")
        assert memory.outcomes(SetAliasCommand(urn("model m"), f"alias{number}", version), who=ELI) == ["UPDATED"]
    return SetAliasCommand(urn("model m"), "another", urn("model-version m@0"))


def incidents(memory: Memory, count: int) -> Command:
    """Return an alias of a version with incidents, each of which is on a dataset of its own as well."""
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"))
    for number in range(count):
        seeded(memory, asset(f"dataset d{number}"))
        on = (urn("model-version m@1"), urn(f"dataset d{number}"))
        assert memory.outcomes(OpenIncidentCommand(on, "late", "HIGH"), now=NOW + number) == ["CREATED"]
    return SetAliasCommand(urn("model m"), "champion", urn("model-version m@1"))


def parents(memory: Memory, count: int) -> Command:
    """Return an incident on features, each of which is in a set of its own."""
    for number in range(count):
        seeded(memory, asset(f"feature-set s{number}", {}, features=[f"feature f{number}"]))
        seeded(memory, asset(f"feature f{number}", owners=OURS))
    return OpenIncidentCommand(tuple(urn(f"feature f{number}") for number in range(count)), "late", "HIGH")


def evaluated_runs(memory: Memory, count: int) -> Command:
    """Return a promotion of a version whose evaluation was produced by runs, each with a dataset of its own."""
    seeded(
        memory,
        asset("model m", owners=OURS),
        asset("model-version m@1", trainedOn=["dataset train"]),
        asset("evaluation e", owners=OURS),
    )
    seeded(memory, link("EVALUATED_BY", "model-version m@1", "evaluation e"))
    for number in range(count):
        seeded(memory, asset(f"run r{number}", inputs=[f"dataset d{number}"], outputs=["evaluation e"]))
    memory.gates = Gates((GATE,))
    return SetAliasCommand(urn("model m"), "champion", urn("model-version m@1"), protected=True)


def deep_lineage(memory: Memory, count: int) -> Command:
    """Return a promotion of a version; its training, and the data of its evaluation, have so many levels of sources."""
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1", trainedOn=["dataset train0"]))
    seeded(memory, asset("evaluation e", owners=OURS), link("EVALUATED_BY", "model-version m@1", "evaluation e"))
    seeded(memory, link("EVALUATED_BY", "dataset test0", "evaluation e"))
    for level, name in product(range(count), ("train", "test")):
        seeded(memory, asset(f"dataset {name}{level}", derivedFrom=[f"dataset {name}{level + 1}"]))
    memory.gates = Gates((GATE,))
    return SetAliasCommand(urn("model m"), "champion", urn("model-version m@1"), protected=True)


@pytest.mark.parametrize("case", [aliases, incidents, parents, evaluated_runs])
async def test_what_concerns_many_assets_is_read_at_once(
    memory: Memory, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the plan of an item needs of 30 assets is read and planned as often as what it needs of 3."""
    assert await rounds(memory, case, MANY, monkeypatch) == await rounds(memory, case, FEW, monkeypatch)


async def test_a_promotion_is_planned_as_often_for_deep_lineage(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sources of training and data are read level by level for the next plan; no plan is made in between."""
    (_, deep), (_, flat) = [await rounds(memory, deep_lineage, count, monkeypatch) for count in (9, 1)]
    assert deep == flat < 10


async def test_the_children_of_a_source_are_read_that_the_item_does_not_name(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first registration confirms the sensitivity of versions of a source, which only another caller has named.

    Of the source itself, no source is read: it may have thousands, as may each of forty others.
    """
    restricted = asset("dataset-version d@1", {"sensitivity": "RESTRICTED"})
    seeded(memory, asset("dataset d", derivedFrom=["dataset a"]), restricted, link("DERIVES", "dataset d", "dataset s"))
    levels = {"sensitivity": "RESTRICTED", "confirmedSensitivity": "INTERNAL"}
    memory.vertices[vid("dataset s")] = {**memory.record("dataset s"), **levels}
    reads = CountedReads(memory)
    assert names(await reads.transact(monkeypatch, asset("dataset s"))) == ["CREATED"]
    assert confirmed_sensitivity(memory.record("dataset s")) == "RESTRICTED"
    into_source = [edge for edge in reads.edges if edge[1][2] == vid("dataset d")]
    assert into_source == [("in", ("VERSION_OF", vid("dataset-version d@1"), vid("dataset d")))]


@pytest.mark.parametrize("step", ["first", "later"])
async def test_the_group_of_a_merged_dataset_is_that_of_the_remaining_one(memory: Memory, step: str) -> None:
    """The plan before a conflict requested the group of a dataset that another process has merged into another."""
    seeded(memory, asset("dataset d", derivedFrom=["dataset a"]), link("DERIVES", "dataset old", "dataset s"))
    assert memory.outcomes(MergeCommand(urn("dataset old"), urn("dataset d"), None)) == ["UPDATED"]
    client: Any = CountedReads(memory)
    reads = TransactionReads(client, "default", DivisibleLimits(), NOW)
    if step == "later":
        await reads.read(ReadSet(records={urn("dataset old")}))
    state = await reads.read(ReadSet(records={urn("dataset old")}, groups={vid("dataset old")}))
    edge = ("DERIVES", vid("dataset a"), vid("dataset d"))
    assert (state.edge(edge), state.led_to(vid("dataset old"))) == (memory.edges[edge], vid("dataset d"))
    assert state.request_group(vid("dataset d"))
    assert state.missing == ReadSet()


async def test_what_was_read_is_not_read_again_and_what_is_absent_stays_so(memory: Memory) -> None:
    """Of a hop that continues at a further vertex, the earlier edges remain; an absent record is looked up once."""
    seeded(memory, asset("dataset d", derivedFrom=["dataset a"]), asset("dataset e", derivedFrom=["dataset a"]))
    client: Any = CountedReads(memory)
    reads, absent = TransactionReads(client, "default", DivisibleLimits(), NOW), urn("dataset absent")
    for text in "de":
        near, missing = vid(f"dataset {text}"), ReadSet(records={absent, urn(f"dataset {text}")})
        missing.hops.add((Direction.IN, "DERIVES", near))
        missing.edges.add(("FEEDS", vid("dataset d"), near))
        state = await reads.read(missing)
        state.require_hop(Direction.IN, "DERIVES", near)
        state.require_record(vid("dataset absent"), absent)
        state.require_edge(("FEEDS", vid("dataset d"), near))
    assert {*state.edges} == {("DERIVES", vid("dataset a"), vid(f"dataset {text}")) for text in "de"}
    assert sorted(client.records) == sorted(vid(f"dataset {text}") for text in "ade")
    assert len(client.edges) == len(state.edges)
    before = client.requests
    await reads.read(ReadSet())
    assert client.requests == before


def vid(text: str) -> int:
    """Return the vertex id of ``kind name``."""
    return vertex_id("default", urn(text))


@pytest.mark.parametrize("is_long", [True, False])
async def test_states_that_are_read_again_are_freed_in_turns(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, *, is_long: bool
) -> None:
    """One may have 100,000 edges, and nothing refers to it when the next is read; a small one is freed at once."""
    freed, shown = list[object](), list[WorkingSet]()
    monkeypatch.setattr(working_set, "RELEASE", SimpleNamespace(free=freed.extend))
    monkeypatch.setattr(WorkingSet, "is_long", is_long)
    read = TransactionReads.read

    async def noted(*given: Any) -> WorkingSet:
        shown.append(await read(*given))
        return shown[-1]

    command = deep_lineage(memory, 3)
    monkeypatch.setattr(TransactionReads, "read", noted)
    await CountedReads(memory).transact(monkeypatch, command, who=ELI)
    assert len(shown) > 5
    assert {each for each in freed if isinstance(each, WorkingSet)} == ({*shown[:-1]} if is_long else set())
